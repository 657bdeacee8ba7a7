//! `package verify-closure`: whether a repository has all that its packages need.

use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;
use extension_registry_packages::catalog::gaps;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::output::Answer;
use crate::packages::Sources;
use crate::{FINE, WRONG, output};

#[derive(Debug, Args)]
pub(crate) struct Closure {
    /// The repository; the System Repository, where it is not said
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Something that a package needs and that is not there.
#[derive(JsonSchema, Serialize)]
struct Row {
    /// The package, with its version
    package: String,
    dependency: String,
    range: String,
    message: String,
}

/// Whether a repository has all that its packages need.
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
            writeln!(out, "{}", row.message)?;
        }
        if self.missing.is_empty() && self.warnings.is_empty() {
            writeln!(out, "{} has all that its packages need", self.repository)?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &Closure, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    let source = match &verb.repository {
        Some(name) => session.source(Some(name), "")?,
        None => session.catalog.system().context(
            "no repository is the System Repository; hint: name one, or have `system = true` in /etc/extension-registry/packages.toml",
        )?,
    };
    let (gaps, warnings) = session.ask(async { Ok(gaps(source).await?) })?;
    output::warn(&warnings)?;
    let rows = gaps.into_iter().map(|gap| Row {
        message: gap.to_string(),
        package: gap.package,
        dependency: gap.dependency,
        range: gap.range,
    });
    let data = Closed {
        repository: source.id().to_owned(),
        missing: rows.collect(),
        warnings,
    };
    output::answer(out, verb.output, &data)?;
    let is_whole = data.missing.is_empty() && data.warnings.is_empty();
    Ok(if is_whole { FINE } else { WRONG })
}
