//! What a signature says, once it is known who made it.

use serde::Deserialize;

use super::{Fault, Statement, cosign, statement};
use crate::digest::Digest;
use crate::index;

/// What a signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A package is this.
    Package(Statement),
    /// One of these manifests of an OCI registry is good; what they are is not said.
    Manifest(Vec<Digest>),
    /// The index with this digest is good.
    Index(Digest),
}

/// What a payload says of itself.
#[derive(Deserialize)]
struct Marks {
    #[serde(rename = "_type")]
    purpose: Option<String>,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    critical: Option<serde::de::IgnoredAny>,
}

impl Claim {
    /// What these bytes say. They have to say of themselves what they are, and only one thing.
    ///
    /// # Errors
    /// [`Fault::Foreign`] when they are nothing that is signed here.
    pub(crate) fn of(payload: &[u8]) -> Result<Self, Fault> {
        // serde would take an array for the fields in their order.
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(Fault::Foreign("it is no JSON object"));
        }
        let marks: Marks =
            serde_json::from_slice(payload).map_err(|_| Fault::Foreign("it is no JSON object"))?;
        match (
            marks.purpose.as_deref(),
            marks.api_version.as_deref(),
            marks.critical.is_some(),
        ) {
            (Some(statement::TYPE), None, false) => Statement::read(payload)
                .map(Self::Package)
                .map_err(|_| Fault::Foreign("it is no statement that this program reads")),
            (None, Some(index::API_VERSION), false) => Ok(Self::Index(Digest::of(payload))),
            (None, None, true) => cosign::simple(payload),
            _ => Err(Fault::Foreign("it is neither a package nor an index")),
        }
    }
}
