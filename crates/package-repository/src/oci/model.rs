//! Data types of registry responses, as far as they are used. Other fields are ignored; `null` is an empty
//! list.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use extension_registry_package_format::digest::Digest;

/// Media type of an image manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an image index.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Accepted media types. Without them some servers report that a manifest does not exist.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";
/// Media type of an empty configuration (image-spec, "Guidance for an Empty Descriptor").
pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Content of an empty configuration.
pub(super) const EMPTY_BYTES: &[u8] = b"{}";

/// Standard annotations (image-spec, "Annotations").
pub(super) mod annotation {
    pub(in super::super) const TITLE: &str = "org.opencontainers.image.title";
    pub(in super::super) const VERSION: &str = "org.opencontainers.image.version";
    pub(in super::super) const DESCRIPTION: &str = "org.opencontainers.image.description";
    pub(in super::super) const LICENSES: &str = "org.opencontainers.image.licenses";
    pub(in super::super) const URL: &str = "org.opencontainers.image.url";
    pub(in super::super) const SOURCE: &str = "org.opencontainers.image.source";
    pub(in super::super) const AUTHORS: &str = "org.opencontainers.image.authors";
    pub(in super::super) const CREATED: &str = "org.opencontainers.image.created";
    pub(in super::super) const TYPE: &str = "io.fuseml.package.type";
    pub(in super::super) const PACKAGING: &str = "io.fuseml.package.packaging";
}

/// A manifest, or an index of manifests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Manifest {
    pub(super) schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<Descriptor>,
    #[serde(deserialize_with = "listed", skip_serializing_if = "Vec::is_empty")]
    pub(super) layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Descriptor>,
    #[serde(
        deserialize_with = "mapped",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Returns the artifact type; older manifests have it in the configuration.
    pub(super) fn kind(&self) -> &str {
        let declared = self
            .artifact_type
            .as_deref()
            .filter(|kind| !kind.is_empty());
        let config = self
            .config
            .as_ref()
            .map(|config| config.media_type.as_str());
        declared.or(config).unwrap_or_default()
    }

    /// Returns an annotation unless it is empty.
    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        let text = self.annotations.get(name).map(|text| text.trim());
        text.filter(|text| !text.is_empty())
    }
}

/// An index of manifests, as returned by the referrers API. Unknown fields of its entries are preserved for
/// writing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Referrers {
    pub(super) schema_version: u32,
    pub(super) media_type: String,
    #[serde(deserialize_with = "listed")]
    pub(super) manifests: Vec<Descriptor>,
}

impl Default for Referrers {
    fn default() -> Self {
        Self {
            schema_version: 2,
            media_type: INDEX.to_owned(),
            manifests: Vec::new(),
        }
    }
}

/// A descriptor of content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    #[serde(
        deserialize_with = "mapped",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(flatten)]
    pub(super) other: BTreeMap<String, serde_json::Value>,
}

impl Descriptor {
    /// Creates the descriptor of bytes.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes).oci(),
            size: bytes.len() as u64,
            ..Self::default()
        }
    }

    /// Adds a file name, for tools that write files.
    pub(super) fn titled(mut self, title: &str) -> Self {
        let _ = self
            .annotations
            .insert(annotation::TITLE.to_owned(), title.to_owned());
        self
    }

    /// Returns the digest if it is SHA-256.
    pub(super) fn sha256(&self) -> Option<Digest> {
        let hex = self.digest.strip_prefix("sha256:")?;
        hex.parse().ok()
    }
}

/// Tags of a repository.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tags {
    #[serde(deserialize_with = "listed")]
    pub(super) tags: Vec<String>,
}

/// Repositories of a registry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Catalog {
    #[serde(deserialize_with = "listed")]
    pub(super) repositories: Vec<String>,
}

/// An error response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    #[serde(deserialize_with = "listed")]
    pub(super) errors: Vec<Fault>,
}

/// One error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    pub(super) code: String,
    pub(super) message: Option<String>,
}

/// Deserializes a list, where `null` is an empty one.
pub(super) fn listed<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn mapped<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
