//! The manifest of a package in an OCI registry, which cosign signs.

use extension_registry_package_format::digest::Digest;

/// An OCI manifest, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciManifest {
    /// Digest of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl OciManifest {
    /// Wraps the bytes of a manifest.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            digest: Digest::of(&bytes),
            bytes,
        }
    }
}
