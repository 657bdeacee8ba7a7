//! Interrupted downloads.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use extension_registry_package_format::digest::Digest;

use super::Cache;
use super::error::CacheError;

/// The file of a download, locked against other processes. Its bytes are kept for the next attempt.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
    /// Whether it is a temporary file that cannot be resumed.
    is_private: bool,
}

impl Partial {
    /// Returns its path. [`Cache::store`] moves the file away.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.is_private {
            // It no longer exists after it was stored.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Cache {
    /// Opens the file of a download, identified by the expected digest or else by its locator. It contains the
    /// bytes of an earlier, interrupted download. If another process holds it, an empty temporary file is
    /// returned instead.
    ///
    /// # Errors
    /// Returns an error if it cannot be opened.
    pub fn partial(&self, key: &str) -> Result<Partial, CacheError> {
        self.prepare()?;
        let digest = key.parse().unwrap_or_else(|_| Digest::of(key.as_bytes()));
        let path = self.layout.partial().join(format!("{digest}.part"));
        let failed = |error| CacheError::file("open", &path)(error);
        loop {
            let file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => {
                    return Ok(Partial {
                        path,
                        _file: file,
                        is_private: false,
                    });
                }
                // The previous holder of the lock stored the file, which is now a blob.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let (file, path) = tempfile::Builder::new()
            .prefix(&format!("{digest}-"))
            .suffix(".part")
            .tempfile_in(self.layout.partial())
            .and_then(|fresh| Ok(fresh.keep()?))
            .map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Partial {
            path,
            _file: file,
            is_private: true,
        })
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn is_at(file: &File, path: &Path) -> bool {
    let Ok(opened) = file.metadata() else {
        return false;
    };
    fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (opened.dev(), opened.ino()))
}

/// Removes an interrupted download that no process holds. The lock is held meanwhile, so that no process starts
/// to write to it.
pub(super) fn remove_idle(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok() && fs::remove_file(path).is_ok())
}
