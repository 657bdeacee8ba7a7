//! Sigstore bundles v0.3 that were signed with a key pair.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::PublicKey;
use crate::signature::{Fault, SignedPayload};
use extension_registry_package_format::digest::Digest;

/// Maximum size of a bundle.
const LARGEST: usize = 1024 * 1024;

/// Media types of version 0.3, current and legacy.
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/// Payload type of an envelope that signs an image.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Types of in-toto statements, current and legacy.
const STATEMENTS: [&str; 2] = [
    "https://in-toto.io/Statement/v1",
    "https://in-toto.io/Statement/v0.1",
];

/// Predicate type of a signature. Others attest something about an image, possibly something bad.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Option<Envelope>,
    message_signature: Option<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    public_key: Option<Hint>,
}

#[derive(Deserialize)]
struct Hint {
    #[serde(default)]
    hint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
struct Message {
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InToto {
    #[serde(rename = "_type")]
    purpose: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: Option<Digest>,
}

impl Bundle {
    fn read(json: &[u8]) -> Result<Self, Fault> {
        if json.len() > LARGEST {
            return Err(Fault::Unreadable("too long"));
        }
        let bundle: Self =
            serde_json::from_slice(json).map_err(|_| Fault::Unreadable("not a Sigstore bundle"))?;
        if !MEDIA_TYPES.contains(&bundle.media_type.as_str()) {
            return Err(Fault::Unreadable("expected a version 0.3 Sigstore bundle"));
        }
        Ok(bundle)
    }

    /// Returns the digest of the key that it names.
    fn hint(&self) -> Option<Digest> {
        let hint = &self.verification_material.public_key.as_ref()?.hint;
        let bytes = STANDARD.decode(hint).ok()?;
        hex::encode(&bytes).parse().ok()
    }
}

/// Returns the key id that a bundle names.
pub(in crate::signature) fn signer(json: &[u8]) -> Option<String> {
    Some(Bundle::read(json).ok()?.hint()?.to_string())
}

/// Verifies a bundle and returns its payload.
pub(in crate::signature) fn verify(
    payload: &[u8],
    json: &[u8],
    key: &PublicKey,
) -> Result<SignedPayload, Fault> {
    let bundle = Bundle::read(json)?;
    if bundle.verification_material.public_key.is_none() {
        return Err(Fault::Unreadable("keyless signatures are not supported"));
    }
    let (made, payload) = match (&bundle.dsse_envelope, &bundle.message_signature) {
        (Some(envelope), None) => {
            let [signature] = envelope.signatures.as_slice() else {
                return Err(Fault::Unreadable(
                    "the envelope must have exactly one signature",
                ));
            };
            let payload = STANDARD
                .decode(&envelope.payload)
                .map_err(|_| Fault::Unreadable("the payload is not valid base64"))?;
            let message = encoded(&envelope.payload_type, &payload);
            let made = key.made(&message, signature.sig.as_bytes())?;
            (made, attested(&envelope.payload_type, &payload))
        }
        (None, Some(_)) if payload.is_empty() => {
            return Err(Fault::Unreadable("the signed file is missing"));
        }
        (None, Some(message)) => {
            let made = key.made(payload, message.signature.as_bytes())?;
            (made, file(payload))
        }
        _ => return Err(Fault::Unreadable("exactly one signature is required")),
    };
    if made {
        return payload;
    }
    if bundle.hint() == Some(key.digest()) {
        return Err(Fault::Forged);
    }
    Err(Fault::OtherKey)
}

/// Encodes the signed bytes of an envelope (DSSE, "PAE"): type and payload with their lengths.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    message.extend_from_slice(payload);
    message
}

/// Parses an in-toto statement.
fn attested(payload_type: &str, payload: &[u8]) -> Result<SignedPayload, Fault> {
    if payload_type != IN_TOTO {
        return Err(Fault::Foreign("not an in-toto statement"));
    }
    let statement: InToto =
        serde_json::from_slice(payload).map_err(|_| Fault::Foreign("not an in-toto statement"))?;
    if !STATEMENTS.contains(&statement.purpose.as_str()) {
        return Err(Fault::Foreign("not an in-toto statement"));
    }
    if statement.predicate_type != SIGNED {
        return Err(Fault::Foreign("an attestation, not a signature"));
    }
    let digests = statement.subject.iter();
    Ok(SignedPayload::Manifest(
        digests
            .filter_map(|subject| subject.digest.sha256)
            .collect(),
    ))
}

/// Parses a signed file: a self-describing payload, or an OCI manifest.
fn file(payload: &[u8]) -> Result<SignedPayload, Fault> {
    match SignedPayload::of(payload) {
        Err(_) if is_manifest(payload) => Ok(SignedPayload::Manifest(vec![Digest::of(payload)])),
        payload => payload,
    }
}

fn is_manifest(payload: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest {
        media_type: Option<String>,
    }
    let manifest: Result<Manifest, _> = serde_json::from_slice(payload);
    manifest.is_ok_and(|manifest| {
        manifest.media_type.as_deref() == Some("application/vnd.oci.image.manifest.v1+json")
    })
}
