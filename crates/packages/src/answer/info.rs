//! The question what a version of a package is, and whether it is trusted.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_core::diagnostic::Explanation;
use schemars::JsonSchema;
use serde::Serialize;

use super::kind::is_supported;
use crate::catalog::ResolvedVersion;
use crate::manifest::Manifest;
use crate::repository::Error;
use crate::signature::Statement;
use crate::trust::{Evidence, Verdict};
use crate::workspace::Workspace;

/// Metadata of a package; the same fields for every kind of source.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    pub name: String,
    pub version: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether packages of this type can be loaded
    pub supported: bool,
    pub packaging: String,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    pub keywords: Vec<String>,
    pub source: String,
    /// Kind of the source: `oci`, `gitea`, `maven`, `folder`
    pub source_kind: &'static str,
    /// Location in the source
    pub locator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// SHA-256 of the content
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the manifest as JSON
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Whether it has a document: `package docs`
    pub has_document: bool,
    pub dependencies: Vec<Needed>,
    pub requires: Vec<Needed>,
    pub provides: Vec<Provided>,
    pub templates: Vec<String>,
    pub parameters: Vec<Parameter>,
    /// `trusted`, `tolerated` or `refused`; `unknown` if the content must be downloaded first
    pub trust: &'static str,
    /// Names of the trusted keys that signed it
    pub signed_by: Vec<String>,
    /// Why it is not trusted
    #[schemars(with = "Vec<String>")]
    pub reasons: Vec<Explanation>,
    /// Whether it is in the cache
    pub cached: bool,
}

#[derive(JsonSchema, Serialize)]
pub struct Needed {
    pub name: String,
    pub version: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

#[derive(JsonSchema, Serialize)]
pub struct Provided {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

#[derive(JsonSchema, Serialize)]
pub struct Parameter {
    pub name: String,
    pub description: String,
    pub secret: bool,
    pub optional: bool,
}

/// Evaluates the trust policy on the metadata. None if the source does not report the digest of the content.
///
/// # Errors
/// Returns an error if the signatures cannot be read.
pub async fn judge(
    workspace: &Workspace,
    resolved: &ResolvedVersion<'_>,
) -> Result<Option<Verdict>, Error> {
    let (spec, release) = (&resolved.spec, &resolved.spec.release);
    let Some(content) = release.content.digest else {
        return Ok(None);
    };
    let signatures = resolved.source.signatures(release).await?;
    let statement = Statement::of(
        &spec.manifest,
        content,
        spec.configuration(),
        spec.document(),
    );
    Ok(Some(
        workspace.policy.judge(&Evidence {
            repository: resolved.source.id(),
            statement: &statement,
            manifest: release
                .manifest
                .as_ref()
                .map(|around| around.evidence(&statement)),
            signatures: &signatures,
            now: workspace.clock.now(),
        }),
    ))
}

/// Describes a version. Without a verdict, its trust is unknown.
#[must_use]
pub fn describe(
    workspace: &Workspace,
    resolved: &ResolvedVersion<'_>,
    verdict: Option<&Verdict>,
) -> Described {
    let reasons = verdict.map_or(&[][..], Verdict::reasons);
    let (spec, release) = (&resolved.spec, &resolved.spec.release);
    let Manifest {
        name,
        version,
        kind,
        packaging,
        description,
        author,
        keywords,
        deprecated,
        requires,
        dependencies,
        provides,
        parameters,
        templates,
        metadata,
        ..
    } = spec.manifest.clone();
    let trust = verdict.map_or("unknown", Verdict::name);
    Described {
        cached: workspace.has(kind.name(), &name, &version),
        name,
        version: version.to_string(),
        supported: is_supported(kind.name()),
        kind: kind.name().to_owned(),
        packaging: packaging.name().to_owned(),
        description,
        author,
        license: metadata.license,
        homepage: metadata.homepage,
        deprecated,
        keywords,
        source: spec.repository.clone(),
        source_kind: spec.repository_kind.name(),
        locator: release.locator.clone(),
        published: release.published.clone(),
        content: release.content.digest.map(|digest| digest.to_string()),
        size: release.content.size,
        configuration: spec.configuration().map(|digest| digest.to_string()),
        has_document: release.document.is_some(),
        dependencies: dependencies
            .into_iter()
            .map(|one| Needed {
                name: one.name,
                version: one.range.to_string(),
                optional: one.optional,
            })
            .collect(),
        requires: requires
            .into_iter()
            .map(|one| Needed {
                name: one.name,
                version: one.range.to_string(),
                optional: false,
            })
            .collect(),
        provides: provides
            .into_iter()
            .map(|one| Provided {
                product: one.product,
                resource: one.resource,
                category: one.category,
            })
            .collect(),
        templates: templates.into_iter().map(|one| one.name).collect(),
        parameters: parameters
            .into_iter()
            .map(|(name, one)| Parameter {
                name,
                description: one.description,
                secret: one.secret,
                optional: one.optional,
            })
            .collect(),
        trust,
        signed_by: verdict.map_or(&[][..], Verdict::by).to_vec(),
        reasons: reasons.iter().map(Explanation::of).collect(),
    }
}
