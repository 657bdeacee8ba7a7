//! The command `status`, which shows the status that the operator reports.

use anyhow::Result;
use clap::Args;
use extension_registry_query::Scope;
use extension_registry_query::status::{Statuses, status};

use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format, View};
use crate::{open, output};

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Only these workflows and bindings: NAME or NAMESPACE/NAME
    #[arg(value_name = "NAME")]
    names: Vec<String>,
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
    let inventory = open::cluster(&verb.cluster, None, settings, Scope::CONSUMERS)?;
    let answer = status(&inventory, &verb.names)?;
    match verb.output {
        Format::Json => output::json(out, &answer)?,
        Format::Yaml => output::yaml(out, &answer)?,
        Format::Name => {
            for row in &answer.workflows {
                output::write_line!(out, "{}/{}", row.namespace, row.workflow)?;
            }
            for row in &answer.bindings {
                output::write_line!(out, "{}/{}", row.namespace, row.binding)?;
            }
        }
        Format::Table | Format::Wide => write_tables(&answer, out)?,
    }
    Ok(ExitStatus::failure_if(!answer.are_ready()))
}

fn write_tables(answer: &Statuses, out: &mut Vec<u8>) -> Result<()> {
    let Statuses {
        workflows,
        bindings,
    } = answer;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    if !workflows.is_empty() || bindings.is_empty() {
        let header = [
            "NAMESPACE",
            "WORKFLOW",
            "READY",
            "REASON",
            "EXTENSIONS",
            "RUN AS",
        ];
        let cells = workflows.iter().map(|row| {
            vec![
                row.namespace.clone(),
                row.workflow.clone(),
                row.ready.clone(),
                row.reason.clone(),
                row.extensions.clone(),
                or_empty(&row.run_as),
            ]
        });
        output::table(out, &header, cells)?;
    }
    if !bindings.is_empty() {
        if !workflows.is_empty() {
            output::write_line!(out)?;
        }
        let header = [
            "NAMESPACE",
            "BINDING",
            "READY",
            "REASON",
            "EXTENSION",
            "SERVICE",
            "SECRET",
        ];
        let cells = bindings.iter().map(|row| {
            vec![
                row.namespace.clone(),
                row.binding.clone(),
                row.ready.clone(),
                row.reason.clone(),
                or_empty(&row.record),
                or_empty(&row.service),
                or_empty(&row.secret),
            ]
        });
        output::table(out, &header, cells)?;
    }
    for row in workflows.iter().filter(|row| !row.is_ready()) {
        output::write_line!(out)?;
        output::write_line!(out, "{}/{}: {}", row.namespace, row.workflow, row.message)?;
    }
    for row in bindings {
        let message = (!row.is_ready()).then_some(&row.message);
        for message in message.into_iter().chain(&row.superseded) {
            output::write_line!(out)?;
            output::write_line!(out, "binding {}/{}: {message}", row.namespace, row.binding)?;
        }
    }
    Ok(())
}
