//! The command `resolve`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::refusal::Reason;
use extension_registry_query::resolve::{Answers, Outcome, Problem, resolve};

use crate::consumer::tables;
use crate::exit::ExitStatus;
use crate::flags::{Format, Source};
use crate::output::{Colour, Terminal};
use crate::report::human::print_findings;
use crate::{open, output};

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// Only these workflows and bindings: NAME or NAMESPACE/NAME
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    source: Source,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Resolve, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let inventory = open::drafts(&verb.source, "resolve")?;
    let is_wrong = print_findings(&inventory.findings)?;
    let data = resolve(&inventory, &verb.names)?;
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for answer in &data.answers {
                if let Outcome::Bound {
                    record, service, ..
                } = &answer.outcome
                {
                    output::write_line!(out, "{record}/{service}")?;
                }
            }
        }
        Format::Table => write_table(&data, false, terminal, out)?,
        Format::Wide => write_table(&data, true, terminal, out)?,
    }
    Ok(ExitStatus::failure_if(is_wrong || !data.are_fine()))
}

fn write_table(data: &Answers, is_wide: bool, terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
    let header = [
        "RECORD",
        "SERVICE",
        "ENDPOINT",
        "CREDENTIALS",
        "KIND",
        "VERSION",
    ];
    let columns = if is_wide {
        header.len()
    } else {
        header.len() - 2
    };
    let rows = data.answers.iter().map(|answer| {
        let what = match &answer.outcome {
            Outcome::Bound {
                record,
                service,
                endpoint,
                credentials,
                kind,
                version,
            } => vec![
                record.clone(),
                service.clone(),
                endpoint.clone().unwrap_or_default(),
                credentials.clone().unwrap_or_default(),
                (*kind).to_owned(),
                version.clone().unwrap_or_default(),
            ],
            Outcome::Refused { reason, .. } => vec![reason.clone()],
        };
        let nothing = std::iter::repeat(String::new());
        let cells = what.into_iter().chain(nothing).take(columns).collect();
        (&*answer.namespace, &answer.consumer, cells)
    });
    tables(out, &header[..columns], rows)?;
    for answer in &data.answers {
        if let Outcome::Refused {
            reason,
            message,
            hint,
        } = &answer.outcome
        {
            let reason = terminal.paint(Colour::Red, reason);
            output::write_line!(out)?;
            output::write_line!(
                out,
                "{reason} {}: {message}",
                answer.consumer.text(&answer.namespace)
            )?;
            output::hint(out, hint)?;
        }
    }
    for Problem {
        namespace,
        object,
        message,
        ..
    } in &data.problems
    {
        let what = terminal.paint(Colour::Red, Reason::Invalid.as_str());
        output::write_line!(out)?;
        output::write_line!(out, "{what} {}: {message}", object.text(namespace))?;
    }
    Ok(())
}
