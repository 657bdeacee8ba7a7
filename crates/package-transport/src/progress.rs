//! Progress of transfers.

/// Receives the progress of a transfer.
pub trait Progress: Send + Sync {
    /// Starts, or restarts, a transfer at this many bytes; `total` is None if unknown.
    fn begin(&self, done: u64, total: Option<u64>);
    /// Reports this many more bytes.
    fn advance(&self, bytes: u64);
}

/// Ignores progress.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _done: u64, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
}
