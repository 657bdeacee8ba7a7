//! Signatures of cosign with a key pair: ECDSA on P-256 over a SHA-256 digest.
//!
//! cosign signs only the digest of an OCI manifest: the `docker-reference` of its payload is not verified. So
//! the evaluation of a [`SignedPayload::Manifest`] must check that the manifest itself names the package. Keyless
//! signatures (Fulcio, Rekor) are not supported: they depend on a clock and on keys of third parties.

mod bundle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::{Fault, KeyError, SignedPayload};
use extension_registry_package_format::digest::Digest;

pub(super) use bundle::{signer, verify as verify_bundle};

/// The DER of a `SubjectPublicKeyInfo` up to the point: id-ecPublicKey on prime256v1, a bit string without
/// unused bits, an uncompressed point (RFC 5480, section 2). DER is canonical, so all P-256 keys begin with it.
const PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// Size of both coordinates.
const COORDINATES: usize = 64;

/// Maximum size of a signature in base64.
const LONGEST: usize = 256;

/// A public key: a point on P-256.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The point with its leading 4, as `ring` expects it.
    point: [u8; 1 + COORDINATES],
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "cosign {}", self.id())
    }
}

impl PublicKey {
    /// Parses a PEM `PUBLIC KEY` (RFC 7468, section 13), as `cosign generate-key-pair` writes it.
    ///
    /// # Errors
    /// Returns an error if it is invalid, or of another algorithm or curve.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(KeyError::Cosign(
                "expected a single PEM block of type `PUBLIC KEY`",
            ))?;
        let encoded: String = body.lines().map(str::trim).collect();
        let der = STANDARD
            .decode(encoded)
            .map_err(|_| KeyError::Cosign("the PEM block is not valid base64"))?;
        let coordinates = der
            .strip_prefix(&PREFIX)
            .filter(|rest| rest.len() == COORDINATES)
            .ok_or(KeyError::Cosign("not a point on P-256"))?;
        let mut point = [4; 1 + COORDINATES];
        point[1..].copy_from_slice(coordinates);
        Ok(Self { point })
    }

    /// Returns the SHA-256 of the key as DER, which cosign's bundles contain in base64.
    #[must_use]
    pub fn id(&self) -> String {
        self.digest().to_string()
    }

    fn digest(&self) -> Digest {
        let mut der = PREFIX.to_vec();
        der.extend_from_slice(&self.point[1..]);
        Digest::of(&der)
    }

    /// Returns whether this key made a signature, in base64, over a message.
    fn made(&self, message: &[u8], signature: &[u8]) -> Result<bool, Fault> {
        let signature = signature.trim_ascii_end();
        if signature.len() > LONGEST {
            return Err(Fault::Unreadable("too long"));
        }
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| Fault::Unreadable("invalid base64"))?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point);
        Ok(key.verify(message, &signature).is_ok())
    }
}

/// Verifies a signature and returns its payload. It names no key, so a modified one looks like one made by
/// another key.
pub(super) fn verify_simple(
    payload: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<SignedPayload, Fault> {
    if !key.made(payload, signature)? {
        return Err(Fault::OtherKey);
    }
    SignedPayload::of(payload)
}
