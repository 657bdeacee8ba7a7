//! What is signed about a package: one statement, whatever repository the package is in.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::repository::Upload;

/// What a statement is about; nothing else that is signed says this of itself.
pub(super) const TYPE: &str = "packages.fuseml.io/statement/v1";

/// Bytes of the largest statement.
const LARGEST: usize = 16 * 1024;

/// Binds a package to its name. A digest alone would let anybody offer an old version as a new one, or one
/// package as another (R16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Type of the package: `record`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its version, build metadata too.
    pub version: semver::Version,
    /// How its content is put together: `bundle`.
    pub packaging: String,
    /// Digest of the content.
    pub content: Digest,
    /// Digest of the manifest as JSON; None for a package that was made for something else and has none.
    pub configuration: Option<Digest>,
    /// Digest of the document, where there is one.
    pub document: Option<Digest>,
}

/// Why bytes are no statement.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error("no statement about a package: {0}")]
pub struct NoStatement(String);

/// The JSON of a statement. The order of the fields here is that of the canonical form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "_type")]
    purpose: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    version: String,
    packaging: String,
    #[serde(rename = "contentSha256")]
    content: Digest,
    #[serde(
        rename = "configurationSha256",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    configuration: Option<Digest>,
    #[serde(
        rename = "documentSha256",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    document: Option<Digest>,
}

impl Statement {
    /// A statement about the package with this manifest.
    #[must_use]
    pub fn of(
        manifest: &Manifest,
        content: Digest,
        configuration: Option<Digest>,
        document: Option<Digest>,
    ) -> Self {
        Self {
            kind: manifest.kind.name().to_owned(),
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            packaging: manifest.packaging.name().to_owned(),
            content,
            configuration,
            document,
        }
    }

    /// A statement about what is published.
    #[must_use]
    pub fn of_upload(upload: &Upload) -> Self {
        let document = upload.document.as_ref();
        Self::of(
            &upload.manifest,
            upload.digest,
            Some(Digest::of(&upload.configuration)),
            document.map(|document| Digest::of(&document.bytes)),
        )
    }

    /// The canonical form: JSON with fields in one order, without white space.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            purpose: TYPE.to_owned(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            version: self.version.to_string(),
            packaging: self.packaging.clone(),
            content: self.content,
            configuration: self.configuration,
            document: self.document,
        };
        // A struct of texts is always JSON.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads a statement. The order of fields and white space do not matter; a field that nobody knows, or
    /// one that is there twice, is refused, since two readers could understand it differently.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(json: &[u8]) -> Result<Self, NoStatement> {
        if json.len() > LARGEST {
            return Err(NoStatement(format!("it has more than {LARGEST} bytes")));
        }
        // serde would take an array for the fields in their order.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(NoStatement("it is no JSON object".to_owned()));
        }
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| NoStatement(error.to_string()))?;
        if wire.purpose != TYPE {
            return Err(NoStatement(format!("its `_type` is not `{TYPE}`")));
        }
        let version = semver::Version::parse(&wire.version)
            .map_err(|error| NoStatement(format!("version: {error}")))?;
        Ok(Self {
            kind: wire.kind,
            name: wire.name,
            version,
            packaging: wire.packaging,
            content: wire.content,
            configuration: wire.configuration,
            document: wire.document,
        })
    }

    /// What it is about, for people: `record mlflow 1.2.0`.
    #[must_use]
    pub fn subject(&self) -> String {
        let mut subject = format!("{} {} {}", self.kind, self.name, self.version);
        if self.packaging != "bundle" {
            subject = format!("{subject} ({})", self.packaging);
        }
        // A type can be any text, and this is for terminals.
        subject.replace(char::is_control, "?")
    }
}
