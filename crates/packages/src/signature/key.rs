//! Public keys of either provider.

use super::{Claim, Fault, Format, Signature, cosign, minisign};

/// The key of somebody whose signatures can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Of minisign.
    Minisign(minisign::PublicKey),
    /// Of cosign: ECDSA on the curve P-256.
    Cosign(cosign::PublicKey),
}

/// Why a text is no public key.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It looks like none.
    #[error(
        "it is no public key; hint: take the text of a `.pub` file, of `minisign -G` or `cosign generate-key-pair`"
    )]
    NoKey,
    /// Somebody took the wrong half.
    #[error(
        "it is a secret key; hint: take the public one, and replace this pair if others can read this file"
    )]
    Secret,
    /// It looks like a key of minisign.
    #[error("it is no public key of minisign: {0}")]
    Minisign(&'static str),
    /// It is PEM.
    #[error(
        "it is no public key of cosign: {0}; hint: `cosign generate-key-pair` makes ECDSA keys on P-256, the only kind that is read"
    )]
    Cosign(&'static str),
}

impl PublicKey {
    /// Reads a key: the text of a `.pub` file of minisign, its second line alone, or PEM.
    ///
    /// # Errors
    /// When it is none. No message repeats it.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") || text.contains("secret key") {
            return Err(KeyError::Secret);
        }
        if text.starts_with("-----BEGIN") {
            return cosign::PublicKey::read(text).map(Self::Cosign);
        }
        minisign::PublicKey::read(text).map(Self::Minisign)
    }

    /// What the key is known by: as minisign prints it, or the SHA-256 of cosign's key.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Minisign(key) => key.id(),
            Self::Cosign(key) => key.id(),
        }
    }

    /// What a signature claims, if this key made it.
    ///
    /// # Errors
    /// When it did not, or claims nothing that can be judged.
    pub fn verify(&self, signature: &Signature) -> Result<Claim, Fault> {
        match (self, signature.format) {
            (Self::Minisign(key), Format::Minisign) => {
                minisign::verify(&signature.payload, &signature.signature, key)
            }
            (Self::Cosign(key), Format::CosignSimple) => {
                cosign::verify_simple(&signature.payload, &signature.signature, key)
            }
            (Self::Cosign(key), Format::SigstoreBundle) => {
                cosign::verify_bundle(&signature.payload, &signature.signature, key)
            }
            _ => Err(Fault::OtherKey),
        }
    }
}
