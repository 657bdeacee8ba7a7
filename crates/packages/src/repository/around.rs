//! The manifest around a package in an OCI registry: what signatures of cosign sign.

use crate::digest::Digest;

/// A manifest of an OCI registry, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// Digest of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Around {
    /// These bytes.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            digest: Digest::of(&bytes),
            bytes,
        }
    }
}
