//! The verbs `package list`, `search` and `discover`.

use anyhow::Result;
use clap::Args;
use extension_registry_core::diagnostic::Note;
use extension_registry_packages::answer::list::{Filter, Row, SourceRow};
use extension_registry_packages::answer::{self, type_for_people};
use extension_registry_packages::catalog::{Discovery, SourceReport};
use extension_registry_packages::repository::DiscoveryMethod;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::packages::Session;
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
    let filter = Filter {
        kind: narrow.kind.clone(),
        license: narrow.license.clone(),
    };
    let data = answer::list::list(&session.workspace, discovery, &filter);
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
