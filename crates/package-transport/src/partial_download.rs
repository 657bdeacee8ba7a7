//! The target of a download: a file that is counted, hashed and can be resumed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::progress::Progress;
use extension_registry_package_format::digest::Digest;

/// A file that receives a download and hashes its bytes.
pub struct PartialDownload<'p> {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    written: u64,
    limit: u64,
    progress: &'p dyn Progress,
}

impl<'p> PartialDownload<'p> {
    /// Opens the file at this path. Existing bytes are the beginning of the download. More than `limit` bytes
    /// are rejected.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened or read.
    pub fn open(path: &Path, limit: u64, progress: &'p dyn Progress) -> io::Result<Self> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut hasher = Sha256::new();
        let mut written = 0;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            written += count as u64;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            hasher,
            written,
            limit,
            progress,
        })
    }

    /// Sets the expected size.
    pub fn expect(&self, total: Option<u64>) {
        self.progress.begin(self.written, total);
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Returns an error if they cannot be written or exceed the limit.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let after = self.written + bytes.len() as u64;
        if after > self.limit {
            let message = format!("received more than {} bytes", self.limit);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.written = after;
        self.progress.advance(bytes.len() as u64);
        Ok(())
    }

    /// Discards all bytes, for a server that restarts.
    ///
    /// # Errors
    /// Returns an error if the file cannot be truncated.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Sha256::new();
        self.written = 0;
        Ok(())
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Returns the digest of the bytes so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::finish(self.hasher.clone())
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for PartialDownload<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sink")
            .field("path", &self.path)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
