//! `package pull`: packages into the cache, with what they depend on, and into a folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::lock::Lock;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Format;
use crate::packages::{Bar, Chosen, OnPlatform, Session, Sources, left_out, named, unchecked};
use crate::{FINE, PARTIAL, output};

/// Name of a lock file.
pub(super) const LOCK: &str = "extensions.lock";

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Names of packages; NAME@RANGE asks for a version: mlflow@^1.2
    #[arg(value_name = "NAME", required_unless_present_any = ["all", "locked"], conflicts_with = "all")]
    names: Vec<String>,
    /// A version or a range of the one package
    #[arg(long, value_name = "RANGE", conflicts_with = "all")]
    version: Option<String>,
    /// Its type, where a name is there with two
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Everything that the sources list
    #[arg(long)]
    all: bool,
    /// Copy the files into this folder too
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Fetch it again, and verify it, whatever the cache has
    #[arg(long)]
    force: bool,
    /// Say each step that was taken, and why the source was
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    needs: super::needs::Needs,
    #[command(flatten)]
    sources: Sources,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A package that was pulled.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    /// SHA-256 of the content
    digest: String,
    /// Names of the keys that vouch for it
    signed_by: Vec<String>,
    /// Whether content was fetched, or was here already
    fetched: bool,
    /// Where the content is
    file: String,
    /// The steps that were taken
    steps: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
struct Failed {
    name: String,
    why: String,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Pulled {
    packages: Vec<Row>,
    /// What was not pulled, with `--all`
    failures: Vec<Failed>,
    /// What should be known: newer versions that do not fit, optional packages that were left out
    notes: Vec<String>,
}

pub(crate) fn run(verb: &Pull, out: &mut Vec<u8>) -> Result<u8> {
    let session = verb.sources.open()?;
    let mut failures = Vec::new();
    let mut notes = Vec::new();
    let deliveries = if verb.all {
        everything(verb, &session, &mut failures, &mut notes)?
    } else if verb.needs.is_asked() {
        let wanted = wanted(verb)?;
        verb.needs.pull(&session, &wanted, verb.force, &mut notes)?
    } else {
        let mut deliveries = Vec::new();
        for chosen in wanted(verb)? {
            deliveries.push(one(&session, &chosen, verb)?);
        }
        deliveries
    };
    notes.extend(unchecked(&deliveries, OnPlatform::HINT));
    output::warn(&notes)?;
    let mut rows = Vec::new();
    for delivery in &deliveries {
        output::warn(&delivery.warnings)?;
        let mut file = delivery.entry.content_path();
        if let Some(folder) = &verb.to {
            file = copied(&file, folder)?;
        }
        let steps = session.steps(delivery, verb.explain)?;
        rows.push(row(delivery, &file, steps));
    }
    let data = Pulled {
        packages: rows,
        failures,
        notes,
    };
    show(verb, &data, out)?;
    for failed in &data.failures {
        output::warn(&[format!("{}: {}", failed.name, failed.why)])?;
    }
    Ok(if data.failures.is_empty() {
        FINE
    } else {
        PARTIAL
    })
}

fn show(verb: &Pull, data: &Pulled, out: &mut Vec<u8>) -> Result<()> {
    match verb.output {
        Format::Json => output::json(out, data)?,
        Format::Yaml => output::yaml(out, data)?,
        Format::Name => {
            for row in &data.packages {
                writeln!(out, "{}", row.name)?;
            }
        }
        Format::Table | Format::Wide => {
            for row in &data.packages {
                if verb.explain {
                    for step in &row.steps {
                        writeln!(out, "  {step}")?;
                    }
                }
                let how = if row.fetched { "pulled" } else { "is here" };
                writeln!(
                    out,
                    "{} {} {how}, sha256:{}",
                    row.name, row.version, row.digest
                )?;
                if verb.to.is_some() {
                    writeln!(out, "  {}", row.file)?;
                }
            }
        }
    }
    Ok(())
}

/// The packages that were named.
fn wanted(verb: &Pull) -> Result<Vec<Chosen>> {
    ensure!(
        verb.version.is_none() || verb.names.len() == 1,
        "--version is of one package; hint: NAME@RANGE"
    );
    let mut wanted = Vec::new();
    for name in &verb.names {
        let (name, range) = named(name);
        if let (Some(range), Some(_)) = (range, &verb.version) {
            bail!("`{name}@{range}` and --version both say a version; hint: leave one out");
        }
        let range = range.map(str::to_owned).or_else(|| verb.version.clone());
        wanted.push(Chosen::new(name, range, verb.kind.clone()));
    }
    Ok(wanted)
}

/// The newest version of the sources; without them, of the cache.
fn one(session: &Session, chosen: &Chosen, verb: &Pull) -> Result<Delivery> {
    let platform = &verb.needs.platform;
    if session.offline {
        return session.delivered(chosen, platform, false);
    }
    let loader = session.loader().on(platform.known());
    session.transfer(async {
        let sighting = session.find(chosen).await?;
        let bar = Bar::new(&sighting.spec.title());
        Ok(loader.bring(&sighting, verb.force, &bar).await?)
    })
}

/// The newest of all that is listed. One that fails takes no other along; what was cut goes on next time.
fn everything(
    verb: &Pull,
    session: &Session,
    failures: &mut Vec<Failed>,
    notes: &mut Vec<String>,
) -> Result<Vec<Delivery>> {
    let discovery = session.discover(None, true)?;
    output::warn(&discovery.warnings)?;
    for failure in discovery.failures {
        failures.push(Failed {
            name: failure.repository,
            why: failure.why,
        });
    }
    let mut names: Vec<(String, String)> = discovery
        .packages
        .into_iter()
        .filter(|listed| verb.kind.as_ref().is_none_or(|kind| *kind == listed.kind))
        .map(|listed| (listed.name, listed.kind))
        .collect();
    names.dedup();
    let mut deliveries = Vec::new();
    for (name, kind) in names {
        if let Some(why) = left_out(&name, &kind) {
            notes.push(why);
            continue;
        }
        match one(session, &Chosen::new(&name, None, Some(kind)), verb) {
            Ok(delivery) => deliveries.push(delivery),
            Err(error) => failures.push(Failed {
                name,
                why: format!("{error:#}"),
            }),
        }
    }
    Ok(deliveries)
}

fn row(delivery: &Delivery, file: &Path, steps: Vec<String>) -> Row {
    let entry = &delivery.entry;
    Row {
        name: entry.name.clone(),
        version: entry.version.to_string(),
        kind: entry.kind.name().to_owned(),
        source: entry.repository.clone(),
        digest: entry.content.digest.to_string(),
        signed_by: delivery.verdict.by().to_vec(),
        fetched: delivery.was_fetched(),
        file: file.display().to_string(),
        steps,
    }
}

/// Copies a file into a folder, whole or not at all.
fn copied(file: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    let Some(name) = file.file_name() else {
        bail!("{} has no name", file.display());
    };
    let target = folder.join(name);
    let place = tempfile::NamedTempFile::new_in(folder)?;
    fs::copy(file, place.path()).with_context(|| format!("failed to copy {}", file.display()))?;
    place
        .persist(&target)
        .with_context(|| format!("failed to write {}", target.display()))?;
    Ok(target)
}

/// What the lock file of the working folder pins; nothing, where there is none.
pub(super) fn locked() -> Result<Vec<(String, semver::Version)>> {
    match fs::read_to_string(LOCK) {
        Ok(text) => {
            let lock = Lock::read(&text).with_context(|| LOCK.to_owned())?;
            Ok(lock
                .packages
                .into_iter()
                .map(|one| (one.name, one.version))
                .collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context(format!("failed to read {LOCK}")),
    }
}
