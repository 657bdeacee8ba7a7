//! Signatures of packages.
//!
//! Repositories store a [`Signature`] as bytes. A [`PublicKey`] verifies it and returns the signed payload, a
//! [`SignedPayload`]. Whether that matches the package, and whether the key is trusted, is decided by
//! [`trust`](crate::trust).
//!
//! ```text
//! Signature ──PublicKey::verify──> Claim ──Policy::judge──> Verdict
//! ```
//!
//! Every signed payload identifies its kind, so that a signature of one is never accepted for another:
//! statements about packages have a `_type`, indexes an `apiVersion`, cosign images a type.

pub mod cosign;
mod key;
pub mod minisign;
mod payload;
pub mod statement;

pub use key::{KeyError, PublicKey};
pub use payload::SignedPayload;
pub use statement::Statement;

/// A signature and its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Format of the signature.
    pub format: Format,
    /// The signed bytes. For [`Format::Minisign`] a statement about the package.
    pub payload: Vec<u8>,
    /// The signature, in the format of its tool.
    pub signature: Vec<u8>,
}

/// Format of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Minisign (Ed25519): the text of a `.minisig` file.
    Minisign,
    /// cosign's classic format: the payload is `simplesigning` JSON, the signature is base64. With a statement
    /// as payload it is the output of `cosign sign-blob`.
    CosignSimple,
    /// A Sigstore bundle v0.3 as JSON. A bundle with an envelope contains its payload; one with a bare
    /// signature of a file (`messageSignature`) needs that file as payload.
    SigstoreBundle,
}

impl Format {
    /// Returns its name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minisign => "minisign",
            Self::CosignSimple => "cosign",
            Self::SigstoreBundle => "sigstore-bundle",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Signature {
    /// Returns the key id that a signature names. It is not authenticated: use it only for messages, and to
    /// select a key to try.
    #[must_use]
    pub fn signer(&self) -> Option<String> {
        match self.format {
            Format::Minisign => minisign::signer(&self.signature),
            Format::CosignSimple => None,
            Format::SigstoreBundle => cosign::signer(&self.signature),
        }
    }
}

/// Why a signature is not valid for a key.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was made by another key, as far as can be determined.
    #[error("made by another key")]
    OtherKey,
    /// It names this key but does not verify: it or its payload was modified.
    #[error("verification failed: the signature or its payload was modified")]
    Forged,
    /// Its format is invalid.
    #[error("malformed signature: {0}")]
    Unreadable(&'static str),
    /// It is valid, but its payload is neither a package nor an index.
    #[error("unexpected payload: {0}")]
    Foreign(&'static str),
}
