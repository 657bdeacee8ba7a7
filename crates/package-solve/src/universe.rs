//! The input of the solver.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::version::VersionRange;

use super::platform::Platform;
use extension_registry_package_format::manifest::{Dependency, Kind, Requirement};

/// A version of a package that may be selected.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its version.
    pub version: semver::Version,
    /// Its type. [`Kind::Unsupported`] is never selected.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
    /// Its dependencies.
    pub dependencies: Vec<Dependency>,
    /// Requirements on the platform.
    pub requires: Vec<Requirement>,
    /// Why it cannot be used, without a pronoun, since several versions can share a reason: `signed by an
    /// untrusted key`, `withdrawn`, `not in the cache, and --offline disables downloads`.
    pub rejection: Option<String>,
}

/// Where a candidate comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A repository, by its name.
    Repository(String),
    /// Already installed, from this repository if known.
    Installed(Option<String>),
}

impl Origin {
    /// Returns the repository that it is in or came from.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Repository(id) => Some(id),
            Self::Installed(id) => id.as_deref(),
        }
    }

    /// Returns whether it is already installed.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        matches!(self, Self::Installed(_))
    }
}

/// All candidates, and the rules for choosing between them.
#[derive(Clone, Debug, Default)]
pub struct Universe {
    /// Candidates by name. A name without any was searched for and not found.
    pub candidates: BTreeMap<String, Vec<Candidate>>,
    /// Components of the platform, with their versions if known: `kubernetes`, `docker`.
    pub platform: Platform,
    /// The System Repository, which may provide dependencies of any package.
    pub system: Option<String>,
    /// Repositories in order of preference for equal versions. Others come after them, by name.
    pub order: Vec<String>,
    /// Packages that the user approved as dependencies from a repository: name and repository.
    pub approved: BTreeSet<(String, String)>,
    /// Versions that are preferred over all others where they match, such as those of a lock file: by name,
    /// with the repository.
    pub preferred: BTreeMap<String, (semver::Version, String)>,
}

impl Universe {
    /// Returns names that may matter to the solution and were not searched for yet. Gathering ends when none
    /// are left.
    #[must_use]
    pub fn open(&self, wanted: &[RequestedPackage]) -> BTreeSet<String> {
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

    /// Drops requirements on components that the platform does not name.
    pub fn ignore_unknown_components(&mut self) {
        let platform = &self.platform;
        for candidate in self.candidates.values_mut().flatten() {
            let requires = &mut candidate.requires;
            requires.retain(|one| platform.contains_key(&one.name));
        }
    }
}

/// A requested package.
#[derive(Clone, Debug)]
pub struct RequestedPackage {
    /// Name of the package.
    pub name: String,
    /// The requested range.
    pub range: VersionRange,
    /// Type, if one was requested.
    pub kind: Option<Kind>,
    /// Repository, if one was requested.
    pub repository: Option<String>,
}
