//! Public keys of all supported tools.

use super::{Fault, Format, KeyError, Signature, SignedPayload, cosign, minisign};

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A minisign key.
    Minisign(minisign::PublicKey),
    /// A cosign key: ECDSA on the curve P-256.
    Cosign(cosign::PublicKey),
}

impl PublicKey {
    /// Parses a key: the text of a minisign `.pub` file, its second line, or PEM.
    ///
    /// # Errors
    /// Returns an error if it is invalid. The error never contains the input.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        // Some editors begin a file with a byte order mark.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.contains("PRIVATE KEY") || text.contains("secret key") {
            return Err(KeyError::Secret);
        }
        if text.starts_with("-----BEGIN") {
            return cosign::PublicKey::read(text).map(Self::Cosign);
        }
        minisign::PublicKey::read(text).map(Self::Minisign)
    }

    /// Returns the key id: as minisign prints it, or the SHA-256 of a cosign key.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Minisign(key) => key.id(),
            Self::Cosign(key) => key.id(),
        }
    }

    /// Verifies a signature and returns its payload.
    ///
    /// # Errors
    /// Returns an error if this key did not make it, or its payload is of no supported kind.
    pub fn verify(&self, signature: &Signature) -> Result<SignedPayload, Fault> {
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
