//! The form in which a package travels: a tar archive, compressed with gzip.

mod entry;
mod pack;
mod unpack;

pub use pack::{Bundle, PackError, files, pack};
pub use unpack::{UnpackError, unpack};

/// How much a bundle may hold. More is taken for an attack, or a mistake.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
    /// Files and folders.
    pub entries: usize,
}

impl Default for Limits {
    /// 1 GiB in 10,000 files: templates and documentation need a thousandth of it.
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            entries: 10_000,
        }
    }
}
