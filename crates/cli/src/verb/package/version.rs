//! The verb `package version`.

use std::io::{self, BufRead};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use extension_registry_packages::version;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::Format;
use crate::output;
use crate::output::Answer;

#[derive(Debug, Args)]
pub(crate) struct Version {
    #[command(subcommand)]
    what: What,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Format,
}

/// Two versions.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Compared {
    left: String,
    /// `<`, `=` or `>`
    order: &'static str,
    right: String,
}

impl Answer for Compared {
    fn names(&self) -> Vec<String> {
        vec![self.order.to_owned()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        output::write_line!(out, "{} {} {}", self.left, self.order, self.right)?;
        Ok(())
    }
}

/// Versions, the newest first.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Sorted {
    versions: Vec<String>,
}

impl Answer for Sorted {
    fn names(&self) -> Vec<String> {
        self.versions.clone()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        for version in &self.versions {
            output::write_line!(out, "{version}")?;
        }
        Ok(())
    }
}

/// Whether a version is in a range.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Satisfied {
    version: String,
    range: String,
    satisfies: bool,
}

impl Answer for Satisfied {
    fn names(&self) -> Vec<String> {
        vec![self.satisfies.to_string()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        output::write_line!(out, "{}", self.satisfies)?;
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare two versions: `<`, `=` or `>`
    Compare {
        /// First version
        left: String,
        /// Second version
        right: String,
    },
    /// Sort versions, the newest first
    Sort {
        /// Versions to sort; default is standard input, one per line
        versions: Vec<String>,
    },
    /// Check whether a version is in a range; exit code 1 if not
    Satisfies {
        /// Version to check
        version: String,
        /// Range, e.g. `^1.2`, `>=1.0, <2.0`, `1.2.0 - 1.5.0`
        range: String,
    },
}

pub(crate) fn run(verb: &Version, out: &mut Vec<u8>) -> Result<ExitStatus> {
    match &verb.what {
        What::Compare { left, right } => {
            let order = match version::compare(left, right)? {
                std::cmp::Ordering::Less => "<",
                std::cmp::Ordering::Equal => "=",
                std::cmp::Ordering::Greater => ">",
            };
            let data = Compared {
                left: left.clone(),
                order,
                right: right.clone(),
            };
            output::answer(out, verb.output, &data)?;
            Ok(ExitStatus::Success)
        }
        What::Sort { versions } => {
            let mut texts = versions.clone();
            if texts.is_empty() {
                for line in io::stdin().lock().lines() {
                    let line = line.context("failed to read standard input")?;
                    texts.extend(line.split_whitespace().map(str::to_owned));
                }
            }
            let mut parsed = Vec::with_capacity(texts.len());
            for text in &texts {
                parsed.push((version::parse(text)?, text));
            }
            parsed.sort_by(|(left, _), (right, _)| right.cmp(left));
            let versions = parsed.into_iter().map(|(_, text)| text.clone());
            let data = Sorted {
                versions: versions.collect(),
            };
            output::answer(out, verb.output, &data)?;
            Ok(ExitStatus::Success)
        }
        What::Satisfies { version, range } => {
            version::parse(version)?;
            let holds = version::satisfies(version, range)
                .with_context(|| format!("invalid range `{range}`"))?;
            let data = Satisfied {
                version: version.clone(),
                range: range.clone(),
                satisfies: holds,
            };
            output::answer(out, verb.output, &data)?;
            Ok(if holds {
                ExitStatus::Success
            } else {
                ExitStatus::Failure
            })
        }
    }
}
