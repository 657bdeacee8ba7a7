//! `package test-oci`: whether a registry can be used, step by step.

use std::io::Write;

use anyhow::{Result, bail, ensure};
use clap::Args;
use extension_registry_packages::catalog::Catalog;
use extension_registry_packages::repository::Kind;
use extension_registry_packages::repository::oci::Outcome;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::output::Answer;
use crate::packages::{OCI, Sources, configuration, may_ask};
use crate::world::cluster::block_on;
use crate::{FINE, output};

/// Exit code of a failing class less this: 11 the network, 12 the protocol, 13 the credentials.
const CLASS: u8 = 10;

#[derive(Debug, Args)]
pub(crate) struct TestOci {
    /// The repository; the only one of kind oci, where it is not said
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A step.
#[derive(JsonSchema, Serialize)]
struct Row {
    step: &'static str,
    /// `pass`, `fail` or `skipped`
    outcome: &'static str,
    detail: String,
    /// What to do
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Steps {
    repository: String,
    steps: Vec<Row>,
}

impl Answer for Steps {
    fn names(&self) -> Vec<String> {
        self.steps.iter().map(|row| row.step.to_owned()).collect()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        for row in &self.steps {
            writeln!(out, "{:<10} {:<8} {}", row.step, row.outcome, row.detail)?;
            output::hint(out, &row.advice)?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &TestOci, out: &mut Vec<u8>) -> Result<u8> {
    may_ask(verb.sources.offline)?;
    let (environment, config) = configuration(&verb.sources)?;
    let said = verb.sources.says_oci().then_some(OCI);
    let wanted = verb.repository.as_deref().or(said);
    if let Some(name) = wanted {
        let named = config.repository(name);
        let kind = named.map(|one| one.kind.value);
        ensure!(
            kind == Some(Kind::Oci),
            "{}; hint: name one of kind oci, or --source oci --registry HOST:PORT",
            match kind {
                Some(kind) => format!("`{name}` is of kind {kind}, and no registry"),
                None => format!("no repository is called `{name}`"),
            }
        );
    }
    let of_kind = config
        .repositories
        .iter()
        .filter(|one| one.kind.value == Kind::Oci);
    let mut found = of_kind.filter(|one| wanted.is_none_or(|name| name == one.name));
    let (Some(repository), None) = (found.next(), found.next()) else {
        bail!(
            "which registry? hint: name a repository of kind oci, or --source oci --registry HOST:PORT"
        );
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let registry = Catalog::oci(repository, &environment)?;
    let checks = block_on("asking the registry", async { Ok(registry.check().await) })?;
    let failed = checks.iter().find(|check| check.outcome == Outcome::Fail);
    let class = failed.and_then(|check| check.class);
    let code = class.map_or(FINE, |class| CLASS + class.number());
    let rows = checks.into_iter().map(|check| Row {
        step: check.step.name(),
        outcome: match check.outcome {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Skipped => "skipped",
        },
        detail: check.detail,
        advice: check.advice,
    });
    let data = Steps {
        repository: repository.name.clone(),
        steps: rows.collect(),
    };
    output::answer(out, verb.output, &data)?;
    Ok(code)
}
