//! The verb `package info`.

use anyhow::Result;
use clap::Args;
use extension_registry_packages::answer::info::{Described, Needed, describe, judge};
use extension_registry_packages::answer::type_for_people;
use extension_registry_packages::manifest::Packaging;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, Sources};
use crate::output;
use crate::packages::Session;
use crate::report::hints;

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

pub(crate) fn run(verb: &Info, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let data = session.query(async {
        let resolved = session.find(&verb.chosen).await?;
        let verdict = judge(&session.workspace, &resolved).await?;
        Ok(describe(&session.workspace, &resolved, verdict.as_ref()))
    })?;
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => output::write_line!(out, "{}", data.name)?,
        Format::Table | Format::Wide => text(out, &data)?,
    }
    Ok(ExitStatus::Success)
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
        hints::write(reason, out, "  ")?;
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
