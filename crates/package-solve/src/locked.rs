//! Resolutions and the lock file.

use std::fmt;

use super::{Solution, Universe};
use extension_registry_package_format::lock::Lock;

/// A difference between a lock file and a new resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is required but not locked.
    New(String),
    /// It is locked but not required.
    Gone(String),
    /// Another version would be selected.
    Version {
        /// Name of the package.
        name: String,
        /// The locked version.
        locked: semver::Version,
        /// The version that would be selected.
        now: semver::Version,
    },
    /// It would come from another repository.
    Repository {
        /// Name of the package.
        name: String,
        /// The locked repository.
        locked: String,
        /// The repository that it would come from.
        now: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(name) => write!(formatter, "{name} is required but not locked"),
            Self::Gone(name) => write!(formatter, "{name} is locked but not required"),
            Self::Version { name, locked, now } => {
                write!(
                    formatter,
                    "{name} is locked to {locked}, but would resolve to {now}"
                )
            }
            Self::Repository { name, locked, now } => {
                write!(
                    formatter,
                    "{name} is locked to repository {locked}, but would come from {now}"
                )
            }
        }
    }
}

impl Universe {
    /// Prefers locked versions where they match.
    pub fn prefer(&mut self, lock: &Lock) {
        for one in &lock.packages {
            let preferred = (one.version.clone(), one.repository.clone());
            self.preferred.insert(one.name.clone(), preferred);
        }
    }
}

impl Solution {
    /// Compares a lock with this resolution.
    #[must_use]
    pub fn differences(&self, lock: &Lock) -> Vec<Difference> {
        let mut differences = Vec::new();
        for chosen in &self.chosen {
            let name = || chosen.name.clone();
            let Some(locked) = lock.get(&chosen.name) else {
                differences.push(Difference::New(name()));
                continue;
            };
            if locked.version != chosen.version {
                differences.push(Difference::Version {
                    name: name(),
                    locked: locked.version.clone(),
                    now: chosen.version.clone(),
                });
            }
            if let Some(now) = chosen.origin.repository()
                && now != locked.repository
            {
                differences.push(Difference::Repository {
                    name: name(),
                    locked: locked.repository.clone(),
                    now: now.to_owned(),
                });
            }
        }
        for one in &lock.packages {
            if self.get(&one.name).is_none() {
                differences.push(Difference::Gone(one.name.clone()));
            }
        }
        differences
    }
}
