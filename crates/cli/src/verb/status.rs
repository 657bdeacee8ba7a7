//! The command `status`, which shows the status that the operator reports.

use anyhow::Result;
use clap::Args;
use extension_registry_query::Scope;
use extension_registry_query::status::{Row, status};

use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format, View};
use crate::{open, output};

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

pub(crate) fn run(verb: &Status, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let view = View {
        namespace: verb.namespace.clone(),
        all_namespaces: verb.all_namespaces,
        ..View::default()
    };
    let settings = view.settings(&verb.cluster.identity);
    let inventory = open::cluster(&verb.cluster, None, settings, Scope::WORKFLOWS)?;
    let answer = status(&inventory, &verb.workflows)?;
    let rows = &answer.workflows;
    match verb.output {
        Format::Json => output::json(out, &answer)?,
        Format::Yaml => output::yaml(out, &answer)?,
        Format::Name => {
            for row in rows {
                output::write_line!(out, "{}/{}", row.namespace, row.workflow)?;
            }
        }
        Format::Table | Format::Wide => write_table(rows, out)?,
    }
    Ok(ExitStatus::failure_if(!rows.iter().all(Row::is_ready)))
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
    for row in rows.iter().filter(|row| !row.is_ready()) {
        output::write_line!(out)?;
        output::write_line!(out, "{}/{}: {}", row.namespace, row.workflow, row.message)?;
    }
    Ok(())
}
