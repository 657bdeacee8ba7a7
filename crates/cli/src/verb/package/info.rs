//! The verb `package info`.

use anyhow::Result;
use clap::Args;
use extension_registry_packages::catalog::ResolvedVersion;
use extension_registry_packages::manifest::{Manifest, Packaging};
use extension_registry_packages::signature::Statement;
use extension_registry_packages::trust::{Evidence, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::{Session, is_supported, type_for_people};
use crate::report::hints::Explanation;

#[derive(Debug, Args)]
pub(crate) struct Info {
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Metadata of a package; the same fields for every kind of source.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    /// Whether packages of this type can be loaded
    supported: bool,
    packaging: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<String>,
    keywords: Vec<String>,
    source: String,
    /// Kind of the source: `oci`, `gitea`, `maven`, `folder`
    source_kind: &'static str,
    /// Location in the source
    locator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    /// SHA-256 of the content
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// SHA-256 of the manifest as JSON
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<String>,
    /// Whether it has a document: `package docs`
    has_document: bool,
    dependencies: Vec<Needed>,
    requires: Vec<Needed>,
    provides: Vec<Provided>,
    templates: Vec<String>,
    parameters: Vec<Parameter>,
    /// `trusted`, `tolerated` or `refused`; `unknown` if the content must be downloaded first
    trust: &'static str,
    /// Names of the trusted keys that signed it
    signed_by: Vec<String>,
    /// Why it is not trusted
    #[schemars(with = "Vec<String>")]
    reasons: Vec<Explanation>,
    /// Whether it is in the cache
    cached: bool,
}

#[derive(JsonSchema, Serialize)]
struct Needed {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
}

#[derive(JsonSchema, Serialize)]
struct Provided {
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
}

#[derive(JsonSchema, Serialize)]
struct Parameter {
    name: String,
    description: String,
    secret: bool,
    optional: bool,
}

impl Answer for Described {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        text(out, self)
    }
}

pub(crate) fn run(verb: &Info, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let data = session.query(async {
        let resolved = session.find(&verb.chosen).await?;
        let verdict = judge(&session, &resolved).await?;
        Ok(described(&session, &resolved, verdict.as_ref()))
    })?;
    output::answer(out, verb.output, &data)?;
    Ok(ExitStatus::Success)
}

/// Evaluates the trust policy on the metadata. None if the source does not report the digest of the content.
pub(super) async fn judge(
    session: &Session,
    resolved: &ResolvedVersion<'_>,
) -> Result<Option<Verdict>> {
    let (spec, release) = (&resolved.spec, &resolved.spec.release);
    let Some(content) = release.content.digest else {
        return Ok(None);
    };
    let signatures = resolved.source.repository.signatures(release).await?;
    let statement = Statement::of(
        &spec.manifest,
        content,
        spec.configuration(),
        spec.document(),
    );
    Ok(Some(
        session.workspace.policy.judge(&Evidence {
            repository: resolved.source.id(),
            statement: &statement,
            manifest: release
                .manifest
                .as_ref()
                .map(|around| around.evidence(&statement)),
            signatures: &signatures,
            now: session.workspace.clock.now(),
        }),
    ))
}

fn described(
    session: &Session,
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
        cached: session.has(kind.name(), &name, &version),
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

fn text(out: &mut Vec<u8>, data: &Described) -> Result<()> {
    output::write_line!(out, "{} {}", data.name, data.version)?;
    if !data.description.is_empty() {
        output::write_line!(out, "{}", data.description)?;
    }
    output::write_line!(out)?;
    let mut row = |name: &str, value: &str| -> Result<()> {
        if !value.is_empty() {
            output::write_line!(out, "{name:<14} {}", value)?;
        }
        Ok(())
    };
    let list = |needed: &[Needed]| {
        let texts = needed.iter().map(|one| {
            let optional = if one.optional { " (optional)" } else { "" };
            format!("{} {}{optional}", one.name, one.version)
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    row("Type", &type_for_people(&data.kind))?;
    if data.packaging != Packaging::Bundle.name() {
        row("Packaging", &data.packaging)?;
    }
    row("Author", &optional(&data.author))?;
    row("License", &optional(&data.license))?;
    row("Homepage", &optional(&data.homepage))?;
    row("Deprecated", &optional(&data.deprecated))?;
    row("Source", &format!("{} ({})", data.source, data.source_kind))?;
    row("Locator", &data.locator)?;
    row("Published", &optional(&data.published))?;
    row("Content", &optional(&data.content))?;
    row(
        "Size",
        &data
            .size
            .map(|size| format!("{size} bytes"))
            .unwrap_or_default(),
    )?;
    row("Dependencies", &list(&data.dependencies))?;
    row("Requires", &list(&data.requires))?;
    let provides = data.provides.iter().map(|one| {
        let parts = [&one.product, &one.resource, &one.category];
        parts
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join("/")
    });
    row("Provides", &provides.collect::<Vec<_>>().join(", "))?;
    row("Templates", &data.templates.join(", "))?;
    let parameters = data.parameters.iter().map(|one| one.name.as_str());
    row("Parameters", &parameters.collect::<Vec<_>>().join(", "))?;
    let trust = match data.signed_by.as_slice() {
        [] => data.trust.to_owned(),
        keys => format!("{}, signed by {}", data.trust, keys.join(", ")),
    };
    row("Trust", &trust)?;
    row("Cached", if data.cached { "yes" } else { "no" })?;
    for reason in &data.reasons {
        reason.write(out, "  ")?;
    }
    if !data.templates.is_empty() && data.trust != "refused" {
        output::write_line!(out)?;
        output::write_line!(
            out,
            "  kubectl ext register NAME --from-template package:{}",
            data.name
        )?;
    }
    Ok(())
}
