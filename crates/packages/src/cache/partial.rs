//! Transfers that go on later.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::digest::Digest;

use super::Cache;
use super::error::CacheError;

/// A file for a transfer. Nobody else writes to it while this lives; what is in it stays for the next one.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// It holds the lock.
    _file: File,
    /// Whether it is nobody's to go on with.
    is_private: bool,
}

impl Partial {
    /// Where it is. [`Cache::store`] moves it away.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.is_private {
            // It is gone already where it was stored.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Cache {
    /// A file for the transfer that this key stands for: the digest of what comes, or else its locator. What
    /// an earlier transfer of this key left is in it. Where another process is at this transfer, it is a file
    /// of its own, which begins empty and is not kept.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn partial(&self, key: &str) -> Result<Partial, CacheError> {
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
                // Whoever had the lock stored the file, and it is a blob now.
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

/// Removes a transfer that no process is at. The lock is held until it is gone, so that nobody begins to write
/// to it meanwhile.
pub(super) fn remove_idle(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok() && fs::remove_file(path).is_ok())
}
