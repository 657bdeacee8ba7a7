//! Combines several repositories into one catalog: which packages exist, in which versions, and where.
//!
//! All sources are queried concurrently. A source that fails does not hide the results of the others; the
//! failure is reported beside them.
//!
//! A package is identified by its name and type. It comes from the sources of the highest priority that have
//! it: a lower-priority source cannot override a package, even with a newer version and even while a
//! higher-priority one is unreachable. The same name and version must have the same content in every source,
//! whatever the priorities.

mod closure;
mod discover;
mod find;
mod gather;
mod listing_cache;
mod open;
mod search;

use std::sync::Arc;
use std::time::Duration;

use extension_registry_core::diagnostic::Note;

pub use closure::{MissingDependency, missing_dependencies};
pub use discover::{Discovery, Indexes, PackageSummary, SourceFailure, SourceReport};
pub use find::{FindError, ResolvedVersion, VersionListing};
pub use gather::Gathered;
pub(crate) use gather::candidate;
pub use listing_cache::ListingCache;
pub use open::OpenError;

use crate::repository::{Capabilities, Error, Release, Repository};
use crate::signature::Signature;
use crate::spec::Spec;

/// A repository with its settings from the configuration.
#[derive(Clone, Debug)]
pub struct Source {
    /// The repository.
    pub repository: Arc<dyn Repository>,
    /// Sources of higher priority come first.
    pub priority: i64,
    /// Whether it is the System Repository.
    pub is_system: bool,
    /// Time limit of one query: the versions of a package, its metadata, or a whole listing.
    pub timeout: Duration,
}

impl Source {
    /// Returns the name of the repository.
    #[must_use]
    pub fn id(&self) -> &str {
        self.repository.id()
    }

    /// Waits for a response for at most the timeout of the source: a source that accepts connections and never
    /// responds must not block the others.
    async fn with_timeout<T>(
        &self,
        what: String,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, query).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Unavailable {
                repository: self.id().to_owned(),
                what,
                why: format!("no response within {} s", self.timeout.as_secs_f32()),
                hint: "try again, or raise the `timeout` of the repository".to_owned(),
            }),
        }
    }

    /// Lists the versions of a package, unordered; empty if there is no such package.
    ///
    /// # Errors
    /// Returns an error if the source fails, or does not respond in time.
    pub async fn versions(&self, name: &str) -> Result<Vec<semver::Version>, Error> {
        let query = self.repository.versions(name);
        self.with_timeout(format!("list the versions of {name}"), query)
            .await
    }

    /// Reads the metadata of a version.
    ///
    /// # Errors
    /// Returns an error if there is no such version, the source fails, or does not respond in time.
    pub async fn spec(&self, name: &str, version: &semver::Version) -> Result<Spec, Error> {
        let query = self.repository.release(name, version);
        let release = self.with_timeout(format!("read {name} {version}"), query);
        Spec::of(&*self.repository, release.await?)
    }

    /// Reads the signatures of a release.
    ///
    /// # Errors
    /// Returns an error if the source fails, or does not respond in time.
    pub async fn signatures(&self, release: &Release) -> Result<Vec<Signature>, Error> {
        let what = format!(
            "read the signatures of {} {}",
            release.name, release.version
        );
        self.with_timeout(what, self.repository.signatures(release))
            .await
    }

    /// Reads the document of a release; None if it has none.
    ///
    /// # Errors
    /// Returns an error if the source fails, or does not respond in time.
    pub async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>, Error> {
        let what = format!("read the document of {} {}", release.name, release.version);
        self.with_timeout(what, self.repository.document(release))
            .await
    }

    /// Queries the capabilities of the source.
    ///
    /// # Errors
    /// Returns an error if the source fails, or does not respond in time.
    pub async fn probe(&self) -> Result<Capabilities, Error> {
        let what = "query its capabilities".to_owned();
        self.with_timeout(what, self.repository.probe()).await
    }
}

/// Sources of packages, ordered by priority.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    sources: Vec<Source>,
}

impl Catalog {
    /// Creates a catalog; sources of equal priority keep their order.
    #[must_use]
    pub fn new(mut sources: Vec<Source>) -> Self {
        sources.sort_by_key(|source| std::cmp::Reverse(source.priority));
        Self { sources }
    }

    /// Returns the sources, the highest priority first.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Returns the catalog without the source of this name.
    #[must_use]
    pub fn without(&self, id: &str) -> Self {
        let others = self.sources.iter().filter(|source| source.id() != id);
        Self {
            sources: others.cloned().collect(),
        }
    }

    /// Returns the source of this name.
    #[must_use]
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id() == id)
    }

    /// Returns the System Repository.
    #[must_use]
    pub fn system(&self) -> Option<&Source> {
        self.sources.iter().find(|source| source.is_system)
    }

    /// Drains the warnings that the sources have recorded since the last call.
    #[must_use]
    pub fn warnings(&self) -> Vec<Note> {
        let sources = self.sources.iter();
        sources
            .flat_map(|source| source.repository.warnings())
            .collect()
    }

    /// Returns the sources with this name or, failing that, of this kind; `local` is an alias of `folder`.
    #[must_use]
    pub fn only(&self, wanted: &str) -> Self {
        let wanted = if wanted == "local" { "folder" } else { wanted };
        let named: Vec<Source> = self
            .sources
            .iter()
            .filter(|one| one.id() == wanted)
            .cloned()
            .collect();
        if !named.is_empty() {
            return Self { sources: named };
        }
        let of_kind = self
            .sources
            .iter()
            .filter(|one| one.repository.kind().name() == wanted);
        Self {
            sources: of_kind.cloned().collect(),
        }
    }
}
