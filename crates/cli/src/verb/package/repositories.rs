//! The verb `package repositories`.

use anyhow::Result;
use clap::Args;
use extension_registry_packages::catalog::Source;
use extension_registry_packages::repository::{self, Capabilities, Error};
use futures::future::{join, join_all};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::packages::{Session, check_online};
use crate::report::hints::Explanation;
use crate::report::human::print_warnings;

/// Outcome of a failed query.
const FAILED: &str = "failed";

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
    /// Capabilities: `list`, `search`, `publish`, `delete`, `resume`, `referrers`
    can: Vec<&'static str>,
    /// Advertised protocol extensions, with `--extensions`
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Vec<Extension>>,
    /// Failed queries of extensions, with `--extensions`
    #[serde(skip_serializing_if = "Option::is_none")]
    silent: Option<Vec<FailedQuery>>,
    /// Why the query failed
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    failure: Option<Explanation>,
}

/// An extension of the OCI protocol that a registry advertises.
#[derive(JsonSchema, Serialize)]
struct Extension {
    name: String,
    description: String,
    url: String,
    endpoints: Vec<String>,
    /// Repository that advertises it; absent for the whole registry
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
}

/// A failed query of the extensions of a registry or repository. It does not mean that there are none.
#[derive(JsonSchema, Serialize)]
struct FailedQuery {
    /// The repository; omitted if this applies to the whole registry
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    /// `not allowed` or `failed`
    outcome: &'static str,
    #[schemars(with = "String")]
    why: Explanation,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Listed {
    repositories: Vec<Row>,
}

pub(crate) fn run(verb: &Repositories, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    session.warn_if_no_sources()?;
    if verb.extensions {
        check_online(session.offline)?;
    }
    let sources = session.workspace.catalog.sources();
    let queries = sources.iter().map(|source| async {
        let extensions = async {
            if verb.extensions {
                Some(source.repository.extensions().await)
            } else {
                None
            }
        };
        join(source.repository.probe(), extensions).await
    });
    let answers = if session.offline {
        sources
            .iter()
            .map(|_| (Ok(Capabilities::default()), None))
            .collect()
    } else {
        session.query(async { Ok(join_all(queries).await) })?
    };
    let rows = sources.iter().zip(answers);
    let data = Listed {
        repositories: rows
            .map(|(source, (able, extensions))| Row::of(source, able, extensions))
            .collect(),
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

impl Row {
    fn of(
        source: &Source,
        able: repository::Result<Capabilities>,
        extensions: Option<repository::Extensions>,
    ) -> Self {
        let (able, failure) = match able {
            Ok(able) => (able, None),
            Err(error) => (Capabilities::default(), Some(Explanation::of(&error))),
        };
        let (found, silent) = match extensions {
            Some(all) => (Some(all.found), Some(all.failures)),
            None => (None, None),
        };
        Self {
            name: source.id().to_owned(),
            kind: source.repository.kind().name(),
            place: source.repository.place(),
            priority: source.priority,
            system: source.is_system,
            can: can(&able),
            extensions: found.map(|found| found.into_iter().map(Extension::of).collect()),
            silent: silent.map(|silent| silent.into_iter().map(FailedQuery::of).collect()),
            failure,
        }
    }

    /// Returns whether all queries succeeded.
    fn is_whole(&self) -> bool {
        self.failure.is_none() && self.silent.as_ref().is_none_or(Vec::is_empty)
    }
}

impl Extension {
    fn of(one: repository::Extension) -> Self {
        Self {
            name: one.name,
            description: one.description,
            url: one.url,
            endpoints: one.endpoints,
            repository: one.repository,
        }
    }
}

impl FailedQuery {
    fn of((repository, error): (Option<String>, Error)) -> Self {
        Self {
            repository,
            outcome: match error {
                Error::Denied { .. } => "not allowed",
                _ => FAILED,
            },
            why: Explanation::of(&error),
        }
    }
}

fn warn(data: &Listed) -> Result<()> {
    let rows = data.repositories.iter();
    let failures = rows.filter_map(|row| row.failure.as_ref());
    Ok(print_warnings(failures.map(|failure| &failure.0))?)
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
            one.why.write(out, "  ")?;
        }
    }
    Ok(())
}

fn of(repository: Option<String>) -> String {
    repository.map_or_else(String::new, |repository| format!(" ({repository})"))
}
