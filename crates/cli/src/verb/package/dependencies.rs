//! Resolves dependencies of packages, and pulls or locks them together.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use extension_registry_core::diagnostic::{Failure, Note};
use extension_registry_packages::atomic::{self, Purpose};
use extension_registry_packages::cache::Selector;
use extension_registry_packages::catalog::{Catalog, Gathered, ResolvedVersion};
use extension_registry_packages::deliver::{self, Delivery, Loader};
use extension_registry_packages::lock::Lock;
use extension_registry_packages::solve::{
    Chosen as Choice, RequestedPackage, Solution, Universe, solve,
};

use crate::flags::{Chosen, PlatformArgs};
use crate::packages::{Bar, Session};
use crate::report::human::print_warnings;

/// Name of a lock file.
pub(super) const LOCK: &str = "extensions.lock";

#[derive(Debug, Args)]
pub(crate) struct DependencyArgs {
    /// Pull dependencies too: all or nothing
    #[arg(long, conflicts_with = "all")]
    with_deps: bool,
    /// Prefer versions in extensions.lock, and update it; implies --with-deps
    #[arg(long, conflicts_with = "all")]
    lock: bool,
    /// Pull exactly what extensions.lock lists; fail on any difference
    #[arg(long, conflicts_with_all = ["all", "lock"])]
    locked: bool,
    /// Approve a repository for a dependency; may be repeated; implies --with-deps
    #[arg(long, value_name = "DEPENDENCY@REPOSITORY", value_parser = pair, conflicts_with = "all")]
    approve: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) platform: PlatformArgs,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, repository) = text
        .split_once('@')
        .ok_or_else(|| "expected DEPENDENCY@REPOSITORY".to_owned())?;
    Ok((name.to_owned(), repository.to_owned()))
}

impl DependencyArgs {
    /// Returns whether dependency resolution is requested.
    pub(super) fn is_asked(&self) -> bool {
        self.with_deps
            || self.lock
            || self.locked
            || self.platform.is_given()
            || !self.approve.is_empty()
    }

    /// Pulls packages with their dependencies, each after its own dependencies.
    pub(super) fn pull(
        &self,
        session: &Session,
        chosen: &[Chosen],
        force: bool,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<Delivery>> {
        let lock = self.read()?;
        let mut requested = Vec::new();
        for one in chosen {
            requested.push(RequestedPackage {
                name: one.name.clone(),
                range: one.range()?,
                kind: one.kind(),
                repository: None,
            });
        }
        if let (true, Some(lock)) = (requested.is_empty(), &lock) {
            for one in lock
                .packages
                .iter()
                .filter(|one| one.requested_by.is_empty())
            {
                let range = format!("={}", one.version);
                requested.push(RequestedPackage {
                    name: one.name.clone(),
                    range: range.parse().with_context(|| one.name.clone())?,
                    kind: None,
                    repository: Some(one.repository.clone()),
                });
            }
        }
        let mut universe = Universe {
            approved: self.approve.iter().cloned().collect(),
            platform: self.platform.known(),
            ..Universe::default()
        };
        if let Some(lock) = &lock {
            universe.prefer(lock);
        }
        let mut gathered = gather(session, &requested, universe)?;
        print_warnings(&gathered.warnings)?;
        if !self.platform.is_given() {
            gathered.universe.ignore_unknown_components();
        }
        let solution = solve(&requested, &gathered.universe)?;
        notes.extend(solution.notes.iter().map(Note::new));
        for left in &solution.skipped {
            notes.push(Note::new(format!(
                "skipped optional dependency {}: {}",
                left.name, left.why
            )));
        }
        if let (true, Some(lock)) = (self.locked, &lock) {
            let differences = solution.differences(lock);
            let lines: Vec<String> = differences.iter().map(|one| format!("  {one}")).collect();
            ensure!(
                differences.is_empty(),
                Failure::new(format!(
                    "{LOCK} does not match the requested packages:\n{}",
                    lines.join("\n")
                ))
                .hint("update it with --lock")
            );
        }
        let deliveries = deliver(
            session,
            &self.platform,
            &gathered,
            &solution,
            lock.as_ref().filter(|_| !force),
            force,
        )?;
        if self.lock {
            write(&solution, &deliveries)?;
        }
        Ok(deliveries)
    }

    fn read(&self) -> Result<Option<Lock>> {
        if !self.lock && !self.locked {
            return Ok(None);
        }
        match fs::read_to_string(LOCK) {
            Ok(text) => Ok(Some(Lock::read(&text).with_context(|| LOCK.to_owned())?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                ensure!(
                    !self.locked,
                    Failure::new(format!("{LOCK} not found")).hint("create it with --lock")
                );
                Ok(None)
            }
            Err(error) => Err(error).context(format!("failed to read {LOCK}")),
        }
    }
}

fn gather(
    session: &Session,
    requested: &[RequestedPackage],
    universe: Universe,
) -> Result<Gathered> {
    if session.offline {
        let system = session.config.system_repository();
        let system = system.map(|repository| repository.name.as_str());
        return Ok(Gathered::of_cache(
            &session.cache,
            system,
            session.only.as_deref(),
            requested,
            universe,
        )?);
    }
    session.query(async { Ok(session.catalog.gather(requested, universe).await?) })
}

/// Returns a package and its dependencies, each after its own dependencies, for any platform.
pub(super) fn along(
    session: &Session,
    catalog: &Catalog,
    resolved: &ResolvedVersion<'_>,
    approved: &[(String, String)],
) -> Result<(Gathered, Solution)> {
    let manifest = &resolved.spec.manifest;
    let requested = [RequestedPackage {
        name: manifest.name.clone(),
        range: crate::flags::range(&manifest.name, Some(&format!("={}", manifest.version)))?,
        kind: Some(manifest.kind.clone()),
        repository: Some(resolved.source.id().to_owned()),
    }];
    let universe = Universe {
        approved: approved.iter().cloned().collect(),
        ..Universe::default()
    };
    let mut gathered = session.query(async { Ok(catalog.gather(&requested, universe).await?) })?;
    gathered.universe.ignore_unknown_components();
    let solution = solve(&requested, &gathered.universe)?;
    Ok((gathered, solution))
}

/// Delivers all packages or none: if one fails, those delivered before are removed again.
fn deliver(
    session: &Session,
    platform: &PlatformArgs,
    gathered: &Gathered,
    solution: &Solution,
    lock: Option<&Lock>,
    force: bool,
) -> Result<Vec<Delivery>> {
    let loader = session.loader().on(platform.known());
    let mut deliveries = Vec::new();
    let mut new = Vec::new();
    for chosen in &solution.chosen {
        let was_there = session
            .cache
            .get(&chosen.kind, &chosen.name, &chosen.version);
        let was_there = !matches!(was_there, Ok(None));
        match one(session, &loader, gathered, chosen, lock, force) {
            Ok(delivery) => {
                if !was_there {
                    new.push(delivery.entry.clone());
                }
                deliveries.push(delivery);
            }
            Err(error) => {
                for entry in new {
                    let cleared = session.cache.clear(&Selector::Only {
                        kind: Some(entry.kind),
                        name: Some(entry.name),
                        version: Some(entry.version),
                    });
                    if let Err(left) = cleared {
                        print_warnings(&[Note::of(&left)])?;
                    }
                }
                return Err(error);
            }
        }
    }
    Ok(deliveries)
}

fn one(
    session: &Session,
    loader: &Loader<'_>,
    gathered: &Gathered,
    chosen: &Choice,
    lock: Option<&Lock>,
    force: bool,
) -> Result<Delivery> {
    let (name, version) = (&chosen.name, &chosen.version);
    let locked = lock.and_then(|lock| lock.get(name));
    let locked = locked.filter(|locked| locked.version == *version);
    let delivery = if session.offline {
        let entry = session.cache.get(&chosen.kind, name, version)?;
        let entry = entry.with_context(|| format!("{name} {version} is no longer in the cache"))?;
        loader.known(entry)?
    } else {
        let resolved = gathered
            .resolved(&session.catalog, name, version, &chosen.origin)
            .with_context(|| format!("{name} {version} not found in any source"))?;
        if let Some(locked) = locked {
            let spec = &resolved.spec;
            let content = spec.release.content.digest;
            locked.check(content, spec.configuration(), spec.document())?;
        }
        let bar = Bar::new(&resolved.spec.title());
        session.transfer(async { Ok(loader.fetch(&resolved, force, &bar).await?) })?
    };
    if let Some(locked) = locked {
        let entry = &delivery.entry;
        locked.check(
            Some(entry.content.digest),
            entry.own_configuration(),
            entry.document_digest(),
        )?;
    }
    Ok(delivery)
}

fn write(solution: &Solution, deliveries: &[Delivery]) -> Result<()> {
    let lock = deliver::lock(solution, deliveries);
    atomic::write_bytes(
        Path::new(LOCK),
        Purpose::Document,
        lock.to_text().as_bytes(),
    )
    .with_context(|| format!("failed to write {LOCK} in the working directory"))
}
