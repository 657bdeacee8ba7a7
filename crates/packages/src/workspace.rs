//! What a configuration opens: the sources, the cache, the trust policy and the recorded states of indexes. The
//! command line and the server open the same.

use std::fmt;
use std::sync::Arc;

use extension_registry_core::diagnostic::{Explain, Note};
use jiff::Timestamp;

use crate::cache::Cache;
use crate::catalog::{Catalog, Indexes, ListingCache, OpenError, PackageSummary, Source};
use crate::config::{Config, Environment, Origin};
use crate::deliver::Loader;
use crate::index::{self, IndexStateStore};
use crate::manifest::Kind;
use crate::repository::IndexFile;
use crate::trust::{Policy, PolicyError};

/// Returns the current time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Creates the clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// Creates a clock that always returns the same time.
    #[must_use]
    pub fn stopped(at: Timestamp) -> Self {
        Self(Arc::new(move || at))
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// An opened configuration.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The configuration.
    pub config: Config,
    /// Its sources.
    pub catalog: Catalog,
    /// The local cache.
    pub cache: Cache,
    /// The trust policy.
    pub policy: Policy,
    /// Recorded states of indexes, which detect a rollback.
    pub memory: IndexStateStore,
    /// Time of each evaluation of trust, and of each listing.
    pub clock: Clock,
}

/// Why a configuration cannot be opened.
#[derive(thiserror::Error, Debug)]
pub enum WorkspaceError {
    /// A source cannot be used as configured.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The trust policy is invalid.
    #[error("the trust policy, {origin}")]
    Policy {
        /// Where it is set.
        origin: Origin,
        /// The cause.
        source: PolicyError,
    },
    /// The home folder is unknown.
    #[error("cannot determine the index state directory")]
    NoState,
}

impl Explain for WorkspaceError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Source(error) => error.hints(),
            // The cause has its own hints.
            Self::Policy { .. } => Vec::new(),
            Self::NoState => vec!["set HOME".to_owned()],
        }
    }
}

impl Workspace {
    /// Opens a configuration without sending a request, and returns warnings about its sources.
    ///
    /// # Errors
    /// Returns an error if a source cannot be used as configured, or the trust policy is invalid.
    pub fn open(
        config: Config,
        environment: &Environment,
        clock: Clock,
    ) -> Result<(Self, Vec<Note>), WorkspaceError> {
        let (catalog, warnings) = Catalog::open(&config, environment)?;
        let policy = match &config.trust {
            Some(trust) => Policy::read(&trust.value).map_err(|source| WorkspaceError::Policy {
                origin: trust.origin.clone(),
                source,
            })?,
            None => Policy::default(),
        };
        let state = environment.state_folder().ok_or(WorkspaceError::NoState)?;
        let mut memory = IndexStateStore::at(state.join("indexes.json"));
        for repository in &config.repositories {
            // Flags and variables may give the same name to another repository at any time.
            if matches!(
                repository.url.origin,
                Origin::Flag(_) | Origin::Environment(_)
            ) {
                memory = memory.by_place(&repository.name, &repository.url.value.to_string());
            }
        }
        let workspace = Self {
            cache: Cache::open(&config.cache.path.value),
            config,
            catalog,
            policy,
            memory,
            clock,
        };
        Ok((workspace, warnings))
    }

    /// Returns whether a version is in the cache.
    #[must_use]
    pub fn has(&self, kind: &str, name: &str, version: &semver::Version) -> bool {
        let found = self.cache.get(&Kind::of(kind), name, version);
        found.is_ok_and(|entry| entry.is_some())
    }

    /// Returns the cache of listings.
    #[must_use]
    pub fn listing_cache(&self, refresh: bool) -> ListingCache {
        let (folder, ttl) = (self.cache.listings(), self.config.cache.ttl.value);
        ListingCache::new(folder, ttl, self.clock.now(), refresh)
    }

    /// Returns the loader of packages.
    #[must_use]
    pub fn loader(&self) -> Loader<'_> {
        self.loader_into(&self.cache)
    }

    /// Returns a loader of packages that stores them in another cache.
    #[must_use]
    pub fn loader_into<'l>(&'l self, cache: &'l Cache) -> Loader<'l> {
        let most = self.config.cache.max_content.value;
        Loader::new(cache, &self.policy, self.clock.now(), most)
    }
}

impl Indexes for Workspace {
    fn read(
        &self,
        source: &Source,
        file: &IndexFile,
        warnings: &mut Vec<Note>,
    ) -> Option<Vec<PackageSummary>> {
        let now = self.clock.now();
        match index::open(&self.policy, &self.memory, source.id(), file, now) {
            Ok(opened) => {
                warnings.extend(opened.warnings.iter().map(Note::of));
                warnings.extend(
                    opened
                        .faults
                        .iter()
                        .map(|fault| Note::new(format!("index of {}: {fault}", source.id()))),
                );
                let packages = opened.index.packages.into_iter();
                Some(packages.map(|package| listed(source, package)).collect())
            }
            Err(error) => {
                // In one line, this ends the sentence: after the last hint, if there is one.
                let mut warning = Note::of(&error);
                let end = warning.hints.last_mut().unwrap_or(&mut warning.message);
                end.push_str("; falling back to listing packages one by one");
                warnings.push(warning);
                None
            }
        }
    }
}

fn listed(source: &Source, package: index::Package) -> PackageSummary {
    let versions = package
        .versions
        .into_iter()
        .filter(|one| one.yanked.is_none());
    PackageSummary {
        name: package.name,
        repository: source.id().to_owned(),
        kind: package.kind.name().to_owned(),
        description: package.description,
        keywords: package.keywords,
        license: package.license,
        versions: versions.map(|one| one.version).collect(),
    }
}
