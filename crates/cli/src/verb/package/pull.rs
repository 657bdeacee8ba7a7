//! The verb `package pull`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use extension_registry_core::diagnostic::{Explanation, Failure, Note};
use extension_registry_packages::atomic::{self, Purpose};
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::lock::{self, Lock};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, PlatformArgs, Sources, named};
use crate::output;
use crate::packages::{Bar, Session, skipped, unchecked};
use crate::report::human::{note, print_warnings};

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Names of packages, or NAME@RANGE for a version, e.g. mlflow@^1.2
    #[arg(value_name = "NAME", required_unless_present_any = ["all", "locked"], conflicts_with = "all")]
    names: Vec<String>,
    /// Version or range of a single package
    #[arg(long, value_name = "RANGE", conflicts_with = "all")]
    version: Option<String>,
    /// Type, to distinguish packages of the same name
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Pull all listed packages
    #[arg(long)]
    all: bool,
    /// Copy the files to this directory too
    #[arg(long, value_name = "DIRECTORY")]
    to: Option<PathBuf>,
    /// Download and verify them again, ignoring the cache
    #[arg(long)]
    force: bool,
    /// Show each step, and why the source was chosen
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    dependencies: super::dependencies::DependencyArgs,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A pulled package.
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
    /// Names of the trusted keys that signed it
    signed_by: Vec<String>,
    /// Whether content was downloaded, or was already cached
    fetched: bool,
    /// File of the content
    file: String,
    /// Steps of the delivery
    steps: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
struct Failed {
    name: String,
    #[schemars(with = "String")]
    why: Explanation,
}

#[derive(JsonSchema, Serialize)]
pub(crate) struct Pulled {
    packages: Vec<Row>,
    /// Packages that were not pulled, with `--all`
    failures: Vec<Failed>,
    /// Notes: newer incompatible versions, skipped optional packages
    #[schemars(with = "Vec<String>")]
    notes: Vec<Explanation>,
}

pub(crate) fn run(verb: &Pull, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let session = Session::open(&verb.sources)?;
    let mut failures = Vec::new();
    let mut notes = Vec::new();
    let deliveries = if verb.all {
        everything(verb, &session, &mut failures, &mut notes)?
    } else if verb.dependencies.is_asked() {
        let selected = selected(verb)?;
        verb.dependencies
            .pull(&session, &selected, verb.force, &mut notes)?
    } else {
        let mut deliveries = Vec::new();
        for chosen in selected(verb)? {
            deliveries.push(one(&session, &chosen, verb)?);
        }
        deliveries
    };
    notes.extend(unchecked(&deliveries, PlatformArgs::HINT));
    print_warnings(&notes)?;
    let mut rows = Vec::new();
    for delivery in &deliveries {
        print_warnings(&delivery.warnings)?;
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
        notes: notes.into_iter().map(Explanation).collect(),
    };
    show(verb, &data, out)?;
    for failed in &data.failures {
        print_warnings(&[failed.why.0.clone().under(&failed.name)])?;
    }
    Ok(if data.failures.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Partial
    })
}

fn show(verb: &Pull, data: &Pulled, out: &mut Vec<u8>) -> Result<()> {
    match verb.output {
        Format::Json => output::json(out, data)?,
        Format::Yaml => output::yaml(out, data)?,
        Format::Name => {
            for row in &data.packages {
                output::write_line!(out, "{}", row.name)?;
            }
        }
        Format::Table | Format::Wide => {
            for row in &data.packages {
                if verb.explain {
                    for step in &row.steps {
                        output::write_line!(out, "  {step}")?;
                    }
                }
                let how = if row.fetched {
                    "pulled"
                } else {
                    "is up to date"
                };
                output::write_line!(
                    out,
                    "{} {} {how}, sha256:{}",
                    row.name,
                    row.version,
                    row.digest
                )?;
                if verb.to.is_some() {
                    output::write_line!(out, "  {}", row.file)?;
                }
            }
        }
    }
    Ok(())
}

/// Returns the named packages.
fn selected(verb: &Pull) -> Result<Vec<Chosen>> {
    ensure!(
        verb.version.is_none() || verb.names.len() == 1,
        Failure::new("--version requires exactly one package").hint("use NAME@RANGE")
    );
    let mut selected = Vec::new();
    for name in &verb.names {
        let (name, range) = named(name);
        if let (Some(range), Some(_)) = (range, &verb.version) {
            let message = format!("both `{name}@{range}` and --version specify a version");
            bail!(Failure::new(message).hint("remove one of them"));
        }
        let range = range.map(str::to_owned).or_else(|| verb.version.clone());
        selected.push(Chosen::new(name, range, verb.kind.clone()));
    }
    Ok(selected)
}

/// Pulls the newest version from the sources, or with `--offline` from the cache.
fn one(session: &Session, chosen: &Chosen, verb: &Pull) -> Result<Delivery> {
    let platform = &verb.dependencies.platform;
    if session.offline {
        return session.delivered(chosen, platform, false);
    }
    let loader = session.loader().on(platform.known());
    session.transfer(async {
        let resolved = session.find(chosen).await?;
        let bar = Bar::new(&resolved.spec.title());
        Ok(loader.fetch(&resolved, verb.force, &bar).await?)
    })
}

/// Pulls the newest version of all listed packages. A failure does not stop the others; interrupted downloads
/// are resumed next time.
fn everything(
    verb: &Pull,
    session: &Session,
    failures: &mut Vec<Failed>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Delivery>> {
    let discovery = session.discover(None, true)?;
    print_warnings(&discovery.warnings)?;
    for failure in discovery.failures {
        failures.push(Failed {
            why: Explanation::of(&failure),
            name: failure.repository,
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
        if let Some(why) = skipped(&name, &kind) {
            notes.push(why);
            continue;
        }
        match one(session, &Chosen::new(&name, None, Some(kind)), verb) {
            Ok(delivery) => deliveries.push(delivery),
            Err(error) => failures.push(Failed {
                name,
                why: Explanation(note(&error)),
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

/// Copies a file to a folder atomically.
fn copied(file: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let Some(name) = file.file_name() else {
        bail!("invalid file name {}", file.display());
    };
    let target = folder.join(name);
    let mut source =
        File::open(file).with_context(|| format!("failed to read {}", file.display()))?;
    atomic::write(&target, Purpose::Document, |copy| {
        io::copy(&mut source, copy).map(drop)
    })
    .with_context(|| format!("failed to write {}", target.display()))?;
    Ok(target)
}

/// Returns the versions in the lock file of the working directory; empty if there is none.
pub(super) fn locked() -> Result<Vec<(String, semver::Version)>> {
    let lock = Lock::load(Path::new(lock::FILE))?.unwrap_or_default();
    let packages = lock.packages.into_iter();
    Ok(packages.map(|one| (one.name, one.version)).collect())
}
