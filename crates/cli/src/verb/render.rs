//! The command `render`, which prints the objects that the operator would write.

use anyhow::Result;
use clap::Args;
use extension_registry_query::Note;
use extension_registry_query::render::{Rendered, render};
use serde_json::Value;

use crate::exit::ExitStatus;
use crate::flags::{Files, ObjectFormat};
use crate::report::human::print_findings;
use crate::{open, output};

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    files: Files,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
    /// Print the values of Secrets
    #[arg(long)]
    reveal: bool,
}

pub(crate) fn run(verb: &Render, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = open::files(&verb.files, "render")?;
    if inventory.has_no_consumers() && inventory.findings.is_empty() {
        output::note(&Note::new(
            "no workflows or bindings found, nothing to render",
        ))?;
    }
    let Rendered {
        pipelines,
        secrets,
        findings,
    } = render(&inventory, verb.reveal)?;
    let objects: Vec<Value> = pipelines.into_iter().chain(secrets).collect();
    output::objects(out, verb.output, &objects)?;
    Ok(ExitStatus::failure_if(print_findings(&findings)?))
}
