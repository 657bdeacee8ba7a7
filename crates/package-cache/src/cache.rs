//! Local cache of packages.
//!
//! ```text
//! extensions/{type}/{name}/{version}/   entry.json      metadata, digests, trusted keys
//!                                       manifest.json   the manifest
//!                                       NAME.tar.gz     the content, under its original name
//!                                       docs.md         the document, or docs.adoc
//!                                       signatures.json the signatures
//!                                       last-used       empty; its mtime is the last use
//!                                       unpacked/       the unpacked content, created on demand
//! blobs/sha256/{digest}                 each file once: entries have hard links to these
//! index.json                            index of the last listing
//! partial/{digest}.part                 interrupted downloads
//! tmp/                                  unfinished work
//! lock                                  lock for writers
//! ```
//!
//! Guarantees of the layout:
//!
//! - A look-up goes by path and takes constant time. It never reads the index.
//! - An entry is complete or absent, even after a crash: it is built in `tmp` and moved into place by one
//!   rename. Readers need no lock; writers hold an exclusive one.
//! - A blob has one link in `blobs` and one in each entry that uses it. Unreferenced blobs are removed by the
//!   next [`Cache::prune`] or [`Cache::clear`]. On file systems without hard links, entries have copies.
//! - A corrupt entry hides no others: it is reported, and fetching the package again repairs it. After a power
//!   loss the content of a version may be incomplete, which its size or digest reveals.
//!
//! All methods block. Asynchronous callers must run them on a blocking thread.

mod entry;
mod error;
mod files;
mod index;
mod layout;
mod partial;
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

use extension_registry_package_format::bundle::{Limits, unpack};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::{Kind, name};

pub use entry::{Entry, Key, Stored};
pub use error::{CacheError, Conflict};
pub use layout::HTTP_CACHE;
pub use partial::Partial;
pub use remove::{Removed, Selector};
pub use stats::{Stats, TypeStats};
pub use store::{Content, Item};

use entry::{ReadResult, check_sizes};
use files::is_missing;
use index::{Index, Stamp};
use layout::{ENTRY, KINDS, LAST_USED, Layout, UNPACKED};

/// Older folders in `tmp` are abandoned.
const ABANDONED: Duration = Duration::from_hours(1);
/// Marks the folder as a cache for backup programs (bford.info/cachedir).
const TAG: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# Packages that can be fetched again.\n";

/// A local cache of packages.
#[derive(Clone, Debug)]
pub struct Cache {
    layout: Layout,
}

/// Entries of the cache, and faults.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Entries by type and name, the newest version first.
    pub entries: Vec<Entry>,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

/// A file of the cache that cannot be read. Other entries are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the file.
    pub path: PathBuf,
    /// The cause.
    pub why: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.why)
    }
}

impl Cache {
    /// Opens a cache. Its folders are created before the first write, so that reading an empty cache needs no
    /// writable directory. Folders in `tmp` that are older than an hour are removed.
    pub fn open(root: impl Into<PathBuf>) -> Self {
        let layout = Layout::new(root.into());
        let cache = Self { layout };
        cache.sweep();
        cache
    }

    /// Creates the folders of the cache.
    fn prepare(&self) -> Result<(), CacheError> {
        let layout = &self.layout;
        let folders = [
            layout.extensions(),
            layout.blobs(),
            layout.partial(),
            layout.temporary(),
        ];
        for folder in folders {
            // Packages may be private: only the owner may read the cache.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(CacheError::file("create", &folder))?;
        }
        let tag = layout.root().join("CACHEDIR.TAG");
        if !tag.exists() {
            fs::write(&tag, TAG).map_err(CacheError::file("write", &tag))?;
        }
        Ok(())
    }

    /// Returns the root folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Returns the path of a blob. It is named by its content, so it never has other content; it does not exist if no
    /// entry had it.
    #[must_use]
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        self.layout.blob(digest)
    }

    /// Returns the folder of cached listings of repositories.
    #[must_use]
    pub fn listings(&self) -> PathBuf {
        self.root().join(layout::LISTINGS)
    }

    /// Returns the entry of a version, looked up by path. Only file sizes are checked; [`Cache::verify`] reads
    /// the files.
    ///
    /// # Errors
    /// Returns an error if the key is not a valid path, or the entry is corrupt. [`Cache::store`] replaces a
    /// corrupt entry.
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
        match entry::read(&key, &folder, check_sizes) {
            ReadResult::Entry(entry) => Ok(Some(*entry)),
            ReadResult::Nothing => Ok(None),
            ReadResult::Broken(why) => Err(CacheError::Broken { path: folder, why }),
        }
    }

    /// Returns the entries of a version in all types: one look-up each.
    ///
    /// # Errors
    /// Returns an error as [`Cache::get`] does.
    pub fn get_of_any_type(&self, name: &str, version: &Version) -> Result<Vec<Entry>, CacheError> {
        let mut entries = Vec::new();
        for kind in &KINDS {
            entries.extend(self.get(kind, name, version)?);
        }
        Ok(entries)
    }

    /// Returns all versions of a package, of any type, reading only the folders of this package.
    ///
    /// # Errors
    /// Returns an error if the name is invalid.
    pub fn find(&self, name: &str) -> Result<Listing, CacheError> {
        let mut listing = Listing::default();
        for kind in &KINDS {
            let folder = self.layout.package(kind, name)?;
            for (key, folder) in versions(kind, name, &folder, &mut listing.faults) {
                match entry::read(&key, &folder, |_| Ok(())) {
                    ReadResult::Entry(entry) => listing.entries.push(*entry),
                    ReadResult::Nothing => {}
                    ReadResult::Broken(why) => listing.faults.push(Fault { path: folder, why }),
                }
            }
        }
        listing.sort();
        Ok(listing)
    }

    /// Lists all entries. Unchanged entries are taken from the index.
    #[must_use]
    pub fn list(&self) -> Listing {
        let mut index = Index::read(&self.layout);
        let mut listing = Listing::default();
        for (key, folder) in self.keys(&mut listing.faults) {
            let path = format!("{}/{}/{}", key.kind.name(), key.name, key.version);
            // The stamp is taken before reading: after a concurrent change the next listing reads the entry
            // again.
            let stamp = fs::metadata(folder.join(ENTRY)).map(|found| Stamp::from(&found));
            let known = (stamp.as_ref().ok()).and_then(|stamp| index.take(&path, *stamp));
            if let Some(Ok(entry)) = known.map(|row| row.entry(&key, &folder)) {
                listing.entries.push(entry);
                continue;
            }
            match entry::read(&key, &folder, |_| Ok(())) {
                ReadResult::Entry(entry) => {
                    if let Ok(stamp) = stamp {
                        index.put(path, stamp, &entry);
                    }
                    listing.entries.push(*entry);
                }
                ReadResult::Nothing => {}
                ReadResult::Broken(why) => listing.faults.push(Fault { path: folder, why }),
            }
        }
        index.write(&self.layout);
        listing.sort();
        listing
    }

    /// Marks an entry as used now.
    ///
    /// # Errors
    /// Returns an error if the mark cannot be written, as in a read-only cache, or the entry was removed.
    pub fn touch(&self, entry: &Entry) -> Result<(), CacheError> {
        self.touch_at(entry, SystemTime::now())
    }

    /// Marks an entry as used at a time.
    ///
    /// # Errors
    /// Returns an error as [`Cache::touch`] does.
    pub fn touch_at(&self, entry: &Entry, when: SystemTime) -> Result<(), CacheError> {
        let path = entry.folder.join(LAST_USED);
        mark(&path, when)
    }

    /// Returns when an entry was last used or, if that is unknown, stored.
    #[must_use]
    pub fn last_used(&self, entry: &Entry) -> SystemTime {
        changed(&entry.folder.join(LAST_USED)).unwrap_or_else(|| entry.stored.into())
    }

    /// Verifies all files of an entry.
    ///
    /// # Errors
    /// Returns [`CacheError::Broken`] if a file was changed.
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
                    "digest or size mismatch: got sha256:{digest} ({size} bytes), expected sha256:{} ({} bytes)",
                    file.digest, file.size
                );
                return Err(CacheError::Broken { path, why });
            }
        }
        Ok(())
    }

    /// Returns the unpacked content of an entry. It is verified and unpacked atomically on the first call.
    ///
    /// # Errors
    /// Returns an error if it is corrupt or the bundle is rejected; only the entry remains then.
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
        // The entry may have been replaced meanwhile: do not publish the old content under it.
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

    /// Returns the paths of all entries.
    fn keys(&self, faults: &mut Vec<Fault>) -> Vec<(Key, PathBuf)> {
        let mut keys = Vec::new();
        for kind in &KINDS {
            let folder = self.layout.extensions().join(kind.name());
            for (name, folder) in folders(&folder, faults) {
                if let Some(why) = name::fault(&name) {
                    let why = format!("invalid package name: {why}");
                    faults.push(Fault { path: folder, why });
                    continue;
                }
                keys.extend(versions(kind, &name, &folder, faults));
            }
        }
        keys
    }

    fn lock(&self) -> Result<files::Lock, CacheError> {
        self.prepare()?;
        files::lock(&self.layout.lock())
    }

    /// Creates a temporary folder, which is removed on drop.
    fn fresh(&self, prefix: &str) -> Result<tempfile::TempDir, CacheError> {
        self.prepare()?;
        let temporary = self.layout.temporary();
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(&temporary)
            .map_err(CacheError::file("write", &temporary))
    }

    /// Removes abandoned folders. Failures are left to the next run.
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

/// Returns the version folders of a package.
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
                why: format!("invalid semantic version: {error}"),
            }),
        }
    }
    versions
}

/// Returns the folders in a folder, by name; empty if it does not exist. Symbolic links are not followed.
fn folders(folder: &Path, faults: &mut Vec<Fault>) -> Vec<(String, PathBuf)> {
    let items = match fs::read_dir(folder) {
        Ok(items) => items,
        Err(error) if is_missing(&error) => return Vec::new(),
        Err(error) => {
            let why = format!("failed to read: {error}");
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
                why: "unexpected file".to_owned(),
            }),
        }
    }
    folders
}

/// Returns the modification time of a file.
fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Sets the modification time of an empty file.
fn mark(path: &Path, when: SystemTime) -> Result<(), CacheError> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .and_then(|file| file.set_modified(when))
        .map_err(CacheError::file("write", path))
}
