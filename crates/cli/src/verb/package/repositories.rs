//! `package repositories`: where packages come from, and what each source can do.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_packages::catalog::Source;
use extension_registry_packages::repository::{self, Capabilities, Error};
use futures::future::{join, join_all};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::packages::{Sources, may_ask};
use crate::{FINE, PARTIAL, output};

/// What came of asking one that does not answer.
const FAILED: &str = "failed";

#[derive(Debug, Args)]
pub(crate) struct Repositories {
    /// Show the OCI extensions that each registry advertises, and those of its repositories that `names` has
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
    /// What it advertises beyond the protocol, with `--extensions`
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Vec<Extension>>,
    /// Who did not say its extensions, with `--extensions`
    #[serde(skip_serializing_if = "Option::is_none")]
    silent: Option<Vec<Silent>>,
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

/// A registry or a repository of it that did not say its extensions. That is not the same as none.
#[derive(JsonSchema, Serialize)]
struct Silent {
    /// The repository; absent where it is the whole registry
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    /// `not allowed` or `failed`
    outcome: &'static str,
    why: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Listed {
    repositories: Vec<Row>,
}

pub(crate) fn run(verb: &Repositories, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    session.say_if_nobody_is_asked()?;
    if verb.extensions {
        may_ask(session.offline)?;
    }
    let sources = session.catalog.sources();
    let asked = sources.iter().map(|source| async {
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
        session.ask(async { Ok(join_all(asked).await) })?
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
                writeln!(out, "{}", row.name)?;
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
    Ok(if is_whole { FINE } else { PARTIAL })
}

impl Row {
    fn of(
        source: &Source,
        able: repository::Result<Capabilities>,
        extensions: Option<repository::Extensions>,
    ) -> Self {
        let (able, failure) = match able {
            Ok(able) => (able, None),
            Err(error) => (Capabilities::default(), Some(error.to_string())),
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
            silent: silent.map(|silent| silent.into_iter().map(Silent::of).collect()),
            failure,
        }
    }

    /// Whether it answered all that was asked of it.
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

impl Silent {
    fn of((repository, error): (Option<String>, Error)) -> Self {
        Self {
            repository,
            outcome: match error {
                Error::Denied { .. } => "not allowed",
                _ => FAILED,
            },
            why: error.to_string(),
        }
    }
}

fn warn(data: &Listed) -> Result<()> {
    let rows = data.repositories.iter();
    let failures: Vec<String> = rows.filter_map(|row| row.failure.clone()).collect();
    Ok(output::warn(&failures)?)
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

/// Extensions, each with the repository that has it where that is not the whole registry. Not to be told is not none.
fn extensions(out: &mut Vec<u8>, data: Listed) -> Result<()> {
    for row in data.repositories {
        let name = &row.name;
        let found = row.extensions.unwrap_or_default();
        let mut silent = row.silent.unwrap_or_default();
        if let Some(why) = row.failure
            && silent.iter().all(|one| one.outcome != FAILED)
        {
            silent.push(Silent {
                repository: None,
                outcome: FAILED,
                why,
            });
        }
        if found.is_empty() && silent.is_empty() {
            writeln!(out, "{name}: none")?;
        }
        for one in found {
            writeln!(out, "{name}: {}{}", one.name, of(one.repository))?;
            for line in [one.description, one.url] {
                if !line.is_empty() {
                    writeln!(out, "  {line}")?;
                }
            }
            for endpoint in one.endpoints {
                writeln!(out, "  {endpoint}")?;
            }
        }
        for one in silent {
            writeln!(out, "{name}: {}{}", one.outcome, of(one.repository))?;
            let (text, hints) = output::parted(&one.why);
            writeln!(out, "  {text}")?;
            for one in hints {
                output::hint(out, one)?;
            }
        }
    }
    Ok(())
}

fn of(repository: Option<String>) -> String {
    repository.map_or_else(String::new, |repository| format!(" ({repository})"))
}
