//! The signed statement about a package, independent of its repository.

use serde::{Deserialize, Serialize};

use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::Manifest;
use extension_registry_package_format::upload::Upload;

/// Identifies the payload as a statement about a package.
pub(super) const TYPE: &str = "packages.fuseml.io/statement/v1";

/// Maximum size of a statement.
const LARGEST: usize = 16 * 1024;

/// Binds the content of a package to its name. A signature of a digest alone would allow an attacker to offer
/// an old version as a new one, or one package as another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Type of the package: `record`.
    pub kind: String,
    /// Name of the package.
    pub name: String,
    /// Version of the package, including build metadata.
    pub version: semver::Version,
    /// Packaging of its content: `bundle`.
    pub packaging: String,
    /// Digest of the content.
    pub content: Digest,
    /// Digest of the manifest as JSON; None for a foreign package.
    pub configuration: Option<Digest>,
    /// Digest of the document.
    pub document: Option<Digest>,
}

/// An invalid statement.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error("invalid package statement: {0}")]
pub struct InvalidStatement(String);

/// JSON of a statement. The order of fields is that of the canonical form.
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
    /// Creates the statement of a package with this manifest.
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

    /// Creates the statement of a package to publish.
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

    /// Serializes to the canonical form: JSON with a fixed order of fields and no whitespace.
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
        // A struct of strings always serializes.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Parses a statement. Order of fields and whitespace are ignored; unknown and duplicate fields are
    /// rejected, since two readers could interpret them differently.
    ///
    /// # Errors
    /// Returns an error if it is invalid.
    pub fn read(json: &[u8]) -> Result<Self, InvalidStatement> {
        if json.len() > LARGEST {
            return Err(InvalidStatement(format!("larger than {LARGEST} bytes")));
        }
        // serde would accept an array of the fields in order.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidStatement("not a JSON object".to_owned()));
        }
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| InvalidStatement(error.to_string()))?;
        if wire.purpose != TYPE {
            return Err(InvalidStatement(format!("`_type` must be `{TYPE}`")));
        }
        let version = semver::Version::parse(&wire.version)
            .map_err(|error| InvalidStatement(format!("version: {error}")))?;
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

    /// Returns its subject for display: `record mlflow 1.2.0`.
    #[must_use]
    pub fn subject(&self) -> String {
        let mut subject = format!("{} {} {}", self.kind, self.name, self.version);
        if self.packaging != "bundle" {
            subject = format!("{subject} ({})", self.packaging);
        }
        // The type is untrusted text, and this is shown on terminals.
        subject.replace(char::is_control, "?")
    }
}
