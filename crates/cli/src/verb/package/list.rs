//! `package list`, `search` and `discover`: what there is, without fetching any of it.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use extension_registry_packages::catalog::{Discovery, Listed};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::output;
use crate::packages::{Session, Sources};
use crate::{FINE, PARTIAL};

/// Columns of a terminal.
const COLUMNS: usize = 80;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    narrow: Narrow,
    /// Only what the cache of this machine has
    #[arg(long)]
    cached: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// A part of a name, a description or a keyword
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    narrow: Narrow,
}

#[derive(Debug, Args)]
pub(crate) struct Discover {
    #[command(flatten)]
    narrow: Narrow,
}

/// What is left out.
#[derive(Debug, Args)]
struct Narrow {
    /// Only packages of this type: record, provider, taskserv, cluster
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only packages with this licence
    #[arg(long, value_name = "LICENSE")]
    license: Option<String>,
    /// Ask the sources again, however lately they were asked
    #[arg(long)]
    refresh: bool,
    #[command(flatten)]
    sources: Sources,
    /// The form of the list
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A package in a source.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    /// `record`, `provider`, `taskserv`, `cluster`, or what this program does not know
    #[serde(rename = "type")]
    kind: String,
    /// The highest release; without any release, the highest version
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    versions: Vec<String>,
    source: String,
    /// `cached` where this machine has the newest, else `remote`
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
}

/// How a source was asked.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    source: String,
    /// `search`, `index`, `catalog` or `named`; absent where it did not answer
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<&'static str>,
    packages: usize,
    /// Why it did not answer
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    packages: Vec<Row>,
    sources: Vec<Asked>,
    /// What is there and cannot be read
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

pub(crate) fn list(verb: &List, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.narrow.sources.open()?;
    let discovery = if verb.cached || session.offline {
        session.cached()
    } else {
        session.discover(None, verb.narrow.refresh)?
    };
    show(&session, discovery, &verb.narrow, false, out)
}

pub(crate) fn search(verb: &Search, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.narrow.sources.open()?;
    let discovery = if session.offline {
        let mut discovery = session.cached();
        discovery.narrow(&verb.text);
        discovery
    } else {
        session.discover(Some(&verb.text), verb.narrow.refresh)?
    };
    show(&session, discovery, &verb.narrow, false, out)
}

pub(crate) fn discover(verb: &Discover, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.narrow.sources.open()?;
    let discovery = session.discover(None, verb.narrow.refresh)?;
    show(&session, discovery, &verb.narrow, true, out)
}

fn show(
    session: &Session,
    discovery: Discovery,
    narrow: &Narrow,
    with_ways: bool,
    out: &mut Vec<u8>,
) -> Result<u8> {
    let code = if discovery.failures.is_empty() {
        FINE
    } else {
        PARTIAL
    };
    output::warn(&discovery.warnings)?;
    for failure in &discovery.failures {
        output::warn(std::slice::from_ref(&failure.why))?;
    }
    let data = packages(session, discovery, narrow);
    match narrow.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for row in &data.packages {
                writeln!(out, "{}", row.name)?;
            }
        }
        Format::Table => {
            if with_ways {
                ways(out, &data.sources)?;
            }
            let (columns, rows) = fitting(data.packages);
            output::table(out, &NARROW[..columns], rows)?;
        }
        Format::Wide => output::table(out, &WIDE, data.packages.into_iter().map(wide))?,
    }
    Ok(code)
}

fn packages(session: &Session, discovery: Discovery, narrow: &Narrow) -> Listing {
    let holds = |wanted: &Option<String>, value: Option<&str>| {
        wanted.is_none() || wanted.as_deref() == value
    };
    let asked = discovery.taken.into_iter().map(|taken| Asked {
        source: taken.repository,
        way: Some(taken.way.name()),
        packages: taken.packages,
        failure: None,
    });
    let failed = discovery.failures.into_iter().map(|failure| Asked {
        source: failure.repository,
        way: None,
        packages: 0,
        failure: Some(failure.why),
    });
    let packages = discovery.packages.into_iter();
    let packages = packages
        .filter(|listed| holds(&narrow.kind, Some(&listed.kind)))
        .filter(|listed| holds(&narrow.license, listed.license.as_deref()))
        .map(|listed| row(session, listed));
    Listing {
        packages: packages.collect(),
        sources: asked.chain(failed).collect(),
        warnings: discovery.warnings,
    }
}

fn row(session: &Session, listed: Listed) -> Row {
    let newest = listed.newest();
    let is_cached = newest.is_some_and(|version| session.has(&listed.kind, &listed.name, version));
    Row {
        newest: newest.map(ToString::to_string),
        status: if is_cached { "cached" } else { "remote" },
        versions: listed.versions.iter().map(ToString::to_string).collect(),
        name: listed.name,
        kind: listed.kind,
        source: listed.repository,
        description: listed.description,
        keywords: listed.keywords,
        license: listed.license,
    }
}

const NARROW: [&str; 6] = ["NAME", "TYPE", "VERSION", "SOURCE", "STATUS", "DESCRIPTION"];
const WIDE: [&str; 8] = [
    "NAME",
    "TYPE",
    "VERSION",
    "SOURCE",
    "STATUS",
    "LICENSE",
    "VERSIONS",
    "DESCRIPTION",
];

/// Rows that fit a terminal, and how many columns they have: the description has what is left of a line, and none
/// where that is too little.
fn fitting(rows: Vec<Row>) -> (usize, Vec<Vec<String>>) {
    let mut cells: Vec<Vec<String>> = rows.into_iter().map(narrow_cells).collect();
    let last = NARROW.len() - 1;
    let mut used = 0;
    for column in 0..last {
        let widths = cells.iter().map(|row| row[column].chars().count());
        used += widths.chain([NARROW[column].len()]).max().unwrap_or(0) + 2;
    }
    let left = COLUMNS.saturating_sub(used);
    let columns = if left < NARROW[last].len() {
        last
    } else {
        NARROW.len()
    };
    for row in &mut cells {
        row.truncate(columns);
        if let Some(description) = row.get_mut(last)
            && description.chars().count() > left
        {
            let kept: String = description.chars().take(left - 1).collect();
            *description = format!("{}…", kept.trim_end());
        }
    }
    (columns, cells)
}

fn narrow_cells(row: Row) -> Vec<String> {
    vec![
        row.name,
        row.kind,
        row.newest.unwrap_or_default(),
        row.source,
        row.status.to_owned(),
        row.description,
    ]
}

fn wide(row: Row) -> Vec<String> {
    vec![
        row.name,
        row.kind,
        row.newest.unwrap_or_default(),
        row.source,
        row.status.to_owned(),
        row.license.unwrap_or_default(),
        row.versions.join(", "),
        row.description,
    ]
}

fn ways(out: &mut Vec<u8>, sources: &[Asked]) -> Result<()> {
    for source in sources {
        match source.way {
            Some(way) => writeln!(
                out,
                "{}: {} packages, by {way}",
                source.source, source.packages
            )?,
            None => writeln!(out, "{}: no answer", source.source)?,
        }
    }
    writeln!(out)?;
    Ok(())
}
