//! Many repositories as one: what there is, in which versions, and where (seed 003, "Discovery & Search").
//!
//! All sources are asked at the same time. One that does not answer takes nothing from the others: what is
//! missing is said beside what was found.
//!
//! A package is its name and its type. It is taken from the sources of the highest priority that have it. A source
//! of lower priority can then not bring a newer version of the same name under, not even while one above does not
//! answer. What two sources keep under the same name and version has to be the same content, whatever their
//! priorities are.

mod closure;
mod discover;
mod find;
mod gather;
mod lately;
mod open;
mod search;

use std::sync::Arc;
use std::time::Duration;

pub use closure::{Gap, gaps};
pub use discover::{Discovery, Failure, Indexes, Listed, Taken};
pub use find::{FindError, Found, Sighting};
pub use gather::Gathered;
pub use lately::Lately;
pub use open::OpenError;

use crate::repository::{Error, Repository};
use crate::spec::Spec;

/// A repository, and what the configuration says of it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The repository.
    pub repository: Arc<dyn Repository>,
    /// Higher is asked first.
    pub priority: i64,
    /// Whether it is the System Repository (seed 001, section 6.A).
    pub is_system: bool,
    /// How long an answer may take: the versions of a package, what is known of one, the whole of a listing.
    pub patience: Duration,
}

impl Source {
    /// Name of the repository.
    #[must_use]
    pub fn id(&self) -> &str {
        self.repository.id()
    }

    /// Waits for an answer, yet no longer than its patience lasts: a source that takes connections and says nothing
    /// must not keep the others waiting.
    async fn patiently<T>(
        &self,
        what: String,
        asking: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.patience, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Unavailable {
                repository: self.id().to_owned(),
                what,
                why: format!("no answer within {} s", self.patience.as_secs_f32()),
                hint: "try again, or raise its `timeout`".to_owned(),
            }),
        }
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>, Error> {
        let asking = self.repository.versions(name);
        self.patiently(format!("list the versions of {name}"), asking)
            .await
    }

    async fn spec(&self, name: &str, version: &semver::Version) -> Result<Spec, Error> {
        let asking = self.repository.release(name, version);
        let release = self.patiently(format!("read {name} {version}"), asking);
        Spec::of(&*self.repository, release.await?)
    }
}

/// Sources of packages.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    sources: Vec<Source>,
}

impl Catalog {
    /// Takes sources; those of equal priority stay in their order.
    #[must_use]
    pub fn new(mut sources: Vec<Source>) -> Self {
        sources.sort_by_key(|source| std::cmp::Reverse(source.priority));
        Self { sources }
    }

    /// The sources, the highest priority first.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// All sources but the one of this name.
    #[must_use]
    pub fn without(&self, id: &str) -> Self {
        let others = self.sources.iter().filter(|source| source.id() != id);
        Self {
            sources: others.cloned().collect(),
        }
    }

    /// The source of this name.
    #[must_use]
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id() == id)
    }

    /// The System Repository.
    #[must_use]
    pub fn system(&self) -> Option<&Source> {
        self.sources.iter().find(|source| source.is_system)
    }

    /// Only the sources with this name, or of this kind; `local` is another word for `folder`.
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
