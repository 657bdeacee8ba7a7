//! The verb `package load`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Explain;
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::manifest::Packaging;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, PlatformArgs, Sources};
use crate::output;
use crate::packages::{Session, unchecked};
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    chosen: Chosen,
    /// Download and verify it again, ignoring the cache
    #[arg(long)]
    force: bool,
    /// Show each step, and why the source was chosen
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A loaded package.
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
    /// Names of the trusted keys that signed it
    signed_by: Vec<String>,
    /// Directory of the unpacked content
    folder: String,
    /// Files of its templates
    templates: Vec<String>,
    /// Steps of the delivery
    steps: Vec<String>,
    warnings: Vec<String>,
}

pub(crate) fn run(verb: &Load, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let mut delivery = session.delivered(&verb.chosen, &verb.platform, verb.force)?;
    let unchecked = unchecked(std::slice::from_ref(&delivery), PlatformArgs::HINT);
    delivery.warnings.extend(unchecked);
    print_warnings(&delivery.warnings)?;
    let data = loaded(&session, &delivery, verb.explain)?;
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => output::write_line!(out, "{}", data.folder)?,
        Format::Table | Format::Wide => {
            if verb.explain {
                for step in &data.steps {
                    output::write_line!(out, "{step}")?;
                }
                output::write_line!(out)?;
            }
            output::write_line!(
                out,
                "{} {} loaded to {}",
                data.name,
                data.version,
                data.folder
            )?;
            for template in &data.templates {
                output::write_line!(
                    out,
                    "  kubectl ext register NAME --from-template {template}"
                )?;
            }
        }
    }
    Ok(ExitStatus::Success)
}

fn loaded(session: &Session, delivery: &Delivery, with_reasons: bool) -> Result<Loaded> {
    let entry = &delivery.entry;
    let (folder, templates) = if delivery.manifest.packaging == Packaging::Bundle {
        let folder = session.workspace.cache.unpacked(entry, Limits::default())?;
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
        steps: session.steps(delivery, with_reasons)?,
        warnings: delivery.warnings.iter().map(Explain::explained).collect(),
    })
}
