//! The command `explain`, which shows why each candidate matched or was rejected.

use anyhow::Result;
use clap::Args;
use extension_registry_query::explain::{Explanation, explain};
use extension_registry_query::resolve::Outcome;

use crate::exit::ExitStatus;
use crate::flags::{Format, Source};
use crate::output::{Colour, Terminal};
use crate::report::human::print_findings;
use crate::{open, output};

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Binding, or workflow, optionally with a step and a requirement
    #[arg(value_name = "BINDING|WORKFLOW[/STEP[/REQUIREMENT]]")]
    path: String,
    #[command(flatten)]
    source: Source,
    /// Show all candidates, not only the closest
    #[arg(long)]
    all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Explain, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = open::drafts(&verb.source, "explain NAME")?;
    let is_wrong = print_findings(&inventory.findings)?;
    let data = explain(&inventory, &verb.path, verb.all)?;
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for candidate in data.requirements.iter().flat_map(|one| &one.candidates) {
                output::write_line!(out, "{}/{}", candidate.record, candidate.service)?;
            }
        }
        Format::Table | Format::Wide => {
            for (position, explanation) in data.requirements.iter().enumerate() {
                if position > 0 {
                    output::write_line!(out)?;
                }
                write_table(explanation, terminal, out)?;
            }
        }
    }
    Ok(ExitStatus::failure_if(is_wrong || !data.are_fine()))
}

fn write_table(explanation: &Explanation, terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
    let Explanation {
        answer,
        superseded,
        candidates,
        omitted,
    } = explanation;
    let consumer = answer.consumer.requirement_text(&answer.namespace);
    output::write_line!(out, "{consumer}")?;
    match &answer.outcome {
        Outcome::Bound {
            kind,
            record,
            service,
            endpoint,
            credentials,
            ..
        } => {
            let bound = terminal.paint(Colour::Green, "bound");
            let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
            output::write_line!(
                out,
                "{bound} to {kind} `{record}`, service `{service}`, endpoint {}, credentials {}",
                or_none(endpoint),
                or_none(credentials)
            )?;
        }
        Outcome::Refused {
            reason,
            message,
            hint,
        } => {
            output::write_line!(out, "{}: {message}", terminal.paint(Colour::Red, reason))?;
            output::hint(out, hint)?;
        }
    }
    if let Some(superseded) = superseded {
        let kept = terminal.paint(Colour::Yellow, "superseded");
        output::write_line!(out, "{kept}: {superseded}")?;
        let hint = format!(
            "to move the binding, run `kubectl ext rebind {}`",
            answer.consumer.object().name()
        );
        output::hint(out, &hint)?;
    }
    if !candidates.is_empty() {
        output::write_line!(out)?;
        let rows = candidates.iter().map(|candidate| {
            vec![
                candidate.kind.to_owned(),
                candidate.record.clone(),
                candidate.service.clone(),
                candidate.why.clone(),
            ]
        });
        output::table(out, &["KIND", "RECORD", "SERVICE", "VERDICT"], rows)?;
    }
    if *omitted > 0 {
        output::write_line!(
            out,
            "omitted {} with more mismatches; pass --all to show all candidates",
            output::count(*omitted, "candidate")
        )?;
    }
    Ok(())
}
