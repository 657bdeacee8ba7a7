//! Converts packages to OCI manifests and back.

use std::collections::BTreeMap;

use super::client::{Client, clean};
use super::model::{Descriptor, MANIFEST, Manifest, annotation};
use crate::{Blob, Description, DocumentFormat, OciManifest, Release, Result, Upload};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::{self, Metadata, Packaging};
use extension_registry_package_trust::signature::Statement;
use extension_registry_package_trust::trust;

/// Artifact type of a package.
pub(super) const PACKAGE: &str = "application/vnd.fuseml.package.v1";
/// Media type of the configuration: the package manifest as JSON.
pub(super) const CONFIGURATION: &str = "application/vnd.fuseml.package.config.v1+json";
/// Media type of the content.
const CONTENT: &str = "application/vnd.fuseml.package.content.v1.tar+gzip";
/// Supported formats of documents.
const DOCUMENTS: [DocumentFormat; 2] = [DocumentFormat::Markdown, DocumentFormat::AsciiDoc];
/// Media types of a single template.
const TEMPLATES: [&str; 4] = [
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
];

/// Builds the manifest of a package. It has no timestamp: the same package has the same manifest.
pub(super) fn packaged(upload: &Upload) -> Manifest {
    let about = &upload.manifest;
    let declared = [
        (annotation::TITLE, Some(upload.name.clone())),
        (annotation::VERSION, Some(upload.version.to_string())),
        (annotation::DESCRIPTION, Some(about.description.clone())),
        (annotation::LICENSES, about.metadata.license.clone()),
        (annotation::URL, about.metadata.homepage.clone()),
        (annotation::SOURCE, about.metadata.repository.clone()),
        (annotation::AUTHORS, about.author.clone()),
        (annotation::TYPE, Some(about.kind.name().to_owned())),
        (
            annotation::PACKAGING,
            Some(about.packaging.name().to_owned()),
        ),
    ];
    let file = format!("{}-{}", upload.name, upload.version);
    let content = Descriptor {
        media_type: CONTENT.to_owned(),
        digest: upload.digest.oci(),
        size: upload.size,
        ..Descriptor::default()
    };
    let mut layers = vec![content.titled(&format!("{file}.tar.gz"))];
    if let Some(document) = &upload.document {
        let title = format!("{file}-docs.{}", document.format.ending());
        let layer = Descriptor::of(document.format.media_type(), &document.bytes);
        layers.push(layer.titled(&title));
    }
    Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some(PACKAGE.to_owned()),
        config: Some(Descriptor::of(CONFIGURATION, &upload.configuration)),
        layers,
        subject: None,
        annotations: declared
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .filter(|(_, value)| !value.is_empty())
            .collect::<BTreeMap<String, String>>(),
    }
}

/// Builds the release of a published package.
pub(super) fn published(upload: &Upload, locator: String, manifest: OciManifest) -> Release {
    Release {
        name: upload.name.clone(),
        version: upload.version.clone(),
        description: Description::Configuration {
            bytes: upload.configuration.clone(),
            digest: Digest::of(&upload.configuration),
        },
        content: Blob {
            digest: Some(upload.digest),
            size: Some(upload.size),
            file: None,
        },
        document: upload.document.as_ref().map(|document| Blob {
            digest: Some(Digest::of(&document.bytes)),
            size: Some(document.bytes.len() as u64),
            file: None,
        }),
        locator,
        manifest: Some(manifest),
        published: None,
    }
}

impl Client {
    /// Reads a version from its manifest: from the configuration, or from annotations for foreign packages.
    ///
    /// # Errors
    /// Returns [`Error::Broken`](crate::Error::Broken) if the manifest of a native package names
    /// another version than its tag.
    pub(super) async fn release(
        &self,
        path: &str,
        (name, version): (&str, &semver::Version),
        found: &OciManifest,
    ) -> Result<Release> {
        let manifest = self.parse_manifest(path, found)?;
        let document = manifest.layers.iter().find(|layer| is_document(layer));
        let content = content(&manifest);
        let ours = manifest.config.as_ref();
        let ours = ours.filter(|config| config.media_type == CONFIGURATION);
        let description = match ours {
            Some(config) => {
                self.agrees(path, version, &manifest)?;
                let what = format!("the configuration of {path}");
                Description::Configuration {
                    digest: self.known(&what, config)?,
                    bytes: self.blob(path, config).await?,
                }
            }
            None => Description::Foreign(Box::new(foreign(name, version, &manifest))),
        };
        Ok(Release {
            name: name.to_owned(),
            version: version.clone(),
            description,
            content: content.map(blob).unwrap_or_default(),
            document: document.map(blob),
            locator: self.locator(path, found.digest),
            manifest: Some(found.clone()),
            published: manifest.annotation(annotation::CREATED).map(clean),
        })
    }

    /// Returns an immutable reference.
    pub(super) fn locator(&self, path: &str, digest: Digest) -> String {
        format!("{}/{path}@{}", self.registry, digest.oci())
    }

    fn agrees(&self, path: &str, version: &semver::Version, manifest: &Manifest) -> Result<()> {
        let Some(declared) = manifest.annotation(annotation::VERSION) else {
            return Ok(());
        };
        if declared == version.to_string() {
            return Ok(());
        }
        let why = format!("its manifest declares version {}", clean(declared));
        Err(self.broken(&format!("version {version} of {path}"), why))
    }
}

impl OciManifest {
    /// Evaluates the bytes against a statement, as evidence for the trust policy.
    #[must_use]
    pub fn evidence(&self, statement: &Statement) -> trust::Manifest {
        trust::Manifest {
            digest: self.digest,
            names_package: names_package(&self.bytes, statement),
        }
    }
}

/// Returns whether a manifest contains the digests of a statement: content, configuration and document. If it
/// does not, a signature of the manifest does not cover the package.
fn names_package(manifest: &[u8], statement: &Statement) -> bool {
    let Ok(manifest) = serde_json::from_slice::<Manifest>(manifest) else {
        return false;
    };
    let config = manifest.config.as_ref();
    let config = config.filter(|config| config.media_type == CONFIGURATION);
    let document = manifest.layers.iter().find(|layer| is_document(layer));
    let digest = |layer: Option<&Descriptor>| layer.and_then(Descriptor::sha256);
    // Without a native configuration, the signature does not cover the name of the package.
    statement.configuration.is_some()
        && digest(config) == statement.configuration
        && digest(content(&manifest)) == Some(statement.content)
        && digest(document) == statement.document
}

fn blob(layer: &Descriptor) -> Blob {
    Blob {
        digest: layer.sha256(),
        size: Some(layer.size),
        file: None,
    }
}

fn is_document(layer: &Descriptor) -> bool {
    let media_type = layer.media_type.split(';').next().unwrap_or_default();
    DOCUMENTS
        .iter()
        .any(|format| format.media_type() == media_type.trim())
}

/// Returns the layer with the content: the one with our media type, else the first one that is not a document.
fn content(manifest: &Manifest) -> Option<&Descriptor> {
    let mut layers = manifest.layers.iter();
    let ours = layers.find(|layer| layer.media_type == CONTENT);
    ours.or_else(|| manifest.layers.iter().find(|layer| !is_document(layer)))
}

/// Describes a foreign artifact.
fn foreign(name: &str, version: &semver::Version, manifest: &Manifest) -> manifest::Manifest {
    let text = |name: &str| manifest.annotation(name).map(clean);
    let is_template = content(manifest).is_some_and(|content| {
        let media_type = content.media_type.split(';').next().unwrap_or_default();
        TEMPLATES.contains(&media_type.trim())
    });
    manifest::Manifest {
        packaging: if is_template {
            Packaging::Template
        } else {
            Packaging::Unsupported(clean(manifest.kind()))
        },
        description: text(annotation::DESCRIPTION)
            .or_else(|| text(annotation::TITLE))
            .unwrap_or_default(),
        author: text(annotation::AUTHORS),
        metadata: Metadata {
            homepage: text(annotation::URL),
            repository: text(annotation::SOURCE),
            license: text(annotation::LICENSES),
            maintainers: Vec::new(),
        },
        ..manifest::Manifest::minimal(name, version.clone())
    }
}
