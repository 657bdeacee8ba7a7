//! `unregister`: deletes a record, after it has said who uses it.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use kube::api::DeleteParams;

use crate::FINE;
use crate::args::{Cluster, Source, View};
use crate::output;
use crate::verb::describe::consumers;
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
}

pub(crate) fn run(verb: &Unregister, out: &mut Vec<u8>) -> Result<u8> {
    let source = Source {
        files: Vec::new(),
        cluster: verb.cluster.clone(),
        view: View::default(),
    };
    let world = World::read(&source, Wanted::ALL)?;
    let mut records = world.records.iter().filter(|entry| {
        *entry.key.name == *verb.name && entry.key.namespace.as_deref() == verb.project.as_deref()
    });
    let Some(entry) = records.next() else {
        let names = world.records.iter().map(|entry| &*entry.key.name);
        bail!("no such record `{}`{}", verb.name, near(&verb.name, names));
    };
    let used: Vec<String> = world
        .index
        .get(&entry.key)
        .map(|record| consumers(&world, record))
        .unwrap_or_default()
        .into_iter()
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
    cluster::block_on("deleting", async {
        let api = record_api(&verb.cluster, verb.project.as_deref()).await?;
        api.delete(&verb.name, &DeleteParams::default())
            .await
            .with_context(|| format!("failed to delete {}", entry.key))?;
        anyhow::Ok(())
    })?;
    writeln!(out, "{} unregistered", verb.name)?;
    Ok(FINE)
}
