//! The verb `package cache`.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::{Args, Subcommand};
use extension_registry_packages::cache::{Entry, Removed, Selector};
use extension_registry_packages::manifest::Kind;
use extension_registry_packages::version;
use extension_registry_query::Note;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Format, Sources};
use crate::output;
use crate::output::Answer;
use crate::packages::Session;

/// Seconds in a day.
const DAY: u64 = 24 * 60 * 60;

#[derive(Debug, Args)]
pub(crate) struct Cache {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List cached packages
    List(List),
    /// Show cache statistics
    Stats(List),
    /// Remove selected packages
    Clear(Clear),
    /// Remove entries not used recently
    Prune(Prune),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Args)]
struct Clear {
    /// Remove packages of this type
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "all")]
    kind: Option<String>,
    /// Remove packages with this name
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    name: Option<String>,
    /// Remove only this version
    #[arg(long, value_name = "VERSION", conflicts_with = "all")]
    version: Option<String>,
    /// Remove everything
    #[arg(long)]
    all: bool,
    /// Do not prompt for confirmation
    #[arg(long, short = 'y')]
    yes: bool,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Args)]
struct Prune {
    /// Remove packages not used for this many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    days: u64,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A removed version.
#[derive(JsonSchema, Serialize)]
struct RemovedVersion {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    version: String,
}

/// Result of a clean-up.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Freed {
    packages: Vec<RemovedVersion>,
    /// Number of removed files that no other package uses
    blobs: usize,
    /// Number of interrupted downloads that were removed
    partial: usize,
    /// Freed disk space in bytes
    bytes: u64,
}

impl Answer for Freed {
    fn names(&self) -> Vec<String> {
        let gone = self.packages.iter();
        gone.map(|one| format!("{}/{}/{}", one.kind, one.name, one.version))
            .collect()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        for gone in &self.packages {
            output::write_line!(out, "{} {} {} removed", gone.kind, gone.name, gone.version)?;
        }
        output::write_line!(out, "{} bytes freed", self.bytes)?;
        Ok(())
    }
}

impl Answer for Kept {
    fn names(&self) -> Vec<String> {
        let rows = self.packages.iter();
        rows.map(|row| format!("{}/{}/{}", row.kind, row.name, row.version))
            .collect()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        let header = ["NAME", "TYPE", "VERSION", "SOURCE", "BYTES", "LAST USED"];
        let cells = self.packages.iter().map(|row| {
            let bytes = row.bytes.to_string();
            let texts = [&row.name, &row.kind, &row.version, &row.source, &bytes];
            let mut cells: Vec<String> = texts.into_iter().cloned().collect();
            cells.push(row.last_used.clone());
            cells
        });
        Ok(output::table(out, &header, cells)?)
    }
}

impl Answer for Stats {
    fn names(&self) -> Vec<String> {
        vec![self.folder.clone()]
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        output::write_line!(out, "{}", self.folder)?;
        output::write_line!(
            out,
            "packages: {}, files: {}, bytes: {}, interrupted downloads: {}, corrupt: {}",
            self.packages,
            self.blobs,
            self.bytes,
            self.partial,
            self.broken
        )?;
        Ok(())
    }
}

/// A cached version.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    version: String,
    source: String,
    bytes: u64,
    last_used: String,
    /// SHA-256 of the content
    digest: String,
    folder: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Kept {
    packages: Vec<Row>,
}

/// Statistics of the cache.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    folder: String,
    packages: usize,
    /// Number of distinct files
    blobs: usize,
    /// Number of interrupted downloads
    partial: usize,
    bytes: u64,
    /// Number of corrupt entries
    broken: usize,
}

pub(crate) fn run(verb: &Cache, out: &mut Vec<u8>) -> Result<ExitStatus> {
    match &verb.what {
        What::List(list) => self::list(list, out),
        What::Stats(list) => stats(list, out),
        What::Clear(clear) => self::clear(clear, out),
        What::Prune(prune) => self::prune(prune, out),
    }
}

fn list(verb: &List, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let listing = session.workspace.cache.list();
    for fault in &listing.faults {
        let warning = Note::new(&*fault.why).under(fault.path.display());
        let hint = "remove it with `kubectl ext package cache clear --name NAME`";
        output::warn(&warning.hint(hint))?;
    }
    let rows = listing.entries.iter().map(|entry| row(&session, entry));
    let data = Kept {
        packages: rows.collect(),
    };
    output::answer(out, verb.output, &data)?;
    Ok(ExitStatus::Success)
}

fn row(session: &Session, entry: &Entry) -> Row {
    let used = Timestamp::try_from(session.workspace.cache.last_used(entry));
    Row {
        name: entry.name.clone(),
        kind: entry.kind.name().to_owned(),
        version: entry.version.to_string(),
        source: entry.repository.clone(),
        bytes: entry.size(),
        last_used: used
            .map(|used| used.strftime("%Y-%m-%d").to_string())
            .unwrap_or_default(),
        digest: entry.content.digest.to_string(),
        folder: entry.folder().display().to_string(),
    }
}

fn stats(verb: &List, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let stats = session.workspace.cache.stats();
    let data = Stats {
        folder: session.workspace.cache.root().display().to_string(),
        packages: stats.entries,
        blobs: stats.blobs,
        partial: stats.partial,
        bytes: stats.bytes,
        broken: stats.faults,
    };
    output::answer(out, verb.output, &data)?;
    Ok(ExitStatus::Success)
}

fn clear(verb: &Clear, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let selector = if verb.all {
        Selector::All
    } else {
        Selector::Only {
            kind: verb.kind.as_deref().map(Kind::of),
            name: verb.name.clone(),
            version: verb.version.as_deref().map(version::parse).transpose()?,
        }
    };
    if verb.all && !verb.yes {
        let question = format!(
            "Remove everything in {}?",
            session.workspace.cache.root().display()
        );
        if !output::confirm(&question)? {
            output::warn(&Note::new("nothing was removed"))?;
            return Ok(ExitStatus::Success);
        }
    }
    let removed = session.workspace.cache.clear(&selector)?;
    if !verb.all && removed.versions.is_empty() {
        output::warn(&Note::new("no matching packages in the cache"))?;
    }
    removal(&removed, verb.output, out)
}

fn prune(verb: &Prune, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let age = Duration::from_secs(verb.days.saturating_mul(DAY));
    // Versions in the lock file of the working directory are in use.
    let locked = super::pull::locked()?;
    let keep = |entry: &Entry| {
        locked
            .iter()
            .any(|(name, version)| *name == entry.name && *version == entry.version)
    };
    let removed = session
        .workspace
        .cache
        .prune(age, SystemTime::now(), &keep)?;
    removal(&removed, verb.output, out)
}

fn removal(removed: &Removed, format: Format, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let packages = removed.versions.iter().map(|key| RemovedVersion {
        name: key.name.clone(),
        kind: key.kind.name().to_owned(),
        version: key.version.to_string(),
    });
    let data = Freed {
        packages: packages.collect(),
        blobs: removed.blobs,
        partial: removed.partial,
        bytes: removed.bytes,
    };
    output::answer(out, format, &data)?;
    for fault in &removed.faults {
        output::warn(&Note::new(&*fault.why).under(fault.path.display()))?;
    }
    Ok(ExitStatus::Success)
}
