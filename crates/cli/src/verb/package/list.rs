//! The verbs `package list`, `search` and `discover`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::{Explain, Note};
use extension_registry_packages::catalog::{Discovery, PackageSummary, SourceReport};
use extension_registry_packages::repository::DiscoveryMethod;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::packages::{Session, is_supported, type_for_people};
use crate::report::human::print_warnings;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    narrow: Narrow,
    /// List only cached packages
    #[arg(long)]
    cached: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Text to find in names, descriptions and keywords
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

/// Filters of a listing.
#[derive(Debug, Args)]
struct Narrow {
    /// Only packages of this type: record, provider, taskserv, cluster
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only packages with this license
    #[arg(long, value_name = "LICENSE")]
    license: Option<String>,
    /// Query the sources even if a recent listing is cached
    #[arg(long)]
    refresh: bool,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A package in a source.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    /// `record`, `provider`, `taskserv`, `cluster`, or an unsupported type
    #[serde(rename = "type")]
    kind: String,
    /// Whether packages of this type can be loaded
    supported: bool,
    /// Latest stable version, or latest pre-release if no stable version exists
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    versions: Vec<String>,
    source: String,
    /// `cached` if the newest version is in the cache, else `remote`
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
}

/// How the packages of a source were discovered.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceRow {
    source: String,
    /// `search`, `index`, `catalog` or `named`; absent if the query failed
    #[serde(rename = "way", skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    packages: usize,
    /// Why the query failed
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    packages: Vec<Row>,
    sources: Vec<SourceRow>,
    /// Warnings about packages that cannot be read
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

pub(crate) fn list(verb: &List, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.narrow.sources)?;
    let discovery = if verb.cached || session.offline {
        session.cached()
    } else {
        session.discover(None, verb.narrow.refresh)?
    };
    show(
        &session,
        discovery,
        &verb.narrow,
        MethodDetail::Unusual,
        out,
    )
}

pub(crate) fn search(verb: &Search, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.narrow.sources)?;
    let discovery = if session.offline {
        let mut discovery = session.cached();
        discovery.narrow(&verb.text);
        discovery
    } else {
        session.discover(Some(&verb.text), verb.narrow.refresh)?
    };
    show(
        &session,
        discovery,
        &verb.narrow,
        MethodDetail::Unusual,
        out,
    )
}

pub(crate) fn discover(verb: &Discover, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.narrow.sources)?;
    let discovery = session.discover(None, verb.narrow.refresh)?;
    show(&session, discovery, &verb.narrow, MethodDetail::All, out)
}

/// Which discovery methods a table mentions.
#[derive(Clone, Copy, PartialEq)]
enum MethodDetail {
    /// All, before the table.
    All,
    /// On standard error, those that may be incomplete.
    Unusual,
}

fn show(
    session: &Session,
    discovery: Discovery,
    narrow: &Narrow,
    methods: MethodDetail,
    out: &mut Vec<u8>,
) -> Result<ExitStatus> {
    let code = if discovery.failures.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Partial
    };
    print_warnings(&discovery.warnings)?;
    let failures: Vec<Note> = discovery.failures.iter().map(Note::of).collect();
    print_warnings(&failures)?;
    let format_methods = match narrow.output {
        Format::Wide => format_methods(&discovery.reports, true),
        Format::Table if methods == MethodDetail::Unusual => {
            format_methods(&discovery.reports, false)
        }
        _ => Vec::new(),
    };
    format_methods
        .iter()
        .try_for_each(|line| output::print_status(line))?;
    let data = packages(session, discovery, narrow);
    match narrow.output {
        Format::Json => output::json(out, &data)?,
        Format::Yaml => output::yaml(out, &data)?,
        Format::Name => {
            for row in &data.packages {
                output::write_line!(out, "{}", row.name)?;
            }
        }
        Format::Table => {
            if methods == MethodDetail::All {
                write_methods(out, &data.sources)?;
            }
            let cells = data.packages.into_iter().map(narrow_cells).collect();
            let (columns, rows) = output::fitting(&NARROW, cells, output::columns());
            output::table(out, &NARROW[..columns], rows)?;
        }
        Format::Wide => output::table(out, &WIDE, data.packages.into_iter().map(wide))?,
    }
    Ok(code)
}

fn packages(session: &Session, discovery: Discovery, narrow: &Narrow) -> Listing {
    let matches = |filter: &Option<String>, value: Option<&str>| {
        filter.is_none() || filter.as_deref() == value
    };
    let sources = discovery.reports.into_iter().map(|report| SourceRow {
        source: report.repository,
        method: Some(report.method.name()),
        packages: report.packages,
        failure: None,
    });
    let failed = discovery.failures.into_iter().map(|failure| SourceRow {
        failure: Some(failure.explained()),
        source: failure.repository,
        method: None,
        packages: 0,
    });
    let packages = discovery.packages.into_iter();
    let packages = packages
        .filter(|listed| matches(&narrow.kind, Some(&listed.kind)))
        .filter(|listed| matches(&narrow.license, listed.license.as_deref()))
        .map(|listed| row(session, listed));
    Listing {
        packages: packages.collect(),
        sources: sources.chain(failed).collect(),
        warnings: discovery.warnings.iter().map(Explain::explained).collect(),
    }
}

fn row(session: &Session, listed: PackageSummary) -> Row {
    let newest = listed.newest();
    let is_cached = newest.is_some_and(|version| session.has(&listed.kind, &listed.name, version));
    Row {
        newest: newest.map(ToString::to_string),
        status: if is_cached { "cached" } else { "remote" },
        versions: listed.versions.iter().map(ToString::to_string).collect(),
        name: listed.name,
        supported: is_supported(&listed.kind),
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

fn narrow_cells(row: Row) -> Vec<String> {
    vec![
        row.name,
        type_for_people(&row.kind),
        row.newest.unwrap_or_default(),
        row.source,
        row.status.to_owned(),
        row.description,
    ]
}

fn wide(row: Row) -> Vec<String> {
    vec![
        row.name,
        type_for_people(&row.kind),
        row.newest.unwrap_or_default(),
        row.source,
        row.status.to_owned(),
        row.license.unwrap_or_default(),
        row.versions.join(", "),
        row.description,
    ]
}

/// Formats the discovery methods: all, or those that may be incomplete.
fn format_methods(report: &[SourceReport], is_each: bool) -> Vec<String> {
    let format_methods = report.iter().filter_map(|report| {
        let (name, count) = (
            &report.repository,
            output::count(report.packages, "package"),
        );
        match report.method {
            DiscoveryMethod::Named => Some(format!(
                "{name}: {count}, from `names` in the configuration; the source cannot list its packages"
            )),
            DiscoveryMethod::Index => Some(format!("{name}: {count}, from the index")),
            method if is_each => Some(format!("{name}: {count}, from {}", method.name())),
            DiscoveryMethod::Search | DiscoveryMethod::Catalog => None,
        }
    });
    format_methods.collect()
}

fn write_methods(out: &mut Vec<u8>, sources: &[SourceRow]) -> Result<()> {
    for source in sources {
        match source.method {
            Some(method) => output::write_line!(
                out,
                "{}: {}, from {method}",
                source.source,
                output::count(source.packages, "package")
            )?,
            None => output::write_line!(out, "{}: query failed", source.source)?,
        }
    }
    output::write_line!(out)?;
    Ok(())
}
