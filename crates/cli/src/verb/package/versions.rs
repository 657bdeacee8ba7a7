//! The verb `package versions`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::answer::versions::Row;
use extension_registry_packages::answer::{self, is_supported, type_for_people};

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::packages::Session;
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

pub(crate) fn run(verb: &Versions, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let catalog = &session.workspace.catalog;
    let found = session.versions(&verb.name)?;
    let failures: Vec<Note> = found.listing.failures.iter().map(Note::of).collect();
    print_warnings(&failures)?;
    if found.listing.versions.is_empty() && failures.is_empty() {
        return Err(catalog.no_package(found.listing).into());
    }
    let data = answer::versions::list(&session.workspace, &found);
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
    Ok(if failures.is_empty() {
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
