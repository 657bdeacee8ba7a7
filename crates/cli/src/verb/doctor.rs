//! The command `doctor`, which checks cluster prerequisites and permissions.

mod checks;

use std::io::Write;

use anyhow::Result;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ExitStatus;
use crate::args::{Cluster, Format};
use crate::inventory::cluster::{connect, request};
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

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// The check passed.
    Ok,
    /// The result is unknown, or no problem by itself.
    Unknown,
    /// The check failed: the registry cannot work.
    Bad,
}

/// A check and its result.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct Check {
    name: String,
    verdict: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
}

impl Check {
    fn new(name: &str, verdict: Verdict, detail: impl Into<String>, hint: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            detail: detail.into(),
            hint: hint.to_owned(),
        }
    }
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Checks {
    checks: Vec<Check>,
}

pub(crate) fn run(verb: &Doctor, terminal: Terminal, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let checks = request("checking the cluster", &verb.cluster, check(verb))?;
    let is_bad = checks.iter().any(|check| check.verdict == Verdict::Bad);
    match verb.output {
        Format::Json => output::json(out, &Checks { checks })?,
        Format::Yaml => output::yaml(out, &Checks { checks })?,
        Format::Name => {
            for check in checks {
                writeln!(out, "{}", check.name)?;
            }
        }
        Format::Table | Format::Wide => write_table(&checks, terminal, out)?,
    }
    Ok(if is_bad {
        ExitStatus::Failure
    } else {
        ExitStatus::Success
    })
}

async fn check(verb: &Doctor) -> Result<Vec<Check>> {
    let (client, default_namespace) = connect(&verb.cluster).await?;
    let namespace = verb.namespace.clone().unwrap_or(default_namespace);
    let mut found = checks::server(&client, &verb.cluster).await;
    if found.iter().any(|check| check.verdict == Verdict::Bad) {
        // The other checks need the API server.
        return Ok(found);
    }
    found.push(checks::kinds(&client).await);
    found.push(checks::engine(&client).await);
    found.push(checks::operator(&client).await);
    found.push(checks::webhooks(&client).await);
    found.extend(checks::permissions(&client, &namespace).await);
    Ok(found)
}

fn write_table(checks: &[Check], terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
    let rows = checks.iter().map(|check| {
        let verdict = match check.verdict {
            Verdict::Ok => terminal.paint(Colour::Green, "ok"),
            Verdict::Unknown => terminal.paint(Colour::Yellow, "unknown"),
            Verdict::Bad => terminal.paint(Colour::Red, "bad"),
        };
        let detail = if check.hint.is_empty() {
            check.detail.clone()
        } else {
            format!("{}; hint: {}", check.detail, check.hint)
        };
        vec![check.name.clone(), verdict, detail]
    });
    output::table(out, &["CHECK", "VERDICT", "DETAIL"], rows)?;
    Ok(())
}
