//! File operations: hashing, sharing, and the write lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use extension_registry_package_format::digest::Digest;

use super::error::CacheError;

/// Lock timeout: it is held for a rename, or while everything is pruned.
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns whether a path does not exist. Part of it may be a file, such as the home directory `/dev/null`.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The write lock. The system releases it when the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Acquires the write lock. Readers need none.
pub(super) fn lock(path: &Path) -> Result<Lock, CacheError> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(CacheError::file("open", path))?;
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::Error(error)) => return Err(CacheError::file("lock", path)(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        if begin.elapsed() > PATIENCE {
            return Err(CacheError::Busy {
                path: path.to_owned(),
                seconds: PATIENCE.as_secs(),
            });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Computes digest and size of a file.
pub(super) fn digest(path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((Digest::finish(hasher), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

/// Returns whether a file has this digest and size.
pub(super) fn holds(path: &Path, digest: Digest, size: u64) -> bool {
    let is_that_long = fs::metadata(path).is_ok_and(|found| found.len() == size);
    is_that_long && self::digest(path).is_ok_and(|(found, _)| found == digest)
}

/// Writes a new file and syncs it to disk.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
    let written = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(CacheError::file("write", path))
}

/// Moves a file. Across file systems it is copied to a temporary file first, so that the target is complete or
/// absent.
pub(super) fn relocate(from: &Path, to: &Path, beside: &Path) -> Result<(), CacheError> {
    match fs::rename(from, to) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        Err(error) => return Err(CacheError::file("move", from)(error)),
    }
    fs::copy(from, beside).map_err(CacheError::file("copy", from))?;
    fs::rename(beside, to).map_err(CacheError::file("write", to))?;
    fs::remove_file(from).map_err(CacheError::file("remove", from))
}

/// Creates a hard link to a blob, or a copy if the file system supports no (more) links.
pub(super) fn share(blob: &Path, name: &Path) -> Result<(), CacheError> {
    if fs::hard_link(blob, name).is_ok() {
        return Ok(());
    }
    fs::copy(blob, name)
        .map(|_| ())
        .map_err(CacheError::file("write", name))
}

/// Makes a file read-only: editing a blob would change all entries that share it.
pub(super) fn protect(path: &Path) -> Result<(), CacheError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
        .map_err(CacheError::file("protect", path))
}
