//! The verb `package repositories`.

use anyhow::Result;
use clap::Args;
use extension_registry_packages::answer::repositories::{
    FAILED, FailedQuery, Listed, Row, configured, list,
};

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::packages::{Session, check_online};
use crate::report::hints;
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct Repositories {
    /// Show the OCI extensions that each registry, and each of its repositories in `names`, advertises
    #[arg(long)]
    extensions: bool,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(verb: &Repositories, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    session.warn_if_no_sources()?;
    if verb.extensions {
        check_online(session.offline)?;
    }
    let catalog = &session.workspace.catalog;
    let data = if session.offline {
        configured(catalog)
    } else {
        session.query(async { Ok(list(catalog, verb.extensions).await) })?
    };
    let is_whole = data.repositories.iter().all(Row::is_whole);
    match verb.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for row in &data.repositories {
                output::write_line!(out, "{}", row.name)?;
            }
            warn(&data)?;
        }
        Format::Table | Format::Wide => {
            if verb.extensions {
                extensions(out, data)?;
            } else {
                warn(&data)?;
                table(out, data)?;
            }
        }
    }
    Ok(if is_whole {
        ExitStatus::Success
    } else {
        ExitStatus::Partial
    })
}

fn warn(data: &Listed) -> Result<()> {
    let rows = data.repositories.iter();
    let failures = rows.filter_map(|row| row.failure.as_ref());
    Ok(print_warnings(failures.map(|failure| &failure.0))?)
}

fn table(out: &mut Vec<u8>, data: Listed) -> Result<()> {
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
    Ok(output::table(out, &header, cells)?)
}

/// Prints extensions, each with its repository if it is not registry-wide, and failed queries.
fn extensions(out: &mut Vec<u8>, data: Listed) -> Result<()> {
    for row in data.repositories {
        let name = &row.name;
        let found = row.extensions.unwrap_or_default();
        let mut silent = row.silent.unwrap_or_default();
        if let Some(why) = row.failure
            && silent.iter().all(|one| one.outcome != FAILED)
        {
            silent.push(FailedQuery {
                repository: None,
                outcome: FAILED,
                why,
            });
        }
        if found.is_empty() && silent.is_empty() {
            output::write_line!(out, "{name}: none")?;
        }
        for one in found {
            output::write_line!(out, "{name}: {}{}", one.name, of(one.repository))?;
            for line in [one.description, one.url] {
                if !line.is_empty() {
                    output::write_line!(out, "  {line}")?;
                }
            }
            for endpoint in one.endpoints {
                output::write_line!(out, "  {endpoint}")?;
            }
        }
        for one in silent {
            output::write_line!(out, "{name}: {}{}", one.outcome, of(one.repository))?;
            hints::write(&one.why, out, "  ")?;
        }
    }
    Ok(())
}

fn of(repository: Option<String>) -> String {
    repository.map_or_else(String::new, |repository| format!(" ({repository})"))
}
