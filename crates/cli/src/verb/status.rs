//! The command `status`, which shows the status that the operator reports.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_api::Workflow;
use extension_registry_api::status::READY;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Cluster, Format, Source, View};
use crate::inventory::{Inventory, ReadOptions, WorkflowEntry};
use crate::output;
use crate::verb::resolve::chosen;

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only these workflows: NAME or NAMESPACE/NAME
    #[arg(value_name = "WORKFLOW")]
    workflows: Vec<String>,
    #[command(flatten)]
    cluster: Cluster,
    /// Namespace to use
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Use all namespaces of the cluster
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    namespace: String,
    workflow: String,
    ready: String,
    reason: String,
    message: String,
    extensions: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as: Option<String>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Workflows {
    workflows: Vec<Row>,
}

pub(crate) fn run(verb: &Status, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let source = Source {
        cluster: verb.cluster.clone(),
        view: View {
            namespace: verb.namespace.clone(),
            all_namespaces: verb.all_namespaces,
            ..View::default()
        },
        ..Source::default()
    };
    let inventory = Inventory::read(&source, ReadOptions::WORKFLOWS)?;
    let rows: Vec<Row> = chosen(&inventory, &verb.workflows)?
        .into_iter()
        .map(row)
        .collect();
    let is_fine = rows.iter().all(|row| row.ready == "True");
    match verb.output {
        Format::Json => output::json(out, &Workflows { workflows: rows })?,
        Format::Yaml => output::yaml(out, &Workflows { workflows: rows })?,
        Format::Name => {
            for row in rows {
                writeln!(out, "{}/{}", row.namespace, row.workflow)?;
            }
        }
        Format::Table | Format::Wide => write_table(&rows, out)?,
    }
    Ok(if is_fine {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

fn row(entry: &WorkflowEntry) -> Row {
    let workflow: &Workflow = &entry.workflow;
    let status = workflow.status.clone().unwrap_or_default();
    let is_current = status.observed_generation == workflow.metadata.generation;
    let ready = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == READY)
        .filter(|_| is_current);
    let (ready, reason, message) = ready.map_or_else(
        || {
            let why = "waiting for the operator to reconcile this object";
            ("Unknown".to_owned(), "Pending".to_owned(), why.to_owned())
        },
        |condition| {
            (
                condition.status.clone(),
                condition.reason.clone(),
                condition.message.clone(),
            )
        },
    );
    Row {
        namespace: entry.key.namespace.to_string(),
        workflow: entry.key.name.to_string(),
        ready,
        reason,
        message,
        extensions: status
            .summary
            .map(|summary| summary.extensions)
            .unwrap_or_default(),
        run_as: status.run_as.map(|run_as| run_as.user),
    }
}

fn write_table(rows: &[Row], out: &mut Vec<u8>) -> Result<()> {
    let header = [
        "NAMESPACE",
        "WORKFLOW",
        "READY",
        "REASON",
        "EXTENSIONS",
        "RUN AS",
    ];
    let cells = rows.iter().map(|row| {
        vec![
            row.namespace.clone(),
            row.workflow.clone(),
            row.ready.clone(),
            row.reason.clone(),
            row.extensions.clone(),
            row.run_as.clone().unwrap_or_default(),
        ]
    });
    output::table(out, &header, cells)?;
    for row in rows.iter().filter(|row| row.ready != "True") {
        writeln!(out, "\n{}/{}: {}", row.namespace, row.workflow, row.message)?;
    }
    Ok(())
}
