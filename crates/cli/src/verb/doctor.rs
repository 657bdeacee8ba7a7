//! The command `doctor`, which checks cluster prerequisites and permissions.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::explained;
use extension_registry_query::cluster::connect;
use extension_registry_query::doctor::{self, Check, Verdict};

use crate::client::request;
use crate::exit::ExitStatus;
use crate::flags::{Cluster, Format};
use crate::output::{self, Colour, Terminal};

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    cluster: Cluster,
    /// Namespace for permission checks
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Doctor, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let answer = request("checking the cluster", &verb.cluster, async {
        let connection = verb.cluster.connection(None);
        let (client, default_namespace) = connect(&connection).await?;
        let namespace = verb.namespace.as_deref().unwrap_or(&default_namespace);
        Ok(doctor::check(&client, &connection, namespace).await)
    })?;
    match verb.output {
        Format::Json => output::json(out, &answer)?,
        Format::Yaml => output::yaml(out, &answer)?,
        Format::Name => {
            for check in &answer.checks {
                output::write_line!(out, "{}", check.name)?;
            }
        }
        Format::Table | Format::Wide => write_table(&answer.checks, terminal, out)?,
    }
    Ok(ExitStatus::failure_if(answer.are_bad()))
}

fn write_table(checks: &[Check], terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
    let rows = checks.iter().map(|check| {
        let verdict = match check.verdict {
            Verdict::Ok => terminal.paint(Colour::Green, "ok"),
            Verdict::Unknown => terminal.paint(Colour::Yellow, "unknown"),
            Verdict::Bad => terminal.paint(Colour::Red, "bad"),
        };
        let detail = explained(&check.detail, &[&check.hint]);
        vec![check.name.clone(), verdict, detail]
    });
    output::table(out, &["CHECK", "VERDICT", "DETAIL"], rows)?;
    Ok(())
}
