//! Sigstore bundles v0.3 that were signed with a key pair.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::PublicKey;
use crate::digest::Digest;
use crate::signature::{Claim, Fault};

/// Bytes of the largest bundle.
const LARGEST: usize = 1024 * 1024;

/// Media types of version 0.3: as it is now, and as it was written first.
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/// What the payload of an envelope is, where it signs an image.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Types of in-toto statements; the second is older.
const STATEMENTS: [&str; 2] = [
    "https://in-toto.io/Statement/v1",
    "https://in-toto.io/Statement/v0.1",
];

/// The predicate of a signature. Others attest something about an image, perhaps that it is bad.
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
            return Err(Fault::Unreadable("it is too long"));
        }
        let bundle: Self = serde_json::from_slice(json)
            .map_err(|_| Fault::Unreadable("it is no bundle of Sigstore"))?;
        if !MEDIA_TYPES.contains(&bundle.media_type.as_str()) {
            return Err(Fault::Unreadable("it is no bundle of version 0.3"));
        }
        Ok(bundle)
    }

    /// The digest of the key that it names.
    fn hint(&self) -> Option<Digest> {
        let hint = &self.verification_material.public_key.as_ref()?.hint;
        let bytes = STANDARD.decode(hint).ok()?;
        extension_registry_core::hex::hex(&bytes).parse().ok()
    }
}

/// Id of the key that a bundle names.
pub(in crate::signature) fn signer(json: &[u8]) -> Option<String> {
    Some(Bundle::read(json).ok()?.hint()?.to_string())
}

/// What a bundle claims, if this key made it.
pub(in crate::signature) fn verify(
    payload: &[u8],
    json: &[u8],
    key: &PublicKey,
) -> Result<Claim, Fault> {
    let bundle = Bundle::read(json)?;
    if bundle.verification_material.public_key.is_none() {
        return Err(Fault::Unreadable(
            "it was made without a key pair, which is not supported",
        ));
    }
    let (made, claim) = match (&bundle.dsse_envelope, &bundle.message_signature) {
        (Some(envelope), None) => {
            let [signature] = envelope.signatures.as_slice() else {
                return Err(Fault::Unreadable("its envelope has not one signature"));
            };
            let payload = STANDARD
                .decode(&envelope.payload)
                .map_err(|_| Fault::Unreadable("its payload is no base64"))?;
            let message = encoded(&envelope.payload_type, &payload);
            let made = key.made(&message, signature.sig.as_bytes())?;
            (made, attested(&envelope.payload_type, &payload))
        }
        (None, Some(_)) if payload.is_empty() => {
            return Err(Fault::Unreadable("what it signs is not beside it"));
        }
        (None, Some(message)) => {
            let made = key.made(payload, message.signature.as_bytes())?;
            (made, file(payload))
        }
        _ => return Err(Fault::Unreadable("it has not one signature")),
    };
    if made {
        return claim;
    }
    if bundle.hint() == Some(key.digest()) {
        return Err(Fault::Forged);
    }
    Err(Fault::OtherKey)
}

/// What an envelope signs (DSSE, "PAE"): type and payload with their lengths, so that neither can end
/// elsewhere.
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

/// What an in-toto statement says.
fn attested(payload_type: &str, payload: &[u8]) -> Result<Claim, Fault> {
    if payload_type != IN_TOTO {
        return Err(Fault::Foreign("its envelope holds no in-toto statement"));
    }
    let statement: InToto = serde_json::from_slice(payload)
        .map_err(|_| Fault::Foreign("its envelope holds no in-toto statement"))?;
    if !STATEMENTS.contains(&statement.purpose.as_str()) {
        return Err(Fault::Foreign("its envelope holds no in-toto statement"));
    }
    if statement.predicate_type != SIGNED {
        return Err(Fault::Foreign("it attests something, and does not sign"));
    }
    let digests = statement.subject.iter();
    Ok(Claim::Manifest(
        digests
            .filter_map(|subject| subject.digest.sha256)
            .collect(),
    ))
}

/// What a signed file says: it says itself what it is, or it is a manifest of an OCI registry.
fn file(payload: &[u8]) -> Result<Claim, Fault> {
    match Claim::of(payload) {
        Err(_) if is_manifest(payload) => Ok(Claim::Manifest(vec![Digest::of(payload)])),
        claim => claim,
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
