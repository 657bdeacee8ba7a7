//! The command `version`.

use anyhow::Result;
use clap::Args;
use extension_registry_api::{GROUP, VERSION};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::Format;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Versions of the program and of the API.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Versions<'v> {
    /// Version of this program.
    version: &'v str,
    /// Supported API version.
    api_version: &'v str,
}

pub(crate) fn run(verb: &Version, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let (version, api) = (env!("CARGO_PKG_VERSION"), format!("{GROUP}/{VERSION}"));
    let data = Versions {
        version,
        api_version: &api,
    };
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => output::write_line!(out, "{version}")?,
        Format::Table | Format::Wide => {
            output::write_line!(out, "kubectl ext {version}, {api}")?;
        }
    }
    Ok(ExitStatus::Success)
}
