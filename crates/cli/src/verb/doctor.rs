//! `doctor`: whether a cluster has what the registry needs, and what the caller may do.

mod checks;

use std::io::Write;

use anyhow::Result;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Cluster, Format};
use crate::output::{self, Colour, Terminal};
use crate::world::cluster::{ask, connect};
use crate::{FINE, WRONG};

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    cluster: Cluster,
    /// The namespace that questions of permission are about
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// The caller may not look, or it is a matter of taste.
    Unknown,
    /// The registry cannot work like this.
    Bad,
}

/// One thing that was looked at.
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

pub(crate) fn run(verb: &Doctor, terminal: Terminal, out: &mut Vec<u8>) -> Result<u8> {
    let checks = ask("looking at the cluster", &verb.cluster, look(verb))?;
    let is_bad = checks.iter().any(|check| check.verdict == Verdict::Bad);
    match verb.output {
        Format::Json => output::json(out, &Checks { checks })?,
        Format::Yaml => output::yaml(out, &Checks { checks })?,
        Format::Name => {
            for check in checks {
                writeln!(out, "{}", check.name)?;
            }
        }
        Format::Table | Format::Wide => people(&checks, terminal, out)?,
    }
    Ok(if is_bad { WRONG } else { FINE })
}

async fn look(verb: &Doctor) -> Result<Vec<Check>> {
    let (client, default_namespace) = connect(&verb.cluster).await?;
    let namespace = verb.namespace.clone().unwrap_or(default_namespace);
    let mut found = checks::server(&client, &verb.cluster).await;
    if found.iter().any(|check| check.verdict == Verdict::Bad) {
        // Nothing else can be asked.
        return Ok(found);
    }
    found.push(checks::kinds(&client).await);
    found.push(checks::engine(&client).await);
    found.push(checks::operator(&client).await);
    found.push(checks::webhooks(&client).await);
    found.extend(checks::permissions(&client, &namespace).await);
    Ok(found)
}

fn people(checks: &[Check], terminal: Terminal, out: &mut Vec<u8>) -> Result<()> {
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
