//! `version`.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_api::{GROUP, VERSION};
use serde_json::json;

use crate::args::Format;
use crate::{FINE, output};

#[derive(Debug, Args)]
pub(crate) struct Version {
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Version, out: &mut Vec<u8>) -> Result<u8> {
    let (version, api) = (env!("CARGO_PKG_VERSION"), format!("{GROUP}/{VERSION}"));
    let data = json!({"version": version, "apiVersion": api});
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Table | Format::Wide | Format::Name => {
            writeln!(out, "kubectl ext {version}, {api}")?;
        }
    }
    Ok(FINE)
}
