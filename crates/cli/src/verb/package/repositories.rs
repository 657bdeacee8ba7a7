//! `package repositories`: where packages come from, and what each source can do.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_packages::repository::Capabilities;
use futures::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::packages::Sources;
use crate::{FINE, PARTIAL, output};

#[derive(Debug, Args)]
pub(crate) struct Repositories {
    /// Show what each advertises beyond the protocol (OCI extensions)
    #[arg(long)]
    extensions: bool,
    #[command(flatten)]
    sources: Sources,
    /// The form of the list
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A source of packages.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    kind: &'static str,
    place: String,
    priority: i64,
    /// Whether it is the System Repository
    system: bool,
    /// `list`, `search`, `publish`, `delete`, `resume`, `referrers`
    can: Vec<&'static str>,
    extensions: Vec<Extension>,
    /// Why it does not answer
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// An extension of the OCI protocol that a registry advertises.
#[derive(JsonSchema, Serialize)]
struct Extension {
    name: String,
    description: String,
    url: String,
    endpoints: Vec<String>,
    /// The repository that answered so; absent where it is the whole registry
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Listed {
    repositories: Vec<Row>,
}

pub(crate) fn run(verb: &Repositories, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    let sources = session.catalog.sources();
    let answers = if session.offline {
        sources
            .iter()
            .map(|_| Ok(Capabilities::default()))
            .collect()
    } else {
        session
            .ask(async { Ok(join_all(sources.iter().map(|one| one.repository.probe())).await) })?
    };
    let rows = sources.iter().zip(answers).map(|(source, answer)| {
        let (able, failure) = match answer {
            Ok(able) => (able, None),
            Err(error) => (Capabilities::default(), Some(error.to_string())),
        };
        Row {
            name: source.id().to_owned(),
            kind: source.repository.kind().name(),
            place: source.repository.place(),
            priority: source.priority,
            system: source.is_system,
            can: can(&able),
            extensions: extensions(able),
            failure,
        }
    });
    let data = Listed {
        repositories: rows.collect(),
    };
    let is_whole = data.repositories.iter().all(|row| row.failure.is_none());
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for row in &data.repositories {
                writeln!(out, "{}", row.name)?;
            }
        }
        Format::Table | Format::Wide => {
            for row in &data.repositories {
                if let Some(failure) = &row.failure {
                    output::warn(std::slice::from_ref(failure))?;
                }
            }
            table(out, verb.extensions, data)?;
        }
    }
    Ok(if is_whole { FINE } else { PARTIAL })
}

fn can(able: &Capabilities) -> Vec<&'static str> {
    [
        (able.list, "list"),
        (able.search, "search"),
        (able.publish, "publish"),
        (able.delete, "delete"),
        (able.resume, "resume"),
        (able.referrers, "referrers"),
    ]
    .into_iter()
    .filter_map(|(can, what)| can.then_some(what))
    .collect()
}

fn extensions(able: Capabilities) -> Vec<Extension> {
    let extensions = able.extensions.into_iter();
    extensions
        .map(|one| Extension {
            name: one.name,
            description: one.description,
            url: one.url,
            endpoints: one.endpoints,
            repository: one.repository,
        })
        .collect()
}

fn table(out: &mut Vec<u8>, with_extensions: bool, data: Listed) -> Result<()> {
    if !with_extensions {
        let cells = data.repositories.into_iter().map(|row| {
            let system = if row.system { "system" } else { "" };
            vec![
                row.name,
                row.kind.to_owned(),
                row.priority.to_string(),
                system.to_owned(),
                row.can.join(", "),
                row.place,
            ]
        });
        let header = ["NAME", "KIND", "PRIORITY", "ROLE", "CAN", "PLACE"];
        return Ok(output::table(out, &header, cells)?);
    }
    for row in data.repositories {
        if row.extensions.is_empty() {
            writeln!(out, "{}: none", row.name)?;
        }
        for one in row.extensions {
            let place = one
                .repository
                .map(|place| format!(" ({place})"))
                .unwrap_or_default();
            writeln!(out, "{}: {}{place}", row.name, one.name)?;
            for line in [one.description, one.url] {
                if !line.is_empty() {
                    writeln!(out, "  {line}")?;
                }
            }
            for endpoint in one.endpoints {
                writeln!(out, "  {endpoint}")?;
            }
        }
    }
    Ok(())
}
