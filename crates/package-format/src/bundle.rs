//! The package format: a tar archive, compressed with gzip.

mod entry;
mod pack;
mod unpack;

pub use pack::{Bundle, PackError, files, pack};
pub use unpack::{UnpackError, unpack};

/// Limits of a bundle. Larger ones are rejected as an attack or a mistake.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Total size of all unpacked files in bytes.
    pub bytes: u64,
    /// Number of files and folders.
    pub entries: usize,
}

impl Default for Limits {
    /// 1 GiB in 10,000 files: far more than templates and documentation need.
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            entries: 10_000,
        }
    }
}
