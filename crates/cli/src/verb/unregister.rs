//! The command `unregister`, which lists the consumers of a record and deletes it.

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_query::Scope;
use extension_registry_query::cluster::{connect, records_of};
use extension_registry_query::describe::{Consumer, consumers_of};
use kube::api::DeleteParams;
use schemars::JsonSchema;
use serde::Serialize;

use crate::client::request;
use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format, View};
use crate::open;
use crate::output::{self, Answer};

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
        output::write_line!(out, "{} unregistered", self.name)?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Unregister, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let settings = View::default().settings(&verb.cluster.identity);
    let inventory = open::cluster(&verb.cluster, None, settings, Scope::ALL_NAMESPACES)?;
    let (record, consumers) = consumers_of(&inventory, &verb.name, verb.project.as_deref())?;
    let used: Vec<String> = consumers
        .iter()
        .map(|one| format!("  {}", one.consumer.requirement_text(&one.namespace)))
        .collect();
    if !verb.yes || !used.is_empty() {
        // Printed with --yes and without a terminal too.
        output::print_status(&if used.is_empty() {
            "Not used by any workflow or binding".to_owned()
        } else {
            format!("Used by:\n{}", used.join("\n"))
        })?;
    }
    if !verb.yes {
        let question = format!("Delete {record}?");
        ensure!(output::confirm(&question)?, "canceled; nothing was deleted");
    }
    request("deleting", &verb.cluster, async {
        let (client, _) = connect(&verb.cluster.connection(None)).await?;
        let api = records_of(&client, verb.project.as_deref());
        api.delete(&verb.name, &DeleteParams::default())
            .await
            .with_context(|| format!("failed to delete {record}"))?;
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
