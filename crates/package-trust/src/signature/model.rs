//! A signature as it is stored, and why it or a key is rejected.

use extension_registry_core::diagnostic::Explain;

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

/// An index of packages, with its signatures. The module `index` reads its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// The JSON.
    pub bytes: Vec<u8>,
    /// Signatures of these bytes: their payload is the JSON itself.
    pub signatures: Vec<Signature>,
}

/// Why a signature is not valid for a key.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was made by another key, as far as can be determined.
    #[error("made with another key")]
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

/// Why a public key is invalid.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The format is unknown.
    #[error("invalid public key")]
    NoKey,
    /// It is a secret key.
    #[error("expected a public key, got a secret key")]
    Secret,
    /// It is an invalid minisign key.
    #[error("invalid minisign public key: {0}")]
    Minisign(&'static str),
    /// It is an invalid PEM key.
    #[error("invalid cosign public key: {0}")]
    Cosign(&'static str),
}

impl Explain for KeyError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoKey => {
                "use the contents of a `.pub` file created by `minisign -G` or `cosign generate-key-pair`"
            }
            Self::Secret => {
                "use the public key, and replace the key pair if others can read this file"
            }
            Self::Minisign(_) => return Vec::new(),
            Self::Cosign(_) => {
                "use an ECDSA P-256 key, such as one created by `cosign generate-key-pair`"
            }
        };
        vec![hint.to_owned()]
    }
}
