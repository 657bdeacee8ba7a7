//! The verb `package test-oci`.

use anyhow::{Result, bail, ensure};
use clap::Args;
use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_packages::catalog::Catalog;
use extension_registry_packages::repository::Kind;
use extension_registry_packages::repository::oci::{Class, Outcome};
use schemars::JsonSchema;
use serde::Serialize;

use crate::client::block_on;
use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::{OCI, check_online, configuration};

#[derive(Debug, Args)]
pub(crate) struct TestOci {
    /// Repository to test; default is the only one of kind oci
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// Output format
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
            output::write_line!(out, "{:<10} {:<8} {}", row.step, row.outcome, row.detail)?;
            output::hint(out, &row.advice)?;
        }
        Ok(())
    }
}

/// Hint for the registry to test.
const REGISTRY: &str = "pass a repository of kind oci, or --source oci --registry HOST:PORT";

pub(crate) fn run(verb: &TestOci, out: &mut Vec<u8>) -> Result<ExitStatus> {
    check_online(verb.sources.offline)?;
    let (environment, config) = configuration(&verb.sources)?;
    let named = verb.sources.sets_oci().then_some(OCI);
    let selected = verb.repository.as_deref().or(named);
    if let Some(name) = selected {
        let named = config.repository(name);
        let kind = named.map(|one| one.kind.value);
        ensure!(
            kind == Some(Kind::Oci),
            Failure::new(match kind {
                Some(kind) => format!("repository `{name}` is of kind {kind}, not oci"),
                None => format!("unknown repository `{name}`"),
            })
            .hint(REGISTRY)
        );
    }
    let of_kind = config
        .repositories
        .iter()
        .filter(|one| one.kind.value == Kind::Oci);
    let mut found = of_kind.filter(|one| selected.is_none_or(|name| name == one.name));
    let (Some(repository), None) = (found.next(), found.next()) else {
        bail!(Failure::new("no registry given").hint(REGISTRY));
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let registry = Catalog::oci(repository, &environment)?;
    let checks = block_on("querying the registry", async {
        Ok(registry.check().await)
    })?;
    let failed = checks.iter().find(|check| check.outcome == Outcome::Fail);
    let class = failed.and_then(|check| check.class);
    let status = match class {
        None => ExitStatus::Success,
        Some(Class::Network) => ExitStatus::Network,
        Some(Class::Protocol) => ExitStatus::Protocol,
        Some(Class::Credentials) => ExitStatus::Credentials,
    };
    let rows = checks.into_iter().map(|check| Row {
        step: check.step.name(),
        outcome: match check.outcome {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Skipped => "skipped",
        },
        detail: check.detail.explained(),
        advice: check.advice,
    });
    let data = Steps {
        repository: repository.name.clone(),
        steps: rows.collect(),
    };
    output::answer(out, verb.output, &data)?;
    Ok(status)
}
