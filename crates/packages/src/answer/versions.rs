//! The question which versions a package has.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use std::collections::BTreeMap;

use extension_registry_core::diagnostic::Note;
use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;

use super::kind::is_supported;
use crate::catalog::{Catalog, VersionListing};
use crate::spec::Spec;
use crate::workspace::Workspace;

/// Maximum number of concurrent requests.
const AT_ONCE: usize = 8;

/// A version of a package.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub version: String,
    /// Absent if it cannot be read
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether packages of its type can be loaded
    pub supported: bool,
    /// Whether it is a pre-release
    pub prerelease: bool,
    /// Why its publisher deprecated it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    pub sources: Vec<String>,
    /// SHA-256 of the content
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Whether it is in the cache
    pub cached: bool,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub name: String,
    pub versions: Vec<Row>,
}

/// Versions of a package with their metadata.
#[derive(Debug)]
pub struct Found {
    /// Where each version is available, and which sources failed.
    pub listing: VersionListing,
    /// Metadata of the versions that can be read.
    pub specs: BTreeMap<semver::Version, Spec>,
    /// Why other versions cannot be read, and failures of single sources.
    pub warnings: Vec<Note>,
}

/// Finds the versions of a package.
pub async fn find(catalog: &Catalog, name: &str) -> Found {
    let listing = catalog.versions(name).await;
    let versions: Vec<semver::Version> = listing.versions.keys().cloned().collect();
    let requests = stream::iter(versions).map(|version| {
        let listing = &listing;
        async move {
            let resolved = catalog.resolved(listing, &version, None).await;
            (version, resolved)
        }
    });
    let mut specs = BTreeMap::new();
    let mut warnings = Vec::new();
    for (version, spec) in requests.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match spec {
            Ok(resolved) => {
                warnings.extend(resolved.warnings);
                specs.insert(version, resolved.spec);
            }
            Err(error) => warnings.push(Note::of(&error)),
        }
    }
    Found {
        listing,
        specs,
        warnings,
    }
}

/// Lists the versions of a package, the newest first.
#[must_use]
pub fn list(workspace: &Workspace, found: &Found) -> Listed {
    let name = &found.listing.name;
    let sources = workspace.catalog.sources();
    let versions = found.listing.versions.iter().rev();
    let versions = versions.map(|(version, places)| {
        let spec = found.specs.get(version);
        let kind = spec.map(|spec| spec.manifest.kind.name().to_owned());
        let digest = spec.and_then(|spec| spec.release.content.digest);
        let places = places.iter().map(|index| sources[*index].id().to_owned());
        Row {
            version: version.to_string(),
            supported: kind.as_deref().is_some_and(is_supported),
            cached: kind
                .as_deref()
                .is_some_and(|kind| workspace.has(kind, name, version)),
            kind,
            prerelease: !version.pre.is_empty(),
            deprecated: spec.and_then(|spec| spec.manifest.deprecated.clone()),
            sources: places.collect(),
            digest: digest.map(|digest| digest.to_string()),
            published: spec.and_then(|spec| spec.release.published.clone()),
        }
    });
    Listed {
        versions: versions.collect(),
        name: name.clone(),
    }
}
