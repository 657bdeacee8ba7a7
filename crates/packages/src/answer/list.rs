//! The question which packages exist.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_core::diagnostic::Explain;
use schemars::JsonSchema;
use serde::Serialize;

use super::kind::is_supported;
use crate::catalog::{Discovery, PackageSummary};
use crate::workspace::Workspace;

/// Selection of packages. A field that is not set selects all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Type of the package.
    pub kind: Option<String>,
    /// License of the package.
    pub license: Option<String>,
}

/// A package in a source.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub name: String,
    /// `record`, `provider`, `taskserv`, `cluster`, or an unsupported type
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether packages of this type can be loaded
    pub supported: bool,
    /// Latest stable version, or latest pre-release if no stable version exists
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    pub versions: Vec<String>,
    pub source: String,
    /// `cached` if the newest version is in the cache, else `remote`
    pub status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

/// How the packages of a source were discovered.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceRow {
    pub source: String,
    /// `search`, `index`, `catalog` or `named`; absent if the query failed
    #[serde(rename = "way", skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
    pub packages: usize,
    /// Why the query failed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    pub packages: Vec<Row>,
    pub sources: Vec<SourceRow>,
    /// Warnings about packages that cannot be read
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Lists the packages of a discovery.
#[must_use]
pub fn list(workspace: &Workspace, discovery: Discovery, filter: &Filter) -> Listing {
    let matches = |filter: &Option<String>, value: Option<&str>| {
        filter.is_none() || filter.as_deref() == value
    };
    let sources = discovery.reports.into_iter().map(|report| SourceRow {
        source: report.repository,
        method: Some(report.method.name()),
        packages: report.packages,
        failure: None,
    });
    let failed = discovery.failures.into_iter().map(|failure| SourceRow {
        failure: Some(failure.explained()),
        source: failure.repository,
        method: None,
        packages: 0,
    });
    let packages = discovery.packages.into_iter();
    let packages = packages
        .filter(|listed| matches(&filter.kind, Some(&listed.kind)))
        .filter(|listed| matches(&filter.license, listed.license.as_deref()))
        .map(|listed| row(workspace, listed));
    Listing {
        packages: packages.collect(),
        sources: sources.chain(failed).collect(),
        warnings: discovery.warnings.iter().map(Explain::explained).collect(),
    }
}

fn row(workspace: &Workspace, listed: PackageSummary) -> Row {
    let newest = listed.newest();
    let is_cached =
        newest.is_some_and(|version| workspace.has(&listed.kind, &listed.name, version));
    Row {
        newest: newest.map(ToString::to_string),
        status: if is_cached { "cached" } else { "remote" },
        versions: listed.versions.iter().map(ToString::to_string).collect(),
        name: listed.name,
        supported: is_supported(&listed.kind),
        kind: listed.kind,
        source: listed.repository,
        description: listed.description,
        keywords: listed.keywords,
        license: listed.license,
    }
}
