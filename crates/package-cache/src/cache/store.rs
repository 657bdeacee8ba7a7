//! Stores a version.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use semver::Version;
use tempfile::TempDir;

use extension_registry_package_format::bundle::{Limits, UnpackError, unpack};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_format::upload::Document;
use extension_registry_package_trust::signature::Signature;

use super::entry::{Entry, Key, ReadResult, Row, Stored, check_sizes, document_file};
use super::error::{CacheError, Conflict};
use super::layout::{
    CONFIGURATION, ENTRY, LAST_USED, OCI_MANIFEST, SIGNATURES, UNPACKED, content_file,
};
use super::{Cache, entry, files, signatures};

/// A version to store. The caller has already decided that it is trusted.
#[derive(Clone, Debug)]
pub struct Item<'i> {
    /// Type of the package.
    pub kind: &'i Kind,
    /// Name of the package.
    pub name: &'i str,
    /// Version of the package.
    pub version: &'i Version,
    /// Repository that it was fetched from.
    pub repository: &'i str,
    /// Location in the repository.
    pub locator: &'i str,
    /// Its OCI manifest, if it came from an OCI registry.
    pub manifest: Option<&'i [u8]>,
    /// The package manifest as JSON.
    pub configuration: &'i [u8],
    /// Whether the package is foreign, and that JSON was generated.
    pub is_foreign: bool,
    /// The content.
    pub content: Content<'i>,
    /// The document.
    pub document: Option<&'i Document>,
    /// The signatures.
    pub signatures: &'i [Signature],
    /// Names of the trusted keys.
    pub trusted_by: &'i [String],
    /// Publication time (RFC 3339).
    pub published: Option<&'i str>,
    /// Unpacks the bundle before anything is stored, so that a rejected one leaves nothing. With None,
    /// [`Cache::unpacked`] does it on demand.
    pub unpack: Option<Limits>,
    /// Whether to replace existing other content.
    pub replace: bool,
}

/// A file to move into the cache.
#[derive(Clone, Copy, Debug)]
pub struct Content<'i> {
    /// Path of the file. It no longer exists after it was stored, or rejected as a bundle.
    pub path: &'i Path,
    /// File name in the cache: `NAME-VERSION.tar.gz`.
    pub file: &'i str,
    /// Digest computed by the download (`PartialDownload::digest`); with None, the file is read once more.
    pub digest: Option<Digest>,
}

impl Cache {
    /// Stores a version. Storing the same version again updates its metadata and keeps its files; a corrupt one
    /// is replaced.
    ///
    /// # Errors
    /// Returns [`CacheError::Conflict`] if the version exists with other content and `replace` is not set, and
    /// [`CacheError::Unpack`] if the bundle is rejected. No entry is created or changed then.
    pub fn store(&self, item: &Item<'_>) -> Result<Entry, CacheError> {
        content_file(item.content.file)?;
        let key = Key {
            kind: item.kind.clone(),
            name: item.name.to_owned(),
            version: item.version.clone(),
        };
        let folder = self.layout.version(item.kind, item.name, item.version)?;
        let entry = new_entry(item, &folder)?;
        let fresh = self.fresh("store-")?;
        prepare(item, &entry, fresh.path())?;

        let _lock = self.lock()?;
        if let ReadResult::Entry(there) = entry::read(&key, &folder, check_sizes) {
            if there.content.digest != entry.content.digest && !item.replace {
                return Err(CacheError::Conflict(Box::new(Conflict {
                    name: key.name,
                    version: key.version,
                    there: there.content.digest,
                    new: entry.content.digest,
                })));
            }
            // Concurrent readers keep reading the same files.
            if there.is_same(&entry) && self.verify(&there).is_ok() {
                update_metadata(fresh.path(), &folder)?;
                remove_if_there(item.content.path)?;
                return Ok(entry);
            }
        }
        self.fill(item, &entry, &fresh)?;
        self.publish(fresh, &folder)?;
        Ok(entry)
    }

    /// Moves the files of an entry to the blobs, and links them into its new folder.
    fn fill(&self, item: &Item<'_>, entry: &Entry, fresh: &TempDir) -> Result<(), CacheError> {
        let path = self.store_file(item.content.path, &entry.content, fresh)?;
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

    /// Moves a file to the blobs, unless it already exists there. A damaged blob is replaced.
    fn store_file(
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
            // Protect it only after the move: a file that stays will be written to.
            files::protect(&blob)?;
        }
        Ok(blob)
    }

    /// Moves a complete folder into place, replacing the previous one.
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
        // The folder was moved and must not be removed.
        let _ = fresh.keep();
        Ok(())
    }
}

/// Builds the metadata of a version.
fn new_entry(item: &Item<'_>, folder: &Path) -> Result<Entry, CacheError> {
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
        manifest: item
            .manifest
            .map(|bytes| stored(OCI_MANIFEST.to_owned(), bytes)),
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

/// Writes the new files of an entry without the lock, since it may take long.
fn prepare(item: &Item<'_>, entry: &Entry, fresh: &Path) -> Result<(), CacheError> {
    if let Some(limits) = item.unpack {
        let path = item.content.path;
        let archive = File::open(path).map_err(CacheError::file("read", path))?;
        if let Err(refused) = unpack(archive, &fresh.join(UNPACKED), limits) {
            // A download that is complete but invalid cannot be resumed.
            if !matches!(refused, UnpackError::Write { .. }) {
                remove_if_there(path)?;
            }
            return Err(refused.into());
        }
    }
    // Strings always serialize.
    let text = serde_json::to_vec_pretty(&Row::from(entry)).unwrap_or_default();
    files::write(&fresh.join(ENTRY), &text)?;
    if !item.signatures.is_empty() {
        let text = signatures::to_json(item.signatures);
        files::write(&fresh.join(SIGNATURES), &text)?;
    }
    files::write(&fresh.join(LAST_USED), b"")
}

/// Updates the metadata of unchanged files.
fn update_metadata(fresh: &Path, folder: &Path) -> Result<(), CacheError> {
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
