//! `package load`: a package, verified and unpacked; from this machine where it has it.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::manifest::Packaging;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::packages::{Chosen, OnPlatform, Session, Sources, unchecked};
use crate::{FINE, output};

#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    chosen: Chosen,
    /// Fetch it again, and verify it, whatever the cache has
    #[arg(long)]
    force: bool,
    /// Say each step that was taken
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    platform: OnPlatform,
    #[command(flatten)]
    sources: Sources,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A package on this machine.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Loaded {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    /// SHA-256 of the content
    digest: String,
    /// Names of the keys that vouch for it
    signed_by: Vec<String>,
    /// Where it is, unpacked
    folder: String,
    /// Its templates, as files
    templates: Vec<String>,
    /// The steps that were taken
    steps: Vec<String>,
    warnings: Vec<String>,
}

pub(crate) fn run(verb: &Load, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    let mut delivery = session.delivered(&verb.chosen, &verb.platform, verb.force)?;
    let unchecked = unchecked(std::slice::from_ref(&delivery), OnPlatform::HINT);
    delivery.warnings.extend(unchecked);
    output::warn(&delivery.warnings)?;
    let data = loaded(&session, &delivery)?;
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => writeln!(out, "{}", data.folder)?,
        Format::Table | Format::Wide => {
            if verb.explain {
                for step in &data.steps {
                    writeln!(out, "{step}")?;
                }
                writeln!(out)?;
            }
            writeln!(out, "{} {} is in {}", data.name, data.version, data.folder)?;
            for template in &data.templates {
                writeln!(
                    out,
                    "  kubectl ext register NAME --from-template {template}"
                )?;
            }
        }
    }
    Ok(FINE)
}

fn loaded(session: &Session, delivery: &Delivery) -> Result<Loaded> {
    let entry = &delivery.entry;
    let (folder, templates) = if delivery.manifest.packaging == Packaging::Bundle {
        let folder = session.cache.unpacked(entry, Limits::default())?;
        let files = delivery.manifest.templates.iter();
        let templates = files.map(|template| folder.join(&template.file).display().to_string());
        let templates = templates.collect();
        (folder, templates)
    } else {
        let is_template = delivery.manifest.packaging == Packaging::Template;
        let content = entry.content_path().display().to_string();
        let templates = is_template.then_some(content);
        (entry.folder().to_owned(), templates.into_iter().collect())
    };
    Ok(Loaded {
        name: entry.name.clone(),
        version: entry.version.to_string(),
        kind: entry.kind.name().to_owned(),
        source: entry.repository.clone(),
        digest: entry.content.digest.to_string(),
        signed_by: delivery.verdict.by().to_vec(),
        folder: folder.display().to_string(),
        templates,
        steps: delivery.steps.iter().map(ToString::to_string).collect(),
        warnings: delivery.warnings.clone(),
    })
}
