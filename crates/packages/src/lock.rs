//! The lock file, `extensions.lock`: which versions were chosen, and what they were to the byte.
//!
//! Whoever has it gets the same packages again. A version that is another package by now is an error and is not
//! followed (R75, R76).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::solve::{Solution, Universe};

/// The form that this program reads and writes.
const FORM: u32 = 1;

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The packages, sorted by name and type.
    pub packages: Vec<Locked>,
}

/// A package that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Locked {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its version.
    pub version: semver::Version,
    /// Id of the repository that it came from.
    pub repository: String,
    /// Where it is there.
    pub locator: String,
    /// Digest of its content.
    pub content: Digest,
    /// Digest of its manifest as JSON, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Digest>,
    /// Digest of its document, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
    /// Digest of the manifest around it, in an OCI registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// Names of the keys that vouched for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// Names of the packages that need it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requested_by: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    #[serde(default, rename = "package")]
    packages: Vec<Locked>,
}

/// Why a text is no lock file.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum LockError {
    /// It is no TOML, or a field is wrong.
    #[error(
        "line {line}, column {column}: {message}; hint: take it from version control, or remove it and pull with --lock"
    )]
    Toml {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// It is of another form.
    #[error(
        "it is of version {0}, and this program reads version {FORM}; hint: take a newer program"
    )]
    Version(u32),
    /// A package is there twice.
    #[error(
        "`{0}` is there twice; hint: take it from version control, or remove it and pull with --lock"
    )]
    Twice(String),
}

/// How a lock and what is there differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It would be chosen now, and is not locked.
    New(String),
    /// It is locked, and would not be chosen any more.
    Gone(String),
    /// Another version would be chosen.
    Version {
        /// The package.
        name: String,
        /// The version that is locked.
        locked: semver::Version,
        /// The version that would be chosen.
        now: semver::Version,
    },
    /// It would come from another repository.
    Repository {
        /// The package.
        name: String,
        /// Where it is locked to.
        locked: String,
        /// Where it would come from.
        now: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(name) => write!(formatter, "{name} is needed and not locked"),
            Self::Gone(name) => write!(formatter, "{name} is locked and not needed"),
            Self::Version { name, locked, now } => {
                write!(
                    formatter,
                    "{name} is locked to {locked}, and would be {now}"
                )
            }
            Self::Repository { name, locked, now } => {
                write!(
                    formatter,
                    "{name} is locked to {locked}, and would come from {now}"
                )
            }
        }
    }
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// When it is none; with the place.
    pub fn read(text: &str) -> Result<Self, LockError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let wrong = |error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            LockError::Toml {
                line: before.matches('\n').count() + 1,
                column: before
                    .rsplit('\n')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .count()
                    + 1,
                message: error.message().to_owned(),
            }
        };
        let head: Head = toml::from_str(text).map_err(|error| wrong(&error))?;
        if head.version != FORM {
            return Err(LockError::Version(head.version));
        }
        let wire: Wire = toml::from_str(text).map_err(|error| wrong(&error))?;
        let mut lock = Self {
            packages: wire.packages,
        };
        lock.sort();
        let twice = lock
            .packages
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name);
        match twice {
            Some(pair) => Err(LockError::Twice(pair[0].name.clone())),
            None => Ok(lock),
        }
    }

    /// The text of a lock file: the same for the same packages, in whatever order they are.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        let wire = Wire {
            version: FORM,
            packages: sorted.packages,
        };
        // Texts and numbers are always TOML.
        let text = toml::to_string(&wire).unwrap_or_default();
        format!(
            "# Written by `kubectl ext package pull --lock`. Keep it in version control.\n{text}"
        )
    }

    /// The package of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Locked> {
        self.packages.iter().find(|one| one.name == name)
    }

    /// Prefers what is locked, where it still fits.
    pub fn prefer(&self, universe: &mut Universe) {
        for one in &self.packages {
            let preferred = (one.version.clone(), one.repository.clone());
            universe.preferred.insert(one.name.clone(), preferred);
        }
    }

    /// How what is locked differs from what would be chosen now.
    #[must_use]
    pub fn differences(&self, solution: &Solution) -> Vec<Difference> {
        let mut differences = Vec::new();
        for chosen in &solution.chosen {
            let name = || chosen.name.clone();
            let Some(locked) = self.get(&chosen.name) else {
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
        for one in &self.packages {
            if solution.get(&one.name).is_none() {
                differences.push(Difference::Gone(one.name.clone()));
            }
        }
        differences
    }

    fn sort(&mut self) {
        self.packages
            .sort_by(|left, right| (&left.name, &left.kind).cmp(&(&right.name, &right.kind)));
    }
}

/// What was locked is another package by now.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error(
    "{name} {version} in {repository} is another package than the one that is locked: its {part} is {now}, and {locked} is locked; hint: ask whoever publishes it; --force with --lock takes the new one"
)]
pub struct Moved {
    /// The package.
    pub name: String,
    /// The version.
    pub version: semver::Version,
    /// Id of the repository.
    pub repository: String,
    /// `content`, `configuration`, `document`.
    pub part: &'static str,
    /// What it is now.
    pub now: String,
    /// What was locked.
    pub locked: Digest,
}

impl Locked {
    /// Whether a version is still what was locked.
    ///
    /// # Errors
    /// When it is something else.
    pub fn check(
        &self,
        content: Option<Digest>,
        configuration: Option<Digest>,
        document: Option<Digest>,
    ) -> Result<(), Box<Moved>> {
        let parts = [
            // A repository that knows no digest has to be fetched from before it can be compared.
            (
                "content",
                Some(self.content),
                content.or(Some(self.content)),
            ),
            ("configuration", self.configuration, configuration),
            ("document", self.document, document),
        ];
        for (part, locked, now) in parts {
            if let Some(locked) = locked
                && now != Some(locked)
            {
                return Err(Box::new(Moved {
                    name: self.name.clone(),
                    version: self.version.clone(),
                    repository: self.repository.clone(),
                    part,
                    now: now.map_or_else(|| "missing".to_owned(), |digest| digest.to_string()),
                    locked,
                }));
            }
        }
        Ok(())
    }
}
