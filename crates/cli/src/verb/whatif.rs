//! The command `whatif`, which previews the effect of a change on workflows and bindings.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use extension_registry_core::diagnostic::Failure;
use extension_registry_query::inventory::names;
use extension_registry_query::resolve::Outcome;
use extension_registry_query::whatif::{Affected, Effect, Preview};
use extension_registry_query::{BASE, Note};

use crate::consumer::tables;
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
    /// File or directory with the current records, workflows and bindings; if omitted, they are read from the cluster
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
    let is_empty = inventory.has_no_consumers();
    if is_empty {
        output::note(&no_consumer(&verb.base))?;
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
                .map(|one| format!("{}/{}", one.namespace, one.consumer.object().name()))
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

/// Returns a note that no workflows or bindings were read: then the result has no meaning.
fn no_consumer(base: &[PathBuf]) -> Note {
    if base.is_empty() {
        return Note::new("no workflows or bindings found in the cluster");
    }
    let note = Note::new(format!("no workflows or bindings found in {}", names(base)));
    note.hint(format!("repeat {BASE} to add files"))
}

fn write_table(
    affected: &[Affected],
    is_empty: bool,
    terminal: Terminal,
    out: &mut Vec<u8>,
) -> Result<()> {
    if is_empty {
        output::write_line!(out, "no workflows or bindings to check")?;
        return Ok(());
    }
    if affected.is_empty() {
        output::write_line!(out, "no workflows or bindings affected")?;
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
        let effect = match one.effect {
            Effect::Stops => "stops",
            Effect::Changes => "changes",
            Effect::Starts => "starts",
            Effect::OtherRefusal => "other refusal",
        };
        let cells = vec![effect.to_owned(), short(&one.before), short(&one.after)];
        (&*one.namespace, &one.consumer, cells)
    });
    tables(out, &["EFFECT", "BEFORE", "AFTER"], rows)?;
    for one in affected {
        if let (Effect::Stops, Outcome::Refused { message, hint, .. }) = (one.effect, &one.after) {
            let stops = terminal.paint(Colour::Red, "stops resolving");
            output::write_line!(out)?;
            output::write_line!(
                out,
                "{} {stops}: {message}",
                one.consumer.text(&one.namespace)
            )?;
            output::hint(out, hint)?;
        }
    }
    Ok(())
}
