//! Storing a version.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use semver::Version;
use tempfile::TempDir;

use crate::bundle::{Limits, UnpackError, unpack};
use crate::digest::Digest;
use crate::manifest::Kind;
use crate::repository::Document;
use crate::signature::Signature;

use super::entry::{Entry, Found, Key, Row, Stored, document_file, has_its_sizes};
use super::error::{CacheError, Conflict};
use super::place::{AROUND, CONFIGURATION, ENTRY, LAST_USED, SIGNATURES, UNPACKED, content_file};
use super::{Cache, entry, files, signatures};

/// A version to be stored. Whoever stores it has judged it: the cache keeps what it is given.
#[derive(Clone, Debug)]
pub struct Item<'i> {
    /// Type.
    pub kind: &'i Kind,
    /// Name of the package.
    pub name: &'i str,
    /// Its version.
    pub version: &'i Version,
    /// Id of the repository that it came from.
    pub repository: &'i str,
    /// Where it was there.
    pub locator: &'i str,
    /// The manifest around it, if that was an OCI registry.
    pub manifest: Option<&'i [u8]>,
    /// The manifest of the package as JSON.
    pub configuration: &'i [u8],
    /// Whether the package was made for something else, and that JSON here.
    pub is_foreign: bool,
    /// Its content.
    pub content: Content<'i>,
    /// Its document.
    pub document: Option<&'i Document>,
    /// Its signatures.
    pub signatures: &'i [Signature],
    /// Names of the keys that it was trusted for.
    pub trusted_by: &'i [String],
    /// When it was published (RFC 3339).
    pub published: Option<&'i str>,
    /// Unpacks it before anything is stored: a bundle that is refused leaves nothing (R82). None leaves it to
    /// [`Cache::unpacked`], or to nobody where the content is no bundle.
    pub unpack: Option<Limits>,
    /// Whether it may take the place of one with another content.
    pub replace: bool,
}

/// A file that is moved into the cache.
#[derive(Clone, Copy, Debug)]
pub struct Content<'i> {
    /// Where it is. It is gone from there when it was stored, and when it was refused as a bundle.
    pub path: &'i Path,
    /// What it is called: `NAME-VERSION.tar.gz`.
    pub file: &'i str,
    /// The digest that its transfer came to (`Sink::digest`); None reads it once more.
    pub digest: Option<Digest>,
}

impl Cache {
    /// Stores a version. The same once more changes what is said of it, and keeps its files; one that is broken
    /// is replaced.
    ///
    /// # Errors
    /// [`CacheError::Conflict`] where the version is there with another content and `replace` is not set;
    /// [`CacheError::Unpack`] where the bundle is refused. No entry is made or changed then.
    pub fn store(&self, item: &Item<'_>) -> Result<Entry, CacheError> {
        content_file(item.content.file)?;
        let key = Key {
            kind: item.kind.clone(),
            name: item.name.to_owned(),
            version: item.version.clone(),
        };
        let folder = self.layout.version(item.kind, item.name, item.version)?;
        let entry = described(item, &folder)?;
        let fresh = self.fresh("store-")?;
        prepare(item, &entry, fresh.path())?;

        let _lock = self.lock()?;
        if let Found::Entry(there) = entry::read(&key, &folder, has_its_sizes) {
            if there.content.digest != entry.content.digest && !item.replace {
                return Err(CacheError::Conflict(Box::new(Conflict {
                    name: key.name,
                    version: key.version,
                    there: there.content.digest,
                    new: entry.content.digest,
                })));
            }
            // Whoever reads it just now goes on reading the same files.
            if there.is_same(&entry) && self.verify(&there).is_ok() {
                renew(fresh.path(), &folder)?;
                remove_if_there(item.content.path)?;
                return Ok(entry);
            }
        }
        self.fill(item, &entry, &fresh)?;
        self.publish(fresh, &folder)?;
        Ok(entry)
    }

    /// Puts the files of an entry among the blobs, and links to them into its new folder.
    fn fill(&self, item: &Item<'_>, entry: &Entry, fresh: &TempDir) -> Result<(), CacheError> {
        let path = self.keep_file(item.content.path, &entry.content, fresh)?;
        files::share(&path, &fresh.path().join(&entry.content.file))?;
        let texts = [Some((item.configuration, &entry.configuration))]
            .into_iter()
            .chain([
                item.document
                    .zip(entry.document.as_ref())
                    .map(|(document, stored)| (document.bytes.as_slice(), stored)),
                item.manifest.zip(entry.manifest.as_ref()),
            ]);
        for (bytes, stored) in texts.flatten() {
            let blob = self.layout.blob(stored.digest);
            if !files::holds(&blob, stored.digest, stored.size) {
                let beside = fresh.path().join("blob");
                files::write(&beside, bytes)?;
                files::protect(&beside)?;
                fs::rename(&beside, &blob).map_err(CacheError::file("write", &blob))?;
            }
            files::share(&blob, &fresh.path().join(&stored.file))?;
        }
        Ok(())
    }

    /// Moves a file among the blobs, unless its bytes are there (R27). One that is there and was damaged is
    /// replaced.
    fn keep_file(
        &self,
        path: &Path,
        stored: &Stored,
        fresh: &TempDir,
    ) -> Result<PathBuf, CacheError> {
        let blob = self.layout.blob(stored.digest);
        if files::holds(&blob, stored.digest, stored.size) {
            remove_if_there(path)?;
        } else {
            files::relocate(path, &blob, &fresh.path().join("blob"))?;
            // Not before: one that stays where it is will be written to.
            files::protect(&blob)?;
        }
        Ok(blob)
    }

    /// Gives a folder that is complete its place. What was there before goes.
    fn publish(&self, fresh: TempDir, folder: &Path) -> Result<(), CacheError> {
        let written = |error| CacheError::file("write", folder)(error);
        if let Some(package) = folder.parent() {
            fs::create_dir_all(package).map_err(written)?;
        }
        let old = self.fresh("old-")?;
        match fs::rename(folder, old.path().join("entry")) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(written(error)),
        }
        fs::rename(fresh.path(), folder).map_err(written)?;
        // It has another name now, and stays.
        let _ = fresh.keep();
        Ok(())
    }
}

/// What will be said of a version.
fn described(item: &Item<'_>, folder: &Path) -> Result<Entry, CacheError> {
    let path = item.content.path;
    let (digest, size) = match item.content.digest {
        Some(digest) => {
            let found = fs::metadata(path).map_err(CacheError::file("read", path))?;
            (digest, found.len())
        }
        None => files::digest(path).map_err(CacheError::file("read", path))?,
    };
    let stored = |file: String, bytes: &[u8]| Stored {
        file,
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
    };
    Ok(Entry {
        kind: item.kind.clone(),
        name: item.name.to_owned(),
        version: item.version.clone(),
        repository: item.repository.to_owned(),
        locator: item.locator.to_owned(),
        manifest: item.manifest.map(|bytes| stored(AROUND.to_owned(), bytes)),
        is_foreign: item.is_foreign,
        content: Stored {
            file: item.content.file.to_owned(),
            digest,
            size,
        },
        configuration: stored(CONFIGURATION.to_owned(), item.configuration),
        document: item
            .document
            .map(|document| stored(document_file(document.format), &document.bytes)),
        trusted_by: item.trusted_by.to_vec(),
        published: item.published.map(ToOwned::to_owned),
        stored: Timestamp::now(),
        folder: folder.to_owned(),
    })
}

/// Writes all that is new of an entry, without the lock: it may take long.
fn prepare(item: &Item<'_>, entry: &Entry, fresh: &Path) -> Result<(), CacheError> {
    if let Some(limits) = item.unpack {
        let path = item.content.path;
        let archive = File::open(path).map_err(CacheError::file("read", path))?;
        if let Err(refused) = unpack(archive, &fresh.join(UNPACKED), limits) {
            // Nobody goes on with a transfer that is no good when it is complete.
            if !matches!(refused, UnpackError::Write { .. }) {
                remove_if_there(path)?;
            }
            return Err(refused.into());
        }
    }
    // Text is always JSON.
    let text = serde_json::to_vec_pretty(&Row::from(entry)).unwrap_or_default();
    files::write(&fresh.join(ENTRY), &text)?;
    if !item.signatures.is_empty() {
        let text = signatures::to_json(item.signatures);
        files::write(&fresh.join(SIGNATURES), &text)?;
    }
    files::write(&fresh.join(LAST_USED), b"")
}

/// Says anew what is known of files that stay.
fn renew(fresh: &Path, folder: &Path) -> Result<(), CacheError> {
    for file in [SIGNATURES, LAST_USED, ENTRY] {
        let (from, to) = (fresh.join(file), folder.join(file));
        if file == SIGNATURES && !from.exists() {
            remove_if_there(&to)?;
            continue;
        }
        fs::rename(&from, &to).map_err(CacheError::file("write", &to))?;
    }
    let (from, to) = (fresh.join(UNPACKED), folder.join(UNPACKED));
    if from.is_dir() && !to.exists() {
        fs::rename(&from, &to).map_err(CacheError::file("write", &to))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), CacheError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(CacheError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}
