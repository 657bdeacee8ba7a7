//! Signatures of cosign that were made with a key pair: ECDSA on P-256 over a SHA-256 digest.
//!
//! What cosign signs names a manifest of an OCI registry by its digest, and nothing else: the
//! `docker-reference` of its payload is verified by nobody. So whoever judges a [`Claim::Manifest`] has to
//! know that the manifest itself names the package. Signatures without a key pair (Fulcio, Rekor) are not
//! read: what they prove needs a clock and keys of somebody else.

mod bundle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

use super::{Claim, Fault, KeyError};
use crate::digest::Digest;

pub(super) use bundle::{signer, verify as verify_bundle};

/// The DER of a `SubjectPublicKeyInfo` up to the point: id-ecPublicKey on prime256v1, a bit string with no
/// unused bits, an uncompressed point (RFC 5480, section 2). DER has one encoding, so all P-256 keys begin so.
const PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// Bytes of both coordinates.
const COORDINATES: usize = 64;

/// The type that cosign's payload gives itself.
const SIMPLE_TYPE: &str = "cosign container image signature";

/// Bytes of the longest signature, as base64.
const LONGEST: usize = 256;

/// A public key: a point on P-256.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The point with its leading 4, as `ring` takes it.
    point: [u8; 1 + COORDINATES],
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "cosign {}", self.id())
    }
}

impl PublicKey {
    /// Reads PEM with one `PUBLIC KEY` (RFC 7468, section 13), as `cosign generate-key-pair` writes it.
    ///
    /// # Errors
    /// When it is none, or one of another algorithm or curve.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(KeyError::Cosign("its PEM is not one `PUBLIC KEY`"))?;
        let encoded: String = body.lines().map(str::trim).collect();
        let der = STANDARD
            .decode(encoded)
            .map_err(|_| KeyError::Cosign("its PEM is no base64"))?;
        let coordinates = der
            .strip_prefix(&PREFIX)
            .filter(|rest| rest.len() == COORDINATES)
            .ok_or(KeyError::Cosign("it is no point on P-256"))?;
        let mut point = [4; 1 + COORDINATES];
        point[1..].copy_from_slice(coordinates);
        Ok(Self { point })
    }

    /// SHA-256 of the key as DER: what cosign's bundles call it, there in base64.
    #[must_use]
    pub fn id(&self) -> String {
        self.digest().to_string()
    }

    fn digest(&self) -> Digest {
        let mut der = PREFIX.to_vec();
        der.extend_from_slice(&self.point[1..]);
        Digest::of(&der)
    }

    /// Whether this key made a signature, in base64, over a message.
    fn made(&self, message: &[u8], signature: &[u8]) -> Result<bool, Fault> {
        let signature = signature.trim_ascii_end();
        if signature.len() > LONGEST {
            return Err(Fault::Unreadable("it is too long"));
        }
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| Fault::Unreadable("it is no base64"))?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point);
        Ok(key.verify(message, &signature).is_ok())
    }
}

/// What a signature over this payload claims, if this key made it. It names no key, so one that was changed
/// looks like that of another.
pub(super) fn verify_simple(
    payload: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<Claim, Fault> {
    if !key.made(payload, signature)? {
        return Err(Fault::OtherKey);
    }
    Claim::of(payload)
}

/// The payload of a classic signature (`simplesigning`).
#[derive(Deserialize)]
struct Simple {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    purpose: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    manifest: String,
}

/// Reads the payload of a classic signature.
pub(super) fn simple(payload: &[u8]) -> Result<Claim, Fault> {
    let simple: Simple = serde_json::from_slice(payload)
        .map_err(|_| Fault::Foreign("its payload is none of cosign"))?;
    if simple.critical.purpose != SIMPLE_TYPE {
        return Err(Fault::Foreign("its payload signs no image"));
    }
    let manifest = simple.critical.image.manifest;
    oci(&manifest).map(|digest| Claim::Manifest(vec![digest]))
}

/// A digest as OCI writes it.
fn oci(text: &str) -> Result<Digest, Fault> {
    text.strip_prefix("sha256:")
        .and_then(|digits| digits.parse().ok())
        .ok_or(Fault::Foreign(
            "the digest that it signs is not written as `sha256:…`",
        ))
}
