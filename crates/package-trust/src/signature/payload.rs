//! Payloads of verified signatures.

use serde::Deserialize;

use super::{Fault, Statement, statement};
use extension_registry_package_format::digest::Digest;

/// Identifies the payload as an index.
pub const INDEX_API_VERSION: &str = "packages.fuseml.io/index/v1";

/// The type in cosign's payload.
const SIMPLE_TYPE: &str = "cosign container image signature";

/// The payload of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedPayload {
    /// A statement about a package.
    Package(Statement),
    /// Digests of OCI manifests, without a name.
    Manifest(Vec<Digest>),
    /// Digest of an index.
    Index(Digest),
}

/// Fields that identify the kind of a payload.
#[derive(Deserialize)]
struct Marks {
    #[serde(rename = "_type")]
    purpose: Option<String>,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    critical: Option<serde::de::IgnoredAny>,
}

impl SignedPayload {
    /// Parses a payload, which must identify itself as exactly one kind.
    ///
    /// # Errors
    /// Returns [`Fault::Foreign`] if it is of no supported kind.
    pub fn of(payload: &[u8]) -> Result<Self, Fault> {
        // serde would accept an array of the fields in order.
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(Fault::Foreign("not a JSON object"));
        }
        let marks: Marks =
            serde_json::from_slice(payload).map_err(|_| Fault::Foreign("not a JSON object"))?;
        match (
            marks.purpose.as_deref(),
            marks.api_version.as_deref(),
            marks.critical.is_some(),
        ) {
            (Some(statement::TYPE), None, false) => Statement::read(payload)
                .map(Self::Package)
                .map_err(|_| Fault::Foreign("unsupported statement")),
            (None, Some(INDEX_API_VERSION), false) => Ok(Self::Index(Digest::of(payload))),
            (None, None, true) => simple(payload),
            _ => Err(Fault::Foreign("neither a package nor an index")),
        }
    }
}

/// The payload of cosign's classic signature (`simplesigning`).
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

/// Parses the payload of a classic signature.
fn simple(payload: &[u8]) -> Result<SignedPayload, Fault> {
    let simple: Simple =
        serde_json::from_slice(payload).map_err(|_| Fault::Foreign("not a cosign payload"))?;
    if simple.critical.purpose != SIMPLE_TYPE {
        return Err(Fault::Foreign("not an image signature"));
    }
    let manifest = simple.critical.image.manifest;
    oci(&manifest).map(|digest| SignedPayload::Manifest(vec![digest]))
}

/// Parses a digest in OCI format.
fn oci(text: &str) -> Result<Digest, Fault> {
    text.strip_prefix("sha256:")
        .and_then(|digits| digits.parse().ok())
        .ok_or(Fault::Foreign(
            "the signed digest is not of the form `sha256:…`",
        ))
}
