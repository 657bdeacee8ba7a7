//! Resolves dependencies of packages, and delivers them together, or locks them.
//!
//! ```text
//! Request ──gather──> Gathered ──solve──> Plan ──deliver──> deliveries ──lock──> lock file
//! ```

use std::collections::BTreeSet;

use extension_registry_core::diagnostic::{Explain, Note, explained};
use extension_registry_core::version::RangeError;

use crate::cache::{Cache, CacheError, Entry, Selector};
use crate::catalog::{Catalog, FindError, Gathered, ResolvedVersion};
use crate::deliver::{self, DeliverError, Delivery, Loader};
use crate::lock::{self, Lock, LockMismatch, Locked};
use crate::progress::Progress;
use crate::solve::platform::Platform;
use crate::solve::{Chosen, Difference, RequestedPackage, Solution, Universe, Unsolvable, solve};

/// How a lock file affects a resolution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// There is no lock file.
    #[default]
    None,
    /// Its versions are preferred.
    Preferred(Lock),
    /// The solution must match it.
    Required(Lock),
}

impl Locking {
    fn lock(&self) -> Option<&Lock> {
        match self {
            Self::None => None,
            Self::Preferred(lock) | Self::Required(lock) => Some(lock),
        }
    }
}

/// Packages that are requested with their dependencies.
#[derive(Clone, Debug, Default)]
pub struct Request {
    packages: Vec<RequestedPackage>,
    locking: Locking,
    approved: BTreeSet<(String, String)>,
    platform: Platform,
    is_platform_known: bool,
}

impl Request {
    /// Requests packages. Without any, those are requested that the lock file lists for no other package.
    ///
    /// # Errors
    /// Returns an error if a locked version cannot be requested.
    pub fn new(
        mut packages: Vec<RequestedPackage>,
        locking: Locking,
    ) -> Result<Self, DependencyError> {
        if let (true, Some(lock)) = (packages.is_empty(), locking.lock()) {
            let direct = lock.packages.iter();
            let direct = direct.filter(|one| one.requested_by.is_empty());
            packages = direct.map(requested).collect::<Result<_, _>>()?;
        }
        Ok(Self {
            packages,
            locking,
            ..Self::default()
        })
    }

    /// Approves repositories for dependencies: the name of each dependency and of its repository.
    #[must_use]
    pub fn approve(self, approved: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            approved: approved.into_iter().collect(),
            ..self
        }
    }

    /// Sets the platform. Requirements on components that it does not name are unmet if `is_known`, otherwise
    /// they are not checked.
    #[must_use]
    pub fn on(self, platform: Platform, is_known: bool) -> Self {
        Self {
            platform,
            is_platform_known: is_known,
            ..self
        }
    }

    /// Gathers the candidates from the sources.
    ///
    /// # Errors
    /// Returns an error if a source that matters fails, or if sources contradict each other.
    pub async fn gather(&self, catalog: &Catalog) -> Result<Gathered, DependencyError> {
        Ok(catalog.gather(&self.packages, self.universe()).await?)
    }

    /// Gathers the candidates from the cache alone. `system` is the name of the System Repository; with `only`,
    /// entries of other repositories are ignored.
    ///
    /// # Errors
    /// Returns an error if the cache cannot be read, or if a requested package has two types and none was
    /// specified.
    pub fn gather_cached(
        &self,
        cache: &Cache,
        system: Option<&str>,
        only: Option<&[String]>,
    ) -> Result<Gathered, DependencyError> {
        let universe = self.universe();
        let gathered = Gathered::of_cache(cache, system, only, &self.packages, universe);
        Ok(gathered?)
    }

    fn universe(&self) -> Universe {
        let mut universe = Universe {
            approved: self.approved.clone(),
            platform: self.platform.clone(),
            ..Universe::default()
        };
        if let Some(lock) = self.locking.lock() {
            universe.prefer(lock);
        }
        universe
    }

    /// Selects a version of each package.
    ///
    /// # Errors
    /// Returns an error if there is no solution, or if it does not match the required lock file.
    pub fn solve(self, mut gathered: Gathered) -> Result<Plan, DependencyError> {
        if !self.is_platform_known {
            gathered.universe.ignore_unknown_components();
        }
        let solution = solve(&self.packages, &gathered.universe)?;
        if let Locking::Required(lock) = &self.locking {
            let differences = solution.differences(lock);
            if !differences.is_empty() {
                return Err(DependencyError::Outdated(differences));
            }
        }
        Ok(Plan {
            gathered,
            solution,
            locking: self.locking,
        })
    }
}

/// Requests a locked package again.
fn requested(locked: &Locked) -> Result<RequestedPackage, DependencyError> {
    let range = format!("={}", locked.version).parse();
    let range = range.map_err(|error| DependencyError::Range {
        name: locked.name.clone(),
        error,
    });
    Ok(RequestedPackage {
        name: locked.name.clone(),
        range: range?,
        kind: None,
        repository: Some(locked.repository.clone()),
    })
}

/// Selected packages, each after its dependencies.
#[derive(Debug)]
pub struct Plan {
    /// The candidates.
    pub gathered: Gathered,
    /// The selected ones.
    pub solution: Solution,
    locking: Locking,
}

impl Plan {
    /// Returns notes for the user: newer versions that cannot be used, choices between builds of a version, and
    /// optional packages that were skipped.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        let skipped = self.solution.skipped.iter().map(|left| {
            Note::new(format!(
                "skipped optional dependency {}: {}",
                left.name, left.why
            ))
        });
        self.solution
            .notes
            .iter()
            .map(Note::new)
            .chain(self.solution.builds.iter().cloned())
            .chain(skipped)
            .collect()
    }

    /// Returns a selected package in the source that it comes from.
    ///
    /// # Errors
    /// Returns an error if it comes from no source of the catalog.
    pub fn resolved<'c>(
        &self,
        catalog: &'c Catalog,
        chosen: &Chosen,
    ) -> Result<ResolvedVersion<'c>, DependencyError> {
        let (name, version) = (&chosen.name, &chosen.version);
        self.gathered
            .resolved(catalog, name, version, &chosen.origin)
            .ok_or_else(|| DependencyError::NoSource {
                name: name.clone(),
                version: version.clone(),
            })
    }

    /// Delivers all packages or none: if one fails, those that were added to the cache are removed again. What
    /// cannot be removed is added to `warnings`.
    ///
    /// Without a catalog, packages are delivered from the cache alone. With `force`, they are downloaded again,
    /// and may differ from the lock file. `progress` is called with the title of each package to download.
    ///
    /// # Errors
    /// Returns an error if a package cannot be delivered, or differs from the lock file.
    pub async fn deliver<P: Progress>(
        &self,
        loader: &Loader<'_>,
        catalog: Option<&Catalog>,
        force: bool,
        progress: impl Fn(&str) -> P,
        warnings: &mut Vec<Note>,
    ) -> Result<Vec<Delivery>, DependencyError> {
        let lock = self.locking.lock().filter(|_| !force);
        let cache = loader.cache();
        let mut deliveries = Vec::new();
        let mut new = Vec::new();
        for chosen in &self.solution.chosen {
            let before = cache.get(&chosen.kind, &chosen.name, &chosen.version);
            let is_new = matches!(before, Ok(None));
            let locked = lock.and_then(|lock| lock.get(&chosen.name));
            let locked = locked.filter(|locked| locked.version == chosen.version);
            let delivered = match catalog {
                Some(catalog) => {
                    self.download(loader, catalog, chosen, locked, force, &progress)
                        .await
                }
                None => cached(loader, chosen),
            };
            let checked = delivered.and_then(|delivery| {
                check(&delivery.entry, locked)?;
                Ok(delivery)
            });
            match checked {
                Ok(delivery) => {
                    if is_new {
                        new.push(delivery.entry.clone());
                    }
                    deliveries.push(delivery);
                }
                Err(error) => {
                    warnings.extend(remove(cache, new));
                    return Err(error);
                }
            }
        }
        Ok(deliveries)
    }

    async fn download<P: Progress>(
        &self,
        loader: &Loader<'_>,
        catalog: &Catalog,
        chosen: &Chosen,
        locked: Option<&Locked>,
        force: bool,
        progress: impl Fn(&str) -> P,
    ) -> Result<Delivery, DependencyError> {
        let resolved = self.resolved(catalog, chosen)?;
        let spec = &resolved.spec;
        if let Some(locked) = locked {
            let content = spec.release.content.digest;
            locked.check(content, spec.configuration(), spec.document())?;
        }
        let progress = progress(&spec.title());
        Ok(loader.fetch(&resolved, force, &progress).await?)
    }

    /// Returns the lock file of the delivered packages.
    #[must_use]
    pub fn lock(&self, deliveries: &[Delivery]) -> Lock {
        deliver::lock(&self.solution, deliveries)
    }
}

fn cached(loader: &Loader<'_>, chosen: &Chosen) -> Result<Delivery, DependencyError> {
    let (name, version) = (&chosen.name, &chosen.version);
    let entry = loader.cache().get(&chosen.kind, name, version);
    let entry = entry?.ok_or_else(|| DependencyError::NotCached {
        name: name.clone(),
        version: version.clone(),
    })?;
    Ok(loader.known(entry)?)
}

/// Checks that a delivered package matches the lock: its source may not have reported the digests.
fn check(entry: &Entry, locked: Option<&Locked>) -> Result<(), Box<LockMismatch>> {
    let Some(locked) = locked else { return Ok(()) };
    locked.check(
        Some(entry.content.digest),
        entry.own_configuration(),
        entry.document_digest(),
    )
}

/// Removes entries from the cache; returns what failed.
fn remove(cache: &Cache, entries: Vec<Entry>) -> Vec<Note> {
    let removed = entries.into_iter().map(|entry| {
        cache.clear(&Selector::Only {
            kind: Some(entry.kind),
            name: Some(entry.name),
            version: Some(entry.version),
        })
    });
    removed
        .filter_map(|removed| removed.err().map(|error| Note::of(&error)))
        .collect()
}

/// Why packages were not resolved or delivered together.
#[derive(thiserror::Error, Debug)]
pub enum DependencyError {
    /// The candidates cannot be gathered.
    #[error(transparent)]
    Find(#[from] FindError),
    /// There is no solution.
    #[error(transparent)]
    Unsolvable(#[from] Unsolvable),
    /// A package cannot be delivered.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// A package differs from the locked one.
    #[error(transparent)]
    Mismatch(#[from] Box<LockMismatch>),
    /// The solution does not match the lock file.
    #[error("{} does not match the requested packages:\n{}", lock::FILE, indented(.0))]
    Outdated(Vec<Difference>),
    /// The version of a locked package cannot be requested.
    #[error("{name}")]
    Range {
        /// Name of the package.
        name: String,
        /// The cause.
        #[source]
        error: RangeError,
    },
    /// A selected package comes from no source.
    #[error("{name} {version} not found in any source")]
    NoSource {
        /// Name of the package.
        name: String,
        /// Its version.
        version: semver::Version,
    },
    /// A package was removed from the cache after it was selected.
    #[error("{name} {version} is no longer in the cache")]
    NotCached {
        /// Name of the package.
        name: String,
        /// Its version.
        version: semver::Version,
    },
}

impl From<CacheError> for DependencyError {
    fn from(error: CacheError) -> Self {
        Self::Deliver(error.into())
    }
}

impl Explain for DependencyError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Find(error) => error.hints(),
            Self::Unsolvable(error) => error.hints(),
            Self::Deliver(error) => error.hints(),
            Self::Mismatch(error) => error.hints(),
            Self::Outdated(_) => vec!["update it with --lock".to_owned()],
            Self::Range { .. } | Self::NoSource { .. } | Self::NotCached { .. } => Vec::new(),
        }
    }

    /// Formats an explanation of several lines as the solver does.
    fn explained(&self) -> String {
        match self {
            Self::Unsolvable(error) => error.explained(),
            _ => explained(&self.to_string(), &self.hints()),
        }
    }
}

fn indented(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences.iter().map(|one| format!("  {one}")).collect();
    lines.join("\n")
}
