//! The command `describe`, which prints a record without its values.

use anyhow::Result;
use clap::Args;
use extension_registry_query::Scope;
use extension_registry_query::describe::{Description, describe};

use crate::consumer::tables;
use crate::exit::ExitStatus;
use crate::flags::{Format, Source};
use crate::report::human::print_findings;
use crate::{open, output};

#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Record: NAME, or NAMESPACE/NAME for a record in a project
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    source: Source,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Describe, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = open::inventory(&verb.source, "describe NAME", Scope::ALL_NAMESPACES)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let description = describe(&inventory, &verb.name)?;
    match verb.output {
        Format::Json => output::json(out, &description)?,
        Format::Yaml => output::yaml(out, &description)?,
        Format::Name => output::write_line!(out, "{}", description.name)?,
        Format::Table | Format::Wide => write_table(&description, out)?,
    }
    Ok(ExitStatus::failure_if(is_wrong))
}

fn write_table(description: &Description, out: &mut Vec<u8>) -> Result<()> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let namespace = description
        .namespace
        .as_ref()
        .map(|namespace| format!("{namespace}/"))
        .unwrap_or_default();
    output::write_line!(out, "{} {namespace}{}", description.kind, description.name)?;
    output::write_line!(out, "Product:  {}", or_dash(&description.product))?;
    output::write_line!(out, "Version:  {}", or_dash(&description.version))?;
    output::write_line!(out, "Zone:     {}", or_dash(&description.zone))?;
    output::write_line!(out, "Default:  {}", description.default)?;
    list(out, "Keys:    ", &description.configuration)?;
    for service in &description.services {
        output::write_line!(out)?;
        output::write_line!(
            out,
            "Service {} (resource {}, category {})",
            service.name,
            or_dash(&service.resource),
            or_dash(&service.category)
        )?;
        list(out, "  Keys: ", &service.configuration)?;
        for endpoint in &service.endpoints {
            let url = endpoint.url.as_deref().unwrap_or("-");
            output::write_line!(
                out,
                "  Endpoint {}: {}, {url}",
                endpoint.name,
                endpoint.kind
            )?;
            list(out, "    Keys: ", &endpoint.configuration)?;
        }
        for set in &service.credentials {
            let default = if set.default { ", default" } else { "" };
            output::write_line!(out, "  Credentials {}: {}{default}", set.name, set.scope)?;
            for (what, names) in [("Projects", &set.projects), ("Users", &set.users)] {
                if let Some(names) = names {
                    output::write_line!(out, "    {what}: {}", names.join(", "))?;
                }
            }
            list(out, "    Keys: ", &set.keys)?;
        }
    }
    if !description.consumers.is_empty() {
        output::write_line!(out)?;
        let rows = description.consumers.iter().map(|one| {
            let cells = vec![one.service.clone()];
            (&*one.namespace, &one.consumer, cells)
        });
        tables(out, &["SERVICE"], rows)?;
    }
    Ok(())
}

fn list(out: &mut Vec<u8>, title: &str, names: &[String]) -> Result<()> {
    if !names.is_empty() {
        output::write_line!(out, "{title} {}", names.join(", "))?;
    }
    Ok(())
}
