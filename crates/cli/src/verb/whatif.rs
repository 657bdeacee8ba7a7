//! `whatif`: which workflows a change would touch, before it is made.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;
use extension_registry_core::record::RecordKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Cluster, Format, Source, View};
use crate::output::{self, Colour, Terminal};
use crate::report::human::complain;
use crate::verb::resolve::{Answer, Outcome, answers, near};
use crate::world::base::BASE;
use crate::world::files::names;
use crate::world::{Wanted, World};
use crate::{AFFECTED, BROKEN, FINE, WRONG};

#[derive(Debug, Args)]
pub(crate) struct Whatif {
    /// Records that would be applied; a file, a folder, or `-`
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    change: Vec<PathBuf>,
    /// A record that would be deleted: NAME, or NAMESPACE/NAME for a project's own
    #[arg(long, value_name = "NAME")]
    delete: Vec<String>,
    /// What there is, from files; without it, the cluster is asked
    #[arg(long, value_name = "PATH")]
    base: Vec<PathBuf>,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    view: View,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What becomes of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
enum Effect {
    /// It resolves no more.
    Stops,
    /// It resolves to something else.
    Changes,
    /// It resolves at last.
    Starts,
    /// It is refused as before, for another reason.
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

pub(crate) fn run(verb: &Whatif, terminal: Terminal, out: &mut Vec<u8>) -> Result<u8> {
    ensure!(
        !(verb.change.is_empty() && verb.delete.is_empty()),
        "no change; hint: -f RECORD.yaml, or --delete NAME"
    );
    let source = Source {
        files: verb.base.clone(),
        flag: BASE,
        cluster: verb.cluster.clone(),
        view: verb.view.clone(),
        ..Source::default()
    };
    let mut world = World::read(&source, Wanted::ALL)?;
    let is_wrong = complain(&world.findings)?;
    let is_empty = world.workflows.is_empty();
    if is_empty {
        no_workflow(&verb.base)?;
    }
    let before = all(&world);
    if !change(&mut world, verb)? {
        return Ok(WRONG);
    }
    let affected = compare(before, all(&world));
    let code = match affected.iter().map(|one| one.effect).min() {
        // What could not be read may be what is affected.
        _ if is_wrong => WRONG,
        Some(Effect::Stops) => BROKEN,
        Some(_) => AFFECTED,
        None => FINE,
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
        Format::Table | Format::Wide => people(&affected, is_empty, terminal, out)?,
    }
    Ok(code)
}

type Key = (String, String, String, String);

fn all(world: &World) -> BTreeMap<Key, Outcome> {
    world
        .workflows
        .iter()
        .flat_map(|entry| answers(&world.resolved(entry)).collect::<Vec<_>>())
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

/// Makes the change in a world. False, where it is wrong itself.
fn change(world: &mut World, verb: &Whatif) -> Result<bool> {
    for name in &verb.delete {
        let key = match name.split_once('/') {
            Some((namespace, name)) => RecordKey::project(namespace, name),
            None => RecordKey::cluster(name.as_str()),
        };
        let known = world.records.iter().any(|entry| entry.key == key);
        let names = world.records.iter().map(|entry| &*entry.key.name);
        ensure!(known, "no {key}{}", near(name, names));
        world.index.remove(&key);
    }
    if verb.change.is_empty() {
        return Ok(true);
    }
    let changed = world.read_change(&verb.change)?;
    if complain(&changed.findings)? {
        return Ok(false);
    }
    ensure!(
        !changed.records.is_empty(),
        "no record among what would be applied"
    );
    if !changed.workflows.is_empty() {
        output::say("note: of what would be applied, only records are looked at, not workflows")?;
    }
    for record in changed.index.records() {
        world.index.insert(Arc::clone(record));
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

/// Nobody is affected where nobody is: that is no answer to rely on.
fn no_workflow(base: &[PathBuf]) -> Result<()> {
    if base.is_empty() {
        output::say("note: no workflow was looked at, because the cluster shows none")?;
    } else {
        output::say(&format!(
            "note: no workflow was looked at, because none is in {}; {BASE} may be repeated",
            names(base)
        ))?;
    }
    Ok(())
}

fn people(
    affected: &[Affected],
    is_empty: bool,
    terminal: Terminal,
    out: &mut Vec<u8>,
) -> Result<()> {
    if is_empty {
        writeln!(out, "no workflow was looked at")?;
        return Ok(());
    }
    if affected.is_empty() {
        writeln!(out, "no workflow is affected")?;
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
                Effect::OtherRefusal => "refused otherwise",
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
