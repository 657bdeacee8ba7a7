//! The verb `package versions`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Note;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::packages::{Session, is_supported, type_for_people};
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// Name of the package
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A version of a package.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    version: String,
    /// Absent if it cannot be read
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Whether packages of its type can be loaded
    supported: bool,
    /// Whether it is a pre-release
    prerelease: bool,
    /// Why its publisher deprecated it
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<String>,
    sources: Vec<String>,
    /// SHA-256 of the content
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    /// Whether it is in the cache
    cached: bool,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    name: String,
    versions: Vec<Row>,
}

pub(crate) fn run(verb: &Versions, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let (found, specs) = session.versions(&verb.name)?;
    let failures: Vec<Note> = found.failures.iter().map(Note::of).collect();
    print_warnings(&failures)?;
    if found.versions.is_empty() && found.failures.is_empty() {
        return Err(session.workspace.catalog.no_package(found).into());
    }
    let mut rows = Vec::new();
    for (version, places) in found.versions.iter().rev() {
        let sources = places
            .iter()
            .map(|index| session.workspace.catalog.sources()[*index].id());
        let spec = specs.get(version);
        let kind = spec.map(|spec| spec.manifest.kind.name().to_owned());
        rows.push(Row {
            version: version.to_string(),
            supported: kind.as_deref().is_some_and(is_supported),
            kind,
            prerelease: !version.pre.is_empty(),
            deprecated: spec.and_then(|spec| spec.manifest.deprecated.clone()),
            sources: sources.map(str::to_owned).collect(),
            digest: spec
                .and_then(|spec| spec.release.content.digest)
                .map(|digest| digest.to_string()),
            published: spec.and_then(|spec| spec.release.published.clone()),
            cached: spec
                .is_some_and(|spec| session.has(spec.manifest.kind.name(), &verb.name, version)),
        });
    }
    let data = Listed {
        name: verb.name.clone(),
        versions: rows,
    };
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for row in &data.versions {
                output::write_line!(out, "{}", row.version)?;
            }
        }
        Format::Table | Format::Wide => {
            let header = ["VERSION", "PUBLISHED", "SOURCES", "DIGEST", "NOTES"];
            let is_wide = verb.output == Format::Wide;
            output::table(
                out,
                &header,
                data.versions.into_iter().map(|row| cells(row, is_wide)),
            )?;
        }
    }
    Ok(if found.failures.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Partial
    })
}

fn cells(row: Row, is_wide: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if row.prerelease {
        notes.push("pre-release".to_owned());
    }
    if let Some(kind) = row.kind.as_deref().filter(|kind| !is_supported(kind)) {
        notes.push(type_for_people(kind));
    }
    if row.cached {
        notes.push("cached".to_owned());
    }
    if let Some(why) = row.deprecated {
        notes.push(format!("deprecated: {why}"));
    }
    let digest = row.digest.unwrap_or_default();
    let digest = if is_wide {
        digest
    } else {
        digest.chars().take(12).collect()
    };
    let day = row.published.unwrap_or_default();
    vec![
        row.version,
        day.chars().take(10).collect(),
        row.sources.join(", "),
        digest,
        notes.join(", "),
    ]
}
