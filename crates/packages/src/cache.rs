//! What this machine has of packages already (seed 003, "Caching System"; R47).
//!
//! ```text
//! extensions/{type}/{name}/{version}/   entry.json      what it is, digests, who was trusted for it
//!                                       manifest.json   the manifest
//!                                       NAME.tar.gz     the content, under the name that it had
//!                                       docs.md         its document, or docs.adoc
//!                                       signatures.json its signatures
//!                                       last-used       empty; its time is that of the last use
//!                                       unpacked/       the content, where somebody asked for it
//! blobs/sha256/{digest}                 each file once: those above are links to these
//! index.json                            what the last listing read
//! partial/{digest}.part                 transfers that go on later
//! tmp/                                  what is not finished
//! lock                                  held by whoever changes something
//! ```
//!
//! What the layout guarantees:
//!
//! - A look-up goes by path and costs the same among few and among many (R70). It never reads the index.
//! - An entry is there whole or not at all, whenever a process is killed: it is put together in `tmp` and
//!   comes by one rename. Readers need no lock; writers have one, and wait for each other.
//! - A blob has one name in `blobs` and one in each entry that has it. One that nobody else names goes with
//!   the next [`Cache::prune`] or [`Cache::clear`]. Where a file system has no links, entries have copies.
//! - What cannot be read hides nothing else: it is reported, and getting the package again repairs it. After
//!   a loss of power that can be a version whose content never came to the disk; its size or its digest tells.
//!
//! All of it blocks. Asynchronous callers run it where that is allowed.

mod entry;
mod error;
mod files;
mod index;
mod partial;
mod place;
mod remove;
mod signatures;
mod stats;
mod store;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use semver::Version;

use crate::bundle::{Limits, unpack};
use crate::manifest::{Kind, name};

pub use entry::{Entry, Key, Stored};
pub use error::{CacheError, Conflict};
pub use partial::Partial;
pub(crate) use place::ANSWERS;
pub use remove::{Removed, Selector};
pub use stats::{Stats, TypeStats};
pub use store::{Content, Item};

use entry::{Found, has_its_sizes};
use index::{Index, Stamp};
use place::{ENTRY, KINDS, LAST_USED, Layout, UNPACKED};

/// What is older in `tmp` belongs to nobody any more.
const ABANDONED: Duration = Duration::from_hours(1);
/// Tells programs for backups that they need not save this (bford.info/cachedir).
const TAG: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# Packages that can be fetched again.\n";

/// A folder of packages that were fetched.
#[derive(Clone, Debug)]
pub struct Cache {
    layout: Layout,
}

/// What is there, and what cannot be read.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Entries by type and name, the newest version first.
    pub entries: Vec<Entry>,
    /// What is no entry.
    pub faults: Vec<Fault>,
}

/// Something in the cache that cannot be read. It hides nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.why)
    }
}

impl Cache {
    /// Opens a cache, and makes it where there is none. What killed processes left in `tmp` goes when it is an
    /// hour old.
    ///
    /// # Errors
    /// When its folders cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let layout = Layout::new(root.into());
        let folders = [
            layout.extensions(),
            layout.blobs(),
            layout.partial(),
            layout.temporary(),
        ];
        for folder in folders {
            // Packages may be private, so what is made here is for its owner.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(CacheError::file("make", &folder))?;
        }
        let tag = layout.root().join("CACHEDIR.TAG");
        if !tag.exists() {
            fs::write(&tag, TAG).map_err(CacheError::file("write", &tag))?;
        }
        let cache = Self { layout };
        cache.sweep();
        Ok(cache)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Folder for what sources listed lately ([`crate::catalog::Lately`]).
    #[must_use]
    pub fn listings(&self) -> PathBuf {
        self.root().join(place::LISTINGS)
    }

    /// The entry of a version, by its path alone. Its files are as long as they were; [`Cache::verify`] reads
    /// them.
    ///
    /// # Errors
    /// When no path can be made of this, or what is there is broken. [`Cache::store`] puts a whole one in its
    /// place.
    pub fn get(
        &self,
        kind: &Kind,
        name: &str,
        version: &Version,
    ) -> Result<Option<Entry>, CacheError> {
        let folder = self.layout.version(kind, name, version)?;
        let key = Key {
            kind: kind.clone(),
            name: name.to_owned(),
            version: version.clone(),
        };
        match entry::read(&key, &folder, has_its_sizes) {
            Found::Entry(entry) => Ok(Some(*entry)),
            Found::Nothing => Ok(None),
            Found::Broken(why) => Err(CacheError::Broken { path: folder, why }),
        }
    }

    /// The entries of a version in all types: one look-up each.
    ///
    /// # Errors
    /// As [`Cache::get`].
    pub fn get_of_any_type(&self, name: &str, version: &Version) -> Result<Vec<Entry>, CacheError> {
        let mut entries = Vec::new();
        for kind in &KINDS {
            entries.extend(self.get(kind, name, version)?);
        }
        Ok(entries)
    }

    /// All versions of a package, of any type. It reads the folders of this package alone.
    ///
    /// # Errors
    /// When this is no name.
    pub fn find(&self, name: &str) -> Result<Listing, CacheError> {
        let mut listing = Listing::default();
        for kind in &KINDS {
            let folder = self.layout.package(kind, name)?;
            for (key, folder) in versions(kind, name, &folder, &mut listing.faults) {
                match entry::read(&key, &folder, |_| Ok(())) {
                    Found::Entry(entry) => listing.entries.push(*entry),
                    Found::Nothing => {}
                    Found::Broken(why) => listing.faults.push(Fault { path: folder, why }),
                }
            }
        }
        listing.sort();
        Ok(listing)
    }

    /// Everything. Entries that are in the index and unchanged since are not read again.
    #[must_use]
    pub fn list(&self) -> Listing {
        let mut index = Index::read(&self.layout);
        let mut listing = Listing::default();
        for (key, folder) in self.keys(&mut listing.faults) {
            let path = format!("{}/{}/{}", key.kind.name(), key.name, key.version);
            // Looked at before it is read: if it changes between, the next listing reads it again.
            let stamp = fs::metadata(folder.join(ENTRY)).map(|found| Stamp::from(&found));
            let known = (stamp.as_ref().ok()).and_then(|stamp| index.take(&path, *stamp));
            if let Some(Ok(entry)) = known.map(|row| row.entry(&key, &folder)) {
                listing.entries.push(entry);
                continue;
            }
            match entry::read(&key, &folder, |_| Ok(())) {
                Found::Entry(entry) => {
                    if let Ok(stamp) = stamp {
                        index.put(path, stamp, &entry);
                    }
                    listing.entries.push(*entry);
                }
                Found::Nothing => {}
                Found::Broken(why) => listing.faults.push(Fault { path: folder, why }),
            }
        }
        index.write(&self.layout);
        listing.sort();
        listing
    }

    /// Says that an entry was used now (R48).
    ///
    /// # Errors
    /// When it cannot be written, as in a cache that can only be read; or it is gone.
    pub fn touch(&self, entry: &Entry) -> Result<(), CacheError> {
        self.touch_at(entry, SystemTime::now())
    }

    /// Says when an entry was used.
    ///
    /// # Errors
    /// As [`Cache::touch`].
    pub fn touch_at(&self, entry: &Entry, when: SystemTime) -> Result<(), CacheError> {
        let path = entry.folder.join(LAST_USED);
        mark(&path, when)
    }

    /// When an entry was used the last time; when it was stored, where nobody says.
    #[must_use]
    pub fn last_used(&self, entry: &Entry) -> SystemTime {
        changed(&entry.folder.join(LAST_USED)).unwrap_or_else(|| entry.stored.into())
    }

    /// Reads all files of an entry.
    ///
    /// # Errors
    /// [`CacheError::Broken`] when one is not what was stored.
    pub fn verify(&self, entry: &Entry) -> Result<(), CacheError> {
        for file in entry.files() {
            let path = entry.folder.join(&file.file);
            let (digest, size) = files::digest(&path).map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    return CacheError::Gone(path.clone());
                }
                CacheError::file("read", &path)(error)
            })?;
            if digest != file.digest {
                let why = format!(
                    "its digest is sha256:{digest} in {size} bytes, and sha256:{} in {} was stored",
                    file.digest, file.size
                );
                return Err(CacheError::Broken { path, why });
            }
        }
        Ok(())
    }

    /// The content of an entry, unpacked. The first time its files are verified, and it is unpacked whole or
    /// not at all (R82).
    ///
    /// # Errors
    /// When it is broken, or the bundle is refused; then nothing stays of it but the entry.
    pub fn unpacked(&self, entry: &Entry, limits: Limits) -> Result<PathBuf, CacheError> {
        let folder = entry.folder.join(UNPACKED);
        if folder.is_dir() {
            return Ok(folder);
        }
        self.verify(entry)?;
        let fresh = self.fresh("unpack-")?;
        let place = fresh.path().join(UNPACKED);
        let content = entry.content_path();
        let archive = File::open(&content).map_err(CacheError::file("read", &content))?;
        unpack(archive, &place, limits)?;
        // Another content may have come to this place: what was unpacked is not of that one.
        let _lock = self.lock()?;
        match self.get(&entry.kind, &entry.name, &entry.version)? {
            Some(there) if there.content.digest == entry.content.digest => {}
            _ => return Err(CacheError::Gone(entry.folder.clone())),
        }
        if folder.is_dir() {
            return Ok(folder);
        }
        fs::rename(&place, &folder).map_err(CacheError::file("write", &folder))?;
        Ok(folder)
    }

    /// Paths of all entries, whatever is there.
    fn keys(&self, faults: &mut Vec<Fault>) -> Vec<(Key, PathBuf)> {
        let mut keys = Vec::new();
        for kind in &KINDS {
            let folder = self.layout.extensions().join(kind.name());
            for (name, folder) in folders(&folder, faults) {
                if let Some(why) = name::fault(&name) {
                    let why = format!("no name of a package: {why}");
                    faults.push(Fault { path: folder, why });
                    continue;
                }
                keys.extend(versions(kind, &name, &folder, faults));
            }
        }
        keys
    }

    fn lock(&self) -> Result<files::Lock, CacheError> {
        files::lock(&self.layout.lock())
    }

    /// A new folder for what is not finished. It goes with its value.
    fn fresh(&self, prefix: &str) -> Result<tempfile::TempDir, CacheError> {
        let temporary = self.layout.temporary();
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(&temporary)
            .map_err(CacheError::file("write", &temporary))
    }

    /// Removes what killed processes left. What cannot be removed is left to the next one.
    fn sweep(&self) {
        let Ok(left) = fs::read_dir(self.layout.temporary()) else {
            return;
        };
        for left in left.flatten() {
            let Ok(metadata) = left.metadata() else {
                continue;
            };
            let age = metadata.modified().map(|time| time.elapsed());
            if !matches!(age, Ok(Ok(age)) if age > ABANDONED) {
                continue;
            }
            let _ = if metadata.is_dir() {
                fs::remove_dir_all(left.path())
            } else {
                fs::remove_file(left.path())
            };
        }
    }
}

impl Listing {
    fn sort(&mut self) {
        self.entries.sort_by(|left, right| {
            let one = (left.kind.name(), &left.name, &right.version);
            one.cmp(&(right.kind.name(), &right.name, &left.version))
        });
        self.faults
            .sort_by(|left, right| left.path.cmp(&right.path));
    }
}

/// Folders of versions in that of a package.
fn versions(
    kind: &Kind,
    name: &str,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Vec<(Key, PathBuf)> {
    let mut versions = Vec::new();
    for (text, folder) in folders(folder, faults) {
        match Version::parse(&text) {
            Ok(version) => {
                let key = Key {
                    kind: kind.clone(),
                    name: name.to_owned(),
                    version,
                };
                versions.push((key, folder));
            }
            Err(error) => faults.push(Fault {
                path: folder,
                why: format!("no semantic version: {error}"),
            }),
        }
    }
    versions
}

/// Folders in a folder, by name; none where there is no such folder. Links are not followed.
fn folders(folder: &Path, faults: &mut Vec<Fault>) -> Vec<(String, PathBuf)> {
    let items = match fs::read_dir(folder) {
        Ok(items) => items,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let why = format!("cannot be read: {error}");
            let path = folder.to_owned();
            faults.push(Fault { path, why });
            return Vec::new();
        }
    };
    let mut folders = Vec::new();
    for item in items.flatten() {
        let path = item.path();
        let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
        match item.file_name().into_string() {
            Ok(name) if is_folder => folders.push((name, path)),
            _ => faults.push(Fault {
                path,
                why: "no folder of the cache".to_owned(),
            }),
        }
    }
    folders
}

/// When a file changed.
fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Sets the time of an empty file.
fn mark(path: &Path, when: SystemTime) -> Result<(), CacheError> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .and_then(|file| file.set_modified(when))
        .map_err(CacheError::file("write", path))
}
