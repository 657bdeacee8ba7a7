//! The command `whatif`, which previews the effect of a change on workflows.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;
use extension_registry_core::record::RecordKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Cluster, Format, Source, View};
use crate::inventory::base::BASE;
use crate::inventory::files::names;
use crate::inventory::{Inventory, ReadOptions};
use crate::output::{self, Colour, Terminal};
use crate::report::human::print_findings;
use crate::verb::resolve::{Answer, Outcome, answers, suggestion};

#[derive(Debug, Args)]
pub(crate) struct Whatif {
    /// File or folder of records that would be applied, or `-` for standard input
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    change: Vec<PathBuf>,
    /// Record that would be deleted: NAME, or NAMESPACE/NAME for a record in a project
    #[arg(long, value_name = "NAME")]
    delete: Vec<String>,
    /// File or folder with the current records and workflows; if omitted, they are read from the cluster
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

/// Effect on a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
enum Effect {
    /// It no longer resolves.
    Stops,
    /// It resolves to another service.
    Changes,
    /// It starts to resolve.
    Starts,
    /// It still does not resolve, for another reason.
    OtherRefusal,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Affected {
    namespace: String,
    workflow: String,
    step: String,
    requirement: String,
    effect: Effect,
    before: Outcome,
    after: Outcome,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Answered {
    affected: Vec<Affected>,
}

pub(crate) fn run(verb: &Whatif, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    ensure!(
        !(verb.change.is_empty() && verb.delete.is_empty()),
        "no change given; hint: pass -f RECORD.yaml or --delete NAME"
    );
    let source = Source {
        files: verb.base.clone(),
        flag: BASE,
        cluster: verb.cluster.clone(),
        view: verb.view.clone(),
        ..Source::default()
    };
    let mut inventory = Inventory::read(&source, ReadOptions::ALL_NAMESPACES)?;
    let is_wrong = print_findings(&inventory.findings)?;
    let is_empty = inventory.workflows.is_empty();
    if is_empty {
        no_workflow(&verb.base)?;
    }
    let before = all(&inventory);
    if !change(&mut inventory, verb)? {
        return Ok(ExitStatus::Failure);
    }
    let affected = compare(before, all(&inventory));
    let code = match affected.iter().map(|one| one.effect).min() {
        // An unreadable object may be affected.
        _ if is_wrong => ExitStatus::Failure,
        Some(Effect::Stops) => ExitStatus::Error,
        Some(_) => ExitStatus::Affected,
        None => ExitStatus::Success,
    };
    match verb.output {
        Format::Json => output::json(out, &Answered { affected })?,
        Format::Yaml => output::yaml(out, &Answered { affected })?,
        Format::Name => {
            let mut names: Vec<String> = affected
                .iter()
                .map(|one| format!("{}/{}", one.namespace, one.workflow))
                .collect();
            names.dedup();
            for name in names {
                writeln!(out, "{name}")?;
            }
        }
        Format::Table | Format::Wide => write_table(&affected, is_empty, terminal, out)?,
    }
    Ok(code)
}

type Key = (String, String, String, String);

fn all(inventory: &Inventory) -> BTreeMap<Key, Outcome> {
    inventory
        .workflows
        .iter()
        .flat_map(|entry| answers(&inventory.resolved(entry)).collect::<Vec<_>>())
        .map(
            |Answer {
                 namespace,
                 workflow,
                 step,
                 requirement,
                 outcome,
             }| ((namespace, workflow, step, requirement), outcome),
        )
        .collect()
}

/// Applies the change to the inventory. Returns false if it is invalid.
fn change(inventory: &mut Inventory, verb: &Whatif) -> Result<bool> {
    for name in &verb.delete {
        let key = match name.split_once('/') {
            Some((namespace, name)) => RecordKey::project(namespace, name),
            None => RecordKey::cluster(name.as_str()),
        };
        let known = inventory.records.iter().any(|entry| entry.key == key);
        let names = inventory.records.iter().map(|entry| &*entry.key.name);
        ensure!(known, "{key} not found{}", suggestion(name, names));
        inventory.index.remove(&key);
    }
    if verb.change.is_empty() {
        return Ok(true);
    }
    let changed = inventory.read_change(&verb.change)?;
    if print_findings(&changed.findings)? {
        return Ok(false);
    }
    ensure!(
        !changed.records.is_empty(),
        "the change contains no records"
    );
    if !changed.workflows.is_empty() {
        output::note("workflows in the change are ignored; only its records are applied")?;
    }
    for record in changed.index.records() {
        inventory.index.insert(Arc::clone(record));
    }
    Ok(true)
}

fn compare(before: BTreeMap<Key, Outcome>, mut after: BTreeMap<Key, Outcome>) -> Vec<Affected> {
    let mut affected = Vec::new();
    for (key, before) in before {
        let Some(after) = after.remove(&key) else {
            continue;
        };
        let effect = match (&before, &after) {
            (before, after) if before == after => continue,
            (Outcome::Bound { .. }, Outcome::Bound { .. }) => Effect::Changes,
            (Outcome::Bound { .. }, Outcome::Refused { .. }) => Effect::Stops,
            (Outcome::Refused { .. }, Outcome::Bound { .. }) => Effect::Starts,
            (Outcome::Refused { reason, .. }, Outcome::Refused { reason: other, .. }) => {
                if reason == other {
                    continue;
                }
                Effect::OtherRefusal
            }
        };
        let (namespace, workflow, step, requirement) = key;
        affected.push(Affected {
            namespace,
            workflow,
            step,
            requirement,
            effect,
            before,
            after,
        });
    }
    affected
}

/// Warns if no workflows were read: then the result has no meaning.
fn no_workflow(base: &[PathBuf]) -> Result<()> {
    if base.is_empty() {
        output::note("no workflows found in the cluster")?;
    } else {
        output::note(&format!(
            "no workflows found in {}; hint: repeat {BASE} to add files",
            names(base)
        ))?;
    }
    Ok(())
}

fn write_table(
    affected: &[Affected],
    is_empty: bool,
    terminal: Terminal,
    out: &mut Vec<u8>,
) -> Result<()> {
    if is_empty {
        writeln!(out, "no workflows to check")?;
        return Ok(());
    }
    if affected.is_empty() {
        writeln!(out, "no workflows affected")?;
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
            let stops = terminal.paint(Colour::Red, "stops");
            writeln!(
                out,
                "\n{}/{}, step `{}` {stops}: {message}",
                one.namespace, one.workflow, one.step
            )?;
            output::hint(out, hint)?;
        }
    }
    Ok(())
}
