//! Signatures of an entry, stored so that trust can be evaluated again when the policy changes, also offline.

use std::fs;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use extension_registry_package_trust::signature::{Format, Signature};

use super::Cache;
use super::entry::Entry;
use super::error::CacheError;
use super::layout::SIGNATURES;

#[derive(Serialize, Deserialize)]
struct Line {
    format: Name,
    payload: String,
    signature: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Minisign,
    CosignSimple,
    SigstoreBundle,
}

impl From<Format> for Name {
    fn from(format: Format) -> Self {
        match format {
            Format::Minisign => Self::Minisign,
            Format::CosignSimple => Self::CosignSimple,
            Format::SigstoreBundle => Self::SigstoreBundle,
        }
    }
}

impl From<Name> for Format {
    fn from(name: Name) -> Self {
        match name {
            Name::Minisign => Self::Minisign,
            Name::CosignSimple => Self::CosignSimple,
            Name::SigstoreBundle => Self::SigstoreBundle,
        }
    }
}

/// Serializes signatures.
pub(super) fn to_json(signatures: &[Signature]) -> Vec<u8> {
    let lines: Vec<Line> = signatures
        .iter()
        .map(|signature| Line {
            format: signature.format.into(),
            payload: STANDARD.encode(&signature.payload),
            signature: STANDARD.encode(&signature.signature),
        })
        .collect();
    // Strings always serialize.
    serde_json::to_vec(&lines).unwrap_or_default()
}

impl Cache {
    /// Returns the signatures of an entry. They are not verified.
    ///
    /// # Errors
    /// Returns an error if they cannot be read or are invalid.
    pub fn signatures(&self, entry: &Entry) -> Result<Vec<Signature>, CacheError> {
        let path = entry.folder.join(SIGNATURES);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(CacheError::file("read", &path)(error)),
        };
        let broken = |why: String| CacheError::Broken {
            path: path.clone(),
            why,
        };
        let lines: Vec<Line> =
            serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
        let bytes = |text: &str| {
            STANDARD
                .decode(text)
                .map_err(|error| broken(error.to_string()))
        };
        lines
            .iter()
            .map(|line| {
                Ok(Signature {
                    format: line.format.into(),
                    payload: bytes(&line.payload)?,
                    signature: bytes(&line.signature)?,
                })
            })
            .collect()
    }
}
