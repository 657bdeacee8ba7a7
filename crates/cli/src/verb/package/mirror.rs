//! The verb `package mirror`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_registry_core::diagnostic::{Explain, Failure, Note};
use extension_registry_packages::catalog::{Catalog, ResolvedVersion};
use extension_registry_packages::mirror::{Copied, copy};
use extension_registry_packages::repository::Repository;
use extension_registry_packages::repository::folder::{Folder, Settings};
use extension_registry_packages::spec::Spec;
use schemars::JsonSchema;
use serde::Serialize;

use super::dependencies::{pair, plan_of};
use crate::exit::ExitStatus;
use crate::flags::{Chosen, Format, Sources, named};
use crate::output;
use crate::output::Answer;
use crate::packages::{Bar, Session, check_online, skipped};
use crate::report::human::{note, print_warnings};

#[derive(Debug, Args)]
pub(crate) struct Mirror {
    /// Names of packages, or NAME@RANGE for a version; default is all packages
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Target repository of the configuration, or a directory
    #[arg(long, value_name = "REPOSITORY")]
    to: String,
    /// Copy all versions, not only the newest matching one
    #[arg(long)]
    all_versions: bool,
    /// Approve a repository for a dependency; may be repeated
    #[arg(long, value_name = "DEPENDENCY@REPOSITORY", value_parser = pair)]
    approve: Vec<(String, String)>,
    /// Replace versions that exist with different content
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    sources: Sources,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// A package to copy.
#[derive(JsonSchema, Serialize)]
struct Row {
    name: String,
    /// Absent if none was found
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    outcome: Outcome,
    /// Why it failed
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Clone, Copy, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Copied,
    WasThere,
    Failed,
}

/// Result of copying packages.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mirrored {
    repository: String,
    packages: Vec<Row>,
    /// Whether the index was copied
    index_copied: bool,
}

impl Answer for Mirrored {
    fn names(&self) -> Vec<String> {
        let done = self.packages.iter();
        let done = done.filter(|row| row.outcome != Outcome::Failed);
        done.map(|row| row.name.clone()).collect()
    }

    fn table(&self, out: &mut Vec<u8>) -> Result<()> {
        for row in &self.packages {
            let (name, version) = (&row.name, row.version.as_deref().unwrap_or_default());
            match row.outcome {
                Outcome::Copied => output::write_line!(out, "{name} {version} copied")?,
                Outcome::WasThere => output::write_line!(out, "{name} {version} already exists")?,
                Outcome::Failed => {}
            }
        }
        if self.index_copied {
            output::write_line!(out, "index copied")?;
        }
        Ok(())
    }
}

pub(crate) fn run(verb: &Mirror, out: &mut Vec<u8>) -> Result<ExitStatus> {
    let mut session = Session::open(&verb.sources)?;
    check_online(session.offline)?;
    let target = target(&session, &verb.to)?;
    let whole = session.workspace.catalog.clone();
    // Packages from the target need not be copied to it.
    session.workspace.catalog = whole.without(target.id());
    let mut reported = BTreeSet::new();
    let (selected, is_all) = selected(verb, &session, &mut reported)?;
    let loader = session.loader();
    let (mut packages, mut done) = (Vec::new(), BTreeSet::new());
    for chosen in selected {
        let is_alone = is_all && verb.all_versions;
        let sightings = match plan(verb, &session, &whole, &chosen, is_alone, &mut reported) {
            Ok(sightings) => sightings,
            Err(error) => {
                packages.push(failed(&chosen.name, &error)?);
                continue;
            }
        };
        for resolved in sightings {
            if resolved.source.id() == target.id() {
                continue;
            }
            let manifest = &resolved.spec.manifest;
            let (name, version) = (manifest.name.clone(), manifest.version.to_string());
            if !done.insert((
                manifest.kind.name().to_owned(),
                name.clone(),
                version.clone(),
            )) {
                continue;
            }
            let copied = session.transfer(async {
                let bar = Bar::new(&resolved.spec.title());
                let delivery = loader.fetch(&resolved, false, &bar).await?;
                print_warnings(&delivery.warnings)?;
                Ok(copy(
                    &delivery,
                    &session.workspace.cache,
                    &*target,
                    verb.force,
                    &bar,
                )
                .await?)
            });
            packages.push(match copied {
                Ok(copied) => Row {
                    name,
                    version: Some(version),
                    outcome: match copied {
                        Copied::New => Outcome::Copied,
                        Copied::Known => Outcome::WasThere,
                    },
                    why: None,
                },
                Err(error) => failed(&name, &error)?,
            });
        }
    }
    let is_whole = packages.iter().all(|row| row.outcome != Outcome::Failed);
    let data = Mirrored {
        repository: target.id().to_owned(),
        index_copied: is_all && is_whole && verb.all_versions && index(&session, &*target)?,
        packages,
    };
    output::answer(out, verb.output, &data)?;
    Ok(if is_whole {
        ExitStatus::Success
    } else {
        ExitStatus::Partial
    })
}

/// Plans the copy of a package with its dependencies; with all packages, dependencies are included anyway.
fn plan<'s>(
    verb: &Mirror,
    session: &'s Session,
    whole: &'s Catalog,
    chosen: &Chosen,
    is_alone: bool,
    reported: &mut BTreeSet<Note>,
) -> Result<Vec<ResolvedVersion<'s>>> {
    let (range, kind) = (chosen.range()?, chosen.kind());
    let resolved = session.query(async {
        let found = session
            .workspace
            .catalog
            .find(&chosen.name, &range, kind.as_ref());
        Ok(found.await?)
    })?;
    print_new(reported, &resolved.warnings)?;
    if is_alone {
        return Ok(vec![resolved]);
    }
    // The target may contain the dependencies, and be the System Repository.
    let planned = plan_of(session, whole, &resolved, &verb.approve);
    // The hint names `pull`; the flag is the same here.
    let planned = planned.map_err(|error| {
        let renamed = |text: &str| text.replace("ext package pull", "ext package mirror");
        let named = note(&error);
        let failure = Failure::new(renamed(&named.message));
        let hints = named.hints.iter().map(|hint| renamed(hint));
        hints.fold(failure, Failure::hint)
    })?;
    print_new(reported, &planned.gathered.warnings)?;
    let chosen = planned.solution.chosen.iter();
    let resolved = chosen.map(|one| Ok(planned.resolved(whole, one)?));
    resolved.collect()
}

/// Prints each warning once: all packages query the same sources.
fn print_new(reported: &mut BTreeSet<Note>, warnings: &[Note]) -> Result<()> {
    let new = warnings
        .iter()
        .filter(|warning| reported.insert((*warning).clone()));
    Ok(print_warnings(new)?)
}

fn failed(name: &str, error: &anyhow::Error) -> Result<Row> {
    let why = note(error);
    print_warnings([&why.clone().under(name)])?;
    Ok(Row {
        name: name.to_owned(),
        version: None,
        outcome: Outcome::Failed,
        why: Some(why.explained()),
    })
}

fn target(session: &Session, name: &str) -> Result<Arc<dyn Repository>> {
    if let Some(source) = session.workspace.catalog.source(name) {
        return Ok(Arc::clone(&source.repository));
    }
    let path = PathBuf::from(name);
    anyhow::ensure!(
        name.contains('/') || path.is_dir(),
        Failure::new(format!("unknown repository or directory `{name}`"))
            .hint("to create a directory, include a `/` in its path")
    );
    Ok(Arc::new(Folder::new(Settings {
        id: name.to_owned(),
        root: path,
    })))
}

/// Returns the packages to copy, and whether these are all.
fn selected(
    verb: &Mirror,
    session: &Session,
    reported: &mut BTreeSet<Note>,
) -> Result<(Vec<Chosen>, bool)> {
    let is_all = verb.names.is_empty();
    let given = verb.names.iter().map(|name| {
        let (name, range) = named(name);
        (name.to_owned(), range.map(str::to_owned), None)
    });
    let mut names: Vec<(String, Option<String>, Option<String>)> = given.collect();
    if is_all {
        let discovery = session.discover(None, true)?;
        print_new(reported, &discovery.warnings)?;
        if let Some(failure) = discovery.failures.first() {
            bail!(Failure::from(Note::of(failure)));
        }
        for listed in discovery.packages {
            match skipped(&listed.name, &listed.kind) {
                Some(why) => print_warnings(&[why])?,
                None => names.push((listed.name, None, Some(listed.kind))),
            }
        }
        names.dedup();
    }
    let mut selected = Vec::new();
    for (name, range, kind) in names {
        if verb.all_versions {
            let range = crate::flags::range(&name, range.as_deref())?;
            let found = session.versions(&name)?;
            for version in found.listing.versions.keys() {
                let is_of = |spec: &Spec| {
                    kind.as_deref()
                        .is_none_or(|kind| kind == spec.manifest.kind.name())
                };
                if !found.specs.get(version).is_none_or(is_of) {
                    continue;
                }
                let is_any = range.is_any();
                if is_any || extension_registry_packages::version::admits(&range, version) {
                    selected.push(Chosen::new(
                        &name,
                        Some(format!("={version}")),
                        kind.clone(),
                    ));
                }
            }
        } else {
            selected.push(Chosen::new(&name, range, kind));
        }
    }
    Ok((selected, is_all))
}

/// Copies the index with its signatures. It lists all packages, so it is copied only with all of them.
fn index(session: &Session, target: &dyn Repository) -> Result<bool> {
    let [source] = session.workspace.catalog.sources() else {
        let warning = Note::new("the index was not copied: the packages come from several sources");
        output::warn(&warning.hint("create one with `kubectl ext package index`"))?;
        return Ok(false);
    };
    session.transfer(async {
        let index = source
            .repository
            .index()
            .await
            .context("failed to read the index")?;
        if let Some(index) = &index {
            target.put_index(index).await?;
        }
        Ok(index.is_some())
    })
}
