//! The verb `package verify-closure`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_packages::catalog::missing_dependencies;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::Session;
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Closure {
    /// Repository to check; default is the System Repository
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A missing dependency.
#[derive(JsonSchema, Serialize)]
struct Row {
    /// Dependent package, with its version
    package: String,
    dependency: String,
    range: String,
    message: String,
}

/// Missing dependencies in a repository.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Closed {
    repository: String,
    missing: Vec<Row>,
    /// Packages that cannot be read
    warnings: Vec<String>,
}

impl Answer for Closed {
    fn names(&self) -> Vec<String> {
        let names = self.missing.iter();
        names.map(|row| row.dependency.clone()).collect()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        for row in &self.missing {
            output::write_line!(out, "{}", row.message)?;
        }
        if self.missing.is_empty() && self.warnings.is_empty() {
            output::write_line!(
                out,
                "{} contains all dependencies of its packages",
                self.repository
            )?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &Closure, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let source = match &verb.repository {
        Some(name) => session.source(Some(name), "")?,
        None => session.workspace.catalog.system().ok_or_else(|| {
            Failure::new("no System Repository is configured").hint(
                "pass a repository, or set `system = true` for one in /etc/extension-registry/packages.toml",
            )
        })?,
    };
    let (missing_dependencies, warnings) =
        session.query(async { Ok(missing_dependencies(source).await?) })?;
    print_warnings(&warnings)?;
    let rows = missing_dependencies.into_iter().map(|gap| Row {
        message: gap.to_string(),
        package: gap.package,
        dependency: gap.dependency,
        range: gap.range,
    });
    let data = Closed {
        repository: source.id().to_owned(),
        missing: rows.collect(),
        warnings: warnings.iter().map(Explain::explained).collect(),
    };
    output::answer(out, verb.output, &data)?;
    let is_whole = data.missing.is_empty() && data.warnings.is_empty();
    Ok(if is_whole {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}
