//! What a package depends on: chosen, locked, pulled together or not at all.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use extension_registry_packages::catalog::Gathered;
use extension_registry_packages::deliver::Delivery;
use extension_registry_packages::lock::{Lock, Locked};
use extension_registry_packages::solve::{Chosen as Choice, Solution, Universe, Wanted, solve};

use super::pull::LOCK;
use crate::output;
use crate::packages::{Bar, Chosen, Session};

#[derive(Debug, Args)]
pub(crate) struct Needs {
    /// What they depend on comes along: all of it, or nothing
    #[arg(long, conflicts_with = "all")]
    with_deps: bool,
    /// Prefer what extensions.lock has, and write it; implies --with-deps
    #[arg(long, conflicts_with = "all")]
    lock: bool,
    /// Take what extensions.lock has and nothing else; anything that differs is an error
    #[arg(long, conflicts_with_all = ["all", "lock"])]
    locked: bool,
    /// Let a dependency come from another repository; may be repeated
    #[arg(long, value_name = "DEPENDENCY@REPOSITORY", value_parser = pair)]
    approve: Vec<(String, String)>,
    /// What is there where the packages are used: kubernetes=1.36.3, docker; may be repeated
    #[arg(long, value_name = "NAME[=VERSION]")]
    platform: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, repository) = text
        .split_once('@')
        .ok_or_else(|| "it has no `@`: write DEPENDENCY@REPOSITORY".to_owned())?;
    Ok((name.to_owned(), repository.to_owned()))
}

impl Needs {
    /// Whether more is wanted than the named packages alone.
    pub(super) fn is_asked(&self) -> bool {
        self.with_deps || self.lock || self.locked || !self.platform.is_empty()
    }

    /// Pulls packages with what they need, each after what it needs itself.
    pub(super) fn pull(
        &self,
        session: &Session,
        chosen: &[Chosen],
        force: bool,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Delivery>> {
        let lock = self.read()?;
        let mut wanted = Vec::new();
        for one in chosen {
            wanted.push(Wanted {
                name: one.name.clone(),
                range: one.range()?,
                kind: one.kind(),
                repository: None,
            });
        }
        if let (true, Some(lock)) = (wanted.is_empty(), &lock) {
            for one in lock
                .packages
                .iter()
                .filter(|one| one.requested_by.is_empty())
            {
                let range = format!("={}", one.version);
                wanted.push(Wanted {
                    name: one.name.clone(),
                    range: range.parse().with_context(|| one.name.clone())?,
                    kind: None,
                    repository: Some(one.repository.clone()),
                });
            }
        }
        let mut universe = Universe {
            approved: self.approve.iter().cloned().collect(),
            platform: self.platform(),
            ..Universe::default()
        };
        if let Some(lock) = &lock {
            lock.prefer(&mut universe);
        }
        let mut gathered = gather(session, &wanted, universe)?;
        output::warn(&gathered.warnings)?;
        if self.platform.is_empty() {
            notes.extend(unchecked(&mut gathered.universe));
        }
        let solution = solve(&wanted, &gathered.universe)?;
        notes.extend(solution.notes.iter().cloned());
        for left in &solution.left_out {
            notes.push(format!(
                "{} is optional and left out: {}",
                left.name, left.why
            ));
        }
        if let (true, Some(lock)) = (self.locked, &lock) {
            let differences = lock.differences(&solution);
            let lines: Vec<String> = differences.iter().map(|one| format!("  {one}")).collect();
            ensure!(
                differences.is_empty(),
                "{LOCK} does not fit what is wanted:\n{}\nhint: --lock writes it anew",
                lines.join("\n")
            );
        }
        let deliveries = deliver(
            session,
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
                    "there is no {LOCK} here; hint: --lock writes one"
                );
                Ok(None)
            }
            Err(error) => Err(error).context(format!("failed to read {LOCK}")),
        }
    }

    fn platform(&self) -> std::collections::BTreeMap<String, Option<String>> {
        let given = self.platform.iter().map(|text| match text.split_once('=') {
            Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
            None => (text.clone(), None),
        });
        let own = (
            "extension-registry".to_owned(),
            Some(env!("CARGO_PKG_VERSION").to_owned()),
        );
        std::iter::once(own).chain(given).collect()
    }
}

fn gather(session: &Session, wanted: &[Wanted], universe: Universe) -> Result<Gathered> {
    if session.offline {
        let system = session.config.system_repository();
        let system = system.map(|repository| repository.name.as_str());
        return Ok(Gathered::of_cache(
            &session.cache,
            system,
            wanted,
            universe,
        )?);
    }
    session.ask(async { Ok(session.catalog.gather(wanted, universe).await?) })
}

/// Where nobody says what is there, nothing is required of it, and that is said.
fn unchecked(universe: &mut Universe) -> Vec<String> {
    let mut names = BTreeSet::new();
    for candidate in universe.candidates.values_mut().flatten() {
        candidate.requires.retain(|one| {
            let is_known = universe.platform.contains_key(&one.name);
            if !is_known {
                names.insert(one.name.clone());
            }
            is_known
        });
    }
    let notes = names.into_iter().map(|name| {
        format!("packages require {name}, which was not checked; hint: --platform {name}=VERSION")
    });
    notes.collect()
}

fn deliver(
    session: &Session,
    gathered: &Gathered,
    solution: &Solution,
    lock: Option<&Lock>,
    force: bool,
) -> Result<Vec<Delivery>> {
    let loader = session.loader();
    let mut deliveries = Vec::new();
    for chosen in &solution.chosen {
        let locked = lock.and_then(|lock| lock.get(&chosen.name));
        let locked = locked.filter(|locked| locked.version == chosen.version);
        let delivery = if session.offline {
            let entry = session
                .cache
                .get(&chosen.kind, &chosen.name, &chosen.version)?;
            let Some(entry) = entry else {
                bail!(
                    "{} {} is no longer in the cache",
                    chosen.name,
                    chosen.version
                );
            };
            loader.known(entry)?
        } else {
            let origin = &chosen.origin;
            let sighting = gathered
                .sighting(&session.catalog, &chosen.name, &chosen.version, origin)
                .with_context(|| format!("{} {} is nowhere", chosen.name, chosen.version))?;
            if let Some(locked) = locked {
                let release = &sighting.spec.release;
                let document = release.document.as_ref().and_then(|blob| blob.digest);
                locked.check(
                    release.content.digest,
                    sighting.spec.configuration(),
                    document,
                )?;
            }
            let bar = Bar::new(&sighting.spec.title());
            session.transfer(async { Ok(loader.bring(&sighting, force, &bar).await?) })?
        };
        if let Some(locked) = locked {
            let entry = &delivery.entry;
            let configuration = (!entry.is_foreign).then_some(entry.configuration.digest);
            let document = entry.document.as_ref().map(|document| document.digest);
            locked.check(Some(entry.content.digest), configuration, document)?;
        }
        deliveries.push(delivery);
    }
    Ok(deliveries)
}

fn write(solution: &Solution, deliveries: &[Delivery]) -> Result<()> {
    let packages = solution
        .chosen
        .iter()
        .zip(deliveries)
        .map(|(chosen, one)| locked(chosen, one));
    let lock = Lock {
        packages: packages.collect(),
    };
    let file = tempfile::NamedTempFile::new_in(".").context("failed to write here")?;
    fs::write(file.path(), lock.to_text())?;
    file.persist(LOCK)
        .with_context(|| format!("failed to write {LOCK}"))?;
    Ok(())
}

fn locked(chosen: &Choice, delivery: &Delivery) -> Locked {
    let entry = &delivery.entry;
    Locked {
        name: entry.name.clone(),
        kind: entry.kind.name().to_owned(),
        version: entry.version.clone(),
        repository: entry.repository.clone(),
        locator: entry.locator.clone(),
        content: entry.content.digest,
        configuration: (!entry.is_foreign).then_some(entry.configuration.digest),
        document: entry.document.as_ref().map(|document| document.digest),
        manifest: entry.manifest,
        signed_by: delivery.verdict.by().to_vec(),
        requested_by: chosen.requested_by.clone(),
    }
}
