//! The command `unregister`, which lists the consumers of a record and deletes it.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use kube::api::DeleteParams;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Cluster, Format, Source, View};
use crate::inventory::cluster::{self, record_api};
use crate::inventory::{Inventory, ReadOptions};
use crate::output::{self, Answer};
use crate::verb::describe::{Consumer, consumers};
use crate::verb::resolve::suggestion;

#[derive(Debug, Args)]
pub(crate) struct Unregister {
    /// Name of the record
    #[arg(value_name = "NAME")]
    name: String,
    /// Project the record belongs to; if omitted, the record is cluster-scoped
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Delete without confirmation, even if the record is in use
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    cluster: Cluster,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// The deleted record.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Unregistered {
    name: String,
    /// Project of the record
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Requirements that used it
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

pub(crate) fn run(verb: &Unregister, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let source = Source {
        cluster: verb.cluster.clone(),
        view: View::default(),
        ..Source::default()
    };
    let inventory = Inventory::read(&source, ReadOptions::ALL_NAMESPACES)?;
    let mut records = inventory.records.iter().filter(|entry| {
        *entry.key.name == *verb.name && entry.key.namespace.as_deref() == verb.project.as_deref()
    });
    let Some(entry) = records.next() else {
        let names = inventory.records.iter().map(|entry| &*entry.key.name);
        bail!(
            "record `{}` not found{}",
            verb.name,
            suggestion(&verb.name, names)
        );
    };
    let record = inventory.index.get(&entry.key);
    let consumers = record.map(|record| consumers(&inventory, record));
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
        // Printed with --yes and without a terminal too.
        output::print_status(&if used.is_empty() {
            "Not used by any workflow".to_owned()
        } else {
            format!("Used by:\n{}", used.join("\n"))
        })?;
    }
    if !verb.yes {
        let question = format!("Delete {}?", entry.key);
        ensure!(output::confirm(&question)?, "canceled, nothing was deleted");
    }
    cluster::request("deleting", &verb.cluster, async {
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
    Ok(ExitStatus::Success)
}
