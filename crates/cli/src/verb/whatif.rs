//! The command `whatif`, which previews the effect of a change on workflows.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::inventory::names;
use extension_registry_query::resolve::Outcome;
use extension_registry_query::whatif::{Affected, Effect, Preview};
use extension_registry_query::{BASE, Note};

use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format, View};
use crate::open::{self, logged};
use crate::output::{self, Colour, Terminal};
use crate::report::human::print_findings;

#[derive(Debug, Args)]
pub(crate) struct Whatif {
    /// File or directory of records that would be applied, or `-` for standard input
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    change: Vec<PathBuf>,
    /// Record that would be deleted: NAME, or NAMESPACE/NAME for a record in a project
    #[arg(long, value_name = "NAME")]
    delete: Vec<String>,
    /// File or directory with the current records and workflows; if omitted, they are read from the cluster
    #[arg(long, value_name = "PATH")]
    base: Vec<PathBuf>,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    view: View,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Whatif, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    if verb.change.is_empty() && verb.delete.is_empty() {
        let failure = Failure::new("no changes specified");
        bail!(failure.hint("pass -f RECORD.yaml or --delete NAME"));
    }
    let settings = verb.view.settings(&verb.cluster.identity);
    let inventory = open::base(&verb.base, &verb.cluster, settings)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let is_empty = inventory.workflows.is_empty();
    if is_empty {
        output::note(&no_workflow(&verb.base))?;
    }
    let mut preview = Preview::new(inventory);
    for name in &verb.delete {
        preview.delete(name)?;
    }
    if !verb.change.is_empty() {
        let input = open::input(&verb.change, "whatif");
        let change = logged(|log| Ok(preview.read(&input, log)?))?;
        if print_findings(&change.findings)? {
            return Ok(ExitStatus::Failure);
        }
        if let Some(note) = preview.apply(&change)? {
            output::note(&note)?;
        }
    }
    let answer = preview.affected();
    let code = match answer.worst() {
        // An unreadable object may be affected.
        _ if is_wrong => ExitStatus::Failure,
        Some(Effect::Stops) => ExitStatus::Error,
        Some(_) => ExitStatus::Affected,
        None => ExitStatus::Success,
    };
    match verb.output {
        Format::Json => output::json(out, &answer)?,
        Format::Yaml => output::yaml(out, &answer)?,
        Format::Name => {
            let mut names: Vec<String> = answer
                .affected
                .iter()
                .map(|one| format!("{}/{}", one.namespace, one.workflow))
                .collect();
            names.dedup();
            for name in names {
                output::write_line!(out, "{name}")?;
            }
        }
        Format::Table | Format::Wide => write_table(&answer.affected, is_empty, terminal, out)?,
    }
    Ok(code)
}

/// Returns a note that no workflows were read: then the result has no meaning.
fn no_workflow(base: &[PathBuf]) -> Note {
    if base.is_empty() {
        return Note::new("no workflows found in the cluster");
    }
    let note = Note::new(format!("no workflows found in {}", names(base)));
    note.hint(format!("repeat {BASE} to add files"))
}

fn write_table(
    affected: &[Affected],
    is_empty: bool,
    terminal: Terminal,
    out: &mut Vec<u8>,
) -> Result<()> {
    if is_empty {
        output::write_line!(out, "no workflows to check")?;
        return Ok(());
    }
    if affected.is_empty() {
        output::write_line!(out, "no workflows affected")?;
        return Ok(());
    }
    let short = |outcome: &Outcome| match outcome {
        Outcome::Bound {
            record,
            service,
            endpoint,
            credentials,
            ..
        } => {
            let mut text = format!("{record}/{service}");
            for part in [endpoint, credentials].into_iter().flatten() {
                text.push_str(", ");
                text.push_str(part);
            }
            text
        }
        Outcome::Refused { reason, .. } => reason.clone(),
    };
    let rows = affected.iter().map(|one| {
        vec![
            one.namespace.clone(),
            one.workflow.clone(),
            one.step.clone(),
            one.requirement.clone(),
            match one.effect {
                Effect::Stops => "stops",
                Effect::Changes => "changes",
                Effect::Starts => "starts",
                Effect::OtherRefusal => "other refusal",
            }
            .to_owned(),
            short(&one.before),
            short(&one.after),
        ]
    });
    let header = [
        "NAMESPACE",
        "WORKFLOW",
        "STEP",
        "REQUIREMENT",
        "EFFECT",
        "BEFORE",
        "AFTER",
    ];
    output::table(out, &header, rows)?;
    for one in affected {
        if let (Effect::Stops, Outcome::Refused { message, hint, .. }) = (one.effect, &one.after) {
            let stops = terminal.paint(Colour::Red, "stops resolving");
            output::write_line!(out)?;
            output::write_line!(
                out,
                "{}/{}, step `{}` {stops}: {message}",
                one.namespace,
                one.workflow,
                one.step
            )?;
            output::hint(out, hint)?;
        }
    }
    Ok(())
}
