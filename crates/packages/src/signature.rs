//! Signatures of packages: who says that a package is what it is (seed 001, section 6.A).
//!
//! Repositories keep a [`Signature`] as bytes. A [`PublicKey`] says whether it holds, and then what it
//! claims: a [`Claim`]. Whether that is the package at hand, and whether anybody approved the key, is for
//! [`trust`](crate::trust) to judge.
//!
//! ```text
//! Signature ──PublicKey::verify──> Claim ──Policy::judge──> Verdict
//! ```
//!
//! Every kind of thing that is signed says what it is, so that a signature of one is never taken for that of
//! another: statements about packages have a `_type`, indexes an `apiVersion`, images of cosign a type.

mod claim;
pub mod cosign;
mod key;
pub mod minisign;
pub mod statement;

pub use claim::Claim;
pub use key::{KeyError, PublicKey};
pub use statement::Statement;

/// A signature, and what it was made over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// How it was made.
    pub format: Format,
    /// What was signed. For [`Format::Minisign`] a statement about the package.
    pub payload: Vec<u8>,
    /// The signature itself, in the form of its tool.
    pub signature: Vec<u8>,
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Minisign (Ed25519): the text of a `.minisig` file.
    Minisign,
    /// cosign's classic form: the payload is its `simplesigning` JSON, the signature is base64. With a
    /// statement for payload it is what `cosign sign-blob` makes.
    CosignSimple,
    /// A Sigstore bundle v0.3 as JSON. One with an envelope has what it signs inside; one with a bare
    /// signature of a file (`messageSignature`) needs that file as payload.
    SigstoreBundle,
}

impl Format {
    /// Its name in output.
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
    /// Id of the key that a signature says it was made with. Nobody vouches for it: it is for messages, and
    /// to choose which key to try.
    #[must_use]
    pub fn signer(&self) -> Option<String> {
        match self.format {
            Format::Minisign => minisign::signer(&self.signature),
            Format::CosignSimple => None,
            Format::SigstoreBundle => cosign::signer(&self.signature),
        }
    }
}

/// Why a signature does not hold for a key.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another key made it, as far as anybody can tell.
    #[error("another key made it")]
    OtherKey,
    /// It names this key, and this key did not make it: it or what it signs was changed.
    #[error("the key that it names did not make it: it was changed, or what it signs was")]
    Forged,
    /// It does not have the form of a signature.
    #[error("it cannot be read: {0}")]
    Unreadable(&'static str),
    /// The key made it, over something that is neither a package nor an index.
    #[error("it signs something else: {0}")]
    Foreign(&'static str),
}
