//! What there is to choose from: the question, without an answer.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::version::VersionRange;

use super::platform::Platform;
use crate::manifest::{Dependency, Kind, Requirement};

/// A version of a package that could be chosen.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its version.
    pub version: semver::Version,
    /// Its type. [`Kind::Unsupported`] is never chosen (seed 001, use case 5).
    pub kind: Kind,
    /// Where it is.
    pub origin: Origin,
    /// Packages that come along.
    pub dependencies: Vec<Dependency>,
    /// What has to be there already.
    pub requires: Vec<Requirement>,
    /// Why it cannot be taken, as the end of a sentence that begins with it: `its signature is not trusted`,
    /// `it was withdrawn`, `it is not in the cache, and --offline fetches nothing`.
    pub barred: Option<String>,
}

/// Where a candidate is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// In a repository, by its id.
    Repository(String),
    /// Here already. It came from this repository, where anybody knows.
    Installed(Option<String>),
}

impl Origin {
    /// Id of the repository that it is in or came from.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Repository(id) => Some(id),
            Self::Installed(id) => id.as_deref(),
        }
    }

    /// Whether it is here already.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        matches!(self, Self::Installed(_))
    }
}

/// All that there is to choose from, and the rules of this place.
#[derive(Clone, Debug, Default)]
pub struct Universe {
    /// Candidates by name. A name without any was looked for and is nowhere.
    pub candidates: BTreeMap<String, Vec<Candidate>>,
    /// What is here, with its version where one is known: `kubernetes`, `docker`.
    pub platform: Platform,
    /// Id of the System Repository, from which every package may have its dependencies (seed 001, section
    /// 6.A).
    pub system: Option<String>,
    /// Ids of repositories, the one that comes first where several have the same version at the head. One
    /// that is not named comes after them, by its id.
    pub order: Vec<String>,
    /// Packages that a person lets come from a repository for whoever needs them: name and id of the
    /// repository.
    pub approved: BTreeSet<(String, String)>,
    /// Versions that are taken where they fit, before all others: those of a lock. By name, with the id of
    /// the repository.
    pub preferred: BTreeMap<String, (semver::Version, String)>,
}

impl Universe {
    /// Names that can matter to an answer and of which nothing was looked for yet. Whoever gathers candidates
    /// adds those of these names until there are none left.
    #[must_use]
    pub fn open(&self, wanted: &[Wanted]) -> BTreeSet<String> {
        let mut open = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
        while let Some(name) = next.pop() {
            if !seen.insert(name) {
                continue;
            }
            let Some(candidates) = self.candidates.get(name) else {
                open.insert(name.to_owned());
                continue;
            };
            let dependencies = candidates.iter().flat_map(|one| &one.dependencies);
            next.extend(dependencies.map(|dependency| dependency.name.as_str()));
        }
        open
    }
}

/// A package that somebody asks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Versions that will do.
    pub range: VersionRange,
    /// Its type, where one was named.
    pub kind: Option<Kind>,
    /// Id of the repository, where one was named.
    pub repository: Option<String>,
}
