//! What is told while bytes are on their way.

/// Hears how a transfer goes on.
pub trait Progress: Send + Sync {
    /// It begins, or begins anew at this many bytes; None where nobody knows how many there will be.
    fn begin(&self, done: u64, total: Option<u64>);
    /// This many more bytes came or went.
    fn advance(&self, bytes: u64);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _done: u64, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
}
