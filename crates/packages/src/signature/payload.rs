//! Payloads of verified signatures.

use serde::Deserialize;

use super::{Fault, Statement, cosign, statement};
use crate::digest::Digest;
use crate::index;

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
    pub(crate) fn of(payload: &[u8]) -> Result<Self, Fault> {
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
            (None, Some(index::API_VERSION), false) => Ok(Self::Index(Digest::of(payload))),
            (None, None, true) => cosign::simple(payload),
            _ => Err(Fault::Foreign("neither a package nor an index")),
        }
    }
}
