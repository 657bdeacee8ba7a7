//! The verb `package config`.

use anyhow::Result;
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::configuration;

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show all values and where each is set
    Show {
        #[command(flatten)]
        sources: Sources,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// A value of the configuration.
#[derive(JsonSchema, Serialize)]
struct Row {
    key: String,
    value: String,
    /// Where it is set: `default`, a file with its line, a variable or a flag
    origin: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Values {
    values: Vec<Row>,
}

impl Answer for Values {
    fn names(&self) -> Vec<String> {
        self.values.iter().map(|row| row.key.clone()).collect()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let rows = self.values.iter();
        let cells = rows.map(|row| vec![row.key.clone(), row.value.clone(), row.origin.clone()]);
        output::table(out, &["KEY", "VALUE", "ORIGIN"], cells)?;
        Ok(())
    }
}

pub(crate) fn run(verb: &Config, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let What::Show { sources, output } = &verb.what;
    let (_, config) = configuration(sources)?;
    let rows = config.show().into_iter().map(|shown| Row {
        key: shown.key,
        value: shown.value,
        origin: shown.origin.to_string(),
    });
    let data = Values {
        values: rows.collect(),
    };
    output::answer(out, *output, &data)?;
    Ok(ExitStatus::Success)
}
