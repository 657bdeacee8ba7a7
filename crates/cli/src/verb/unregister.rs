//! `unregister`: deletes a record, after it has said who uses it.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use kube::api::DeleteParams;
use schemars::JsonSchema;
use serde::Serialize;

use crate::FINE;
use crate::args::{Cluster, Format, Source, View};
use crate::output::{self, Answer};
use crate::verb::describe::{Consumer, consumers};
use crate::verb::resolve::near;
use crate::world::cluster::{self, record_api};
use crate::world::{Wanted, World};

#[derive(Debug, Args)]
pub(crate) struct Unregister {
    /// Name of the record
    #[arg(value_name = "NAME")]
    name: String,
    /// The project whose own record it is; without it, one of the cluster is meant
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Delete it without a question, whoever uses it
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    cluster: Cluster,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// The record that was deleted.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Unregistered {
    name: String,
    /// The project whose own record it was
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Who used it
    consumers: Vec<Consumer>,
}

impl Answer for Unregistered {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        writeln!(out, "{} unregistered", self.name)?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Unregister, out: &mut Vec<u8>) -> Result<u8> {
    let source = Source {
        cluster: verb.cluster.clone(),
        view: View::default(),
        ..Source::default()
    };
    let world = World::read(&source, Wanted::ALL)?;
    let mut records = world.records.iter().filter(|entry| {
        *entry.key.name == *verb.name && entry.key.namespace.as_deref() == verb.project.as_deref()
    });
    let Some(entry) = records.next() else {
        let names = world.records.iter().map(|entry| &*entry.key.name);
        bail!("no such record `{}`{}", verb.name, near(&verb.name, names));
    };
    let record = world.index.get(&entry.key);
    let consumers = record.map(|record| consumers(&world, record));
    let consumers = consumers.unwrap_or_default();
    let used: Vec<String> = consumers
        .iter()
        .map(|consumer| {
            format!(
                "  {}/{}, step `{}`, requirement `{}`",
                consumer.namespace, consumer.workflow, consumer.step, consumer.requirement
            )
        })
        .collect();
    if !verb.yes || !used.is_empty() {
        // Whoever has said --yes, or cannot be asked, learns it too.
        output::say(&if used.is_empty() {
            "No workflow uses it.".to_owned()
        } else {
            format!("It is used by\n{}", used.join("\n"))
        })?;
    }
    if !verb.yes {
        let question = format!("Delete {}?", entry.key);
        ensure!(output::confirm(&question)?, "nothing was deleted");
    }
    cluster::ask("deleting", &verb.cluster, async {
        let api = record_api(&verb.cluster, verb.project.as_deref()).await?;
        api.delete(&verb.name, &DeleteParams::default())
            .await
            .with_context(|| format!("failed to delete {}", entry.key))?;
        anyhow::Ok(())
    })?;
    let data = Unregistered {
        name: verb.name.clone(),
        project: verb.project.clone(),
        consumers,
    };
    output::answer(out, verb.output, &data)?;
    Ok(FINE)
}
