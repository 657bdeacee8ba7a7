//! The lock file, `extensions.lock`: the resolved versions and their digests.
//!
//! It makes installs reproducible. A locked version whose content has changed is an error.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use extension_registry_core::diagnostic::Explain;
use serde::{Deserialize, Serialize};

use crate::atomic::{self, Purpose};
use crate::digest::Digest;

/// Name of a lock file.
pub const FILE: &str = "extensions.lock";

/// Format version of the file.
const FORM: u32 = 1;

/// The resolved packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Packages, sorted by name and type.
    pub packages: Vec<Locked>,
}

/// A resolved package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Locked {
    /// Name of the package.
    pub name: String,
    /// Type of the package.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the package.
    pub version: semver::Version,
    /// Repository that it came from.
    pub repository: String,
    /// Location in the repository.
    pub locator: String,
    /// Digest of its content.
    pub content: Digest,
    /// Digest of its manifest as JSON, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Digest>,
    /// Digest of its document, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
    /// Digest of its OCI manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// Names of the keys that signed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// Names of the packages that depend on it.
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

/// Why a lock file is invalid.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum LockError {
    /// It is not valid TOML, or a field is invalid.
    #[error("line {line}, column {column}: {message}")]
    Toml {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The message.
        message: String,
    },
    /// Its format version is not supported.
    #[error("unsupported lock file version {0}: expected {FORM}")]
    Version(u32),
    /// A package is listed twice.
    #[error("duplicate package `{0}`")]
    Twice(String),
}

impl Explain for LockError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Toml { .. } | Self::Twice(_) => {
                "restore the lock file from version control, or delete it and pull with --lock"
            }
            Self::Version(_) => "upgrade kubectl-ext",
        };
        vec![hint.to_owned()]
    }
}

/// Why a lock file cannot be loaded.
#[derive(thiserror::Error, Debug)]
pub enum LoadError {
    /// It cannot be read.
    #[error("failed to read {path}", path = path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        #[source]
        error: io::Error,
    },
    /// It is invalid.
    #[error("{path}", path = path.display())]
    Invalid {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        #[source]
        error: LockError,
    },
}

impl Lock {
    /// Loads a lock file; None if it does not exist.
    ///
    /// # Errors
    /// Returns an error if it cannot be read, or is invalid.
    pub fn load(path: &Path) -> Result<Option<Self>, LoadError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let path = path.to_owned();
                return Err(LoadError::Read { path, error });
            }
        };
        let lock = Self::read(&text).map_err(|error| LoadError::Invalid {
            path: path.to_owned(),
            error,
        });
        lock.map(Some)
    }

    /// Writes the lock file atomically.
    ///
    /// # Errors
    /// Returns an error if its folder is not writable.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        atomic::write_bytes(path, Purpose::Document, self.to_text().as_bytes())
    }

    /// Parses a lock file.
    ///
    /// # Errors
    /// Returns an error with its position if it is invalid.
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

    /// Formats the lock file deterministically, whatever the order of the packages.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        let wire = Wire {
            version: FORM,
            packages: sorted.packages,
        };
        // Strings and numbers always serialize.
        let text = toml::to_string(&wire).unwrap_or_default();
        format!(
            "# Written by `kubectl ext package pull --lock`. Keep it in version control.\n{text}"
        )
    }

    /// Returns the package of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Locked> {
        self.packages.iter().find(|one| one.name == name)
    }

    fn sort(&mut self) {
        self.packages
            .sort_by(|left, right| (&left.name, &left.kind).cmp(&(&right.name, &right.kind)));
    }
}

/// A locked version has changed.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error(
    "{name} {version} in {repository} differs from the locked package: {part} is {now}, but {locked} is locked"
)]
pub struct LockMismatch {
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: semver::Version,
    /// Name of the repository.
    pub repository: String,
    /// The changed part: `content`, `configuration`, `document`.
    pub part: &'static str,
    /// The actual digest.
    pub now: String,
    /// The locked digest.
    pub locked: Digest,
}

impl Explain for LockMismatch {
    fn hints(&self) -> Vec<String> {
        vec!["ask the publisher why the package changed, or pass --force with --lock to accept the change".to_owned()]
    }
}

impl Locked {
    /// Checks that a version matches the lock.
    ///
    /// # Errors
    /// Returns an error if it differs.
    pub fn check(
        &self,
        content: Option<Digest>,
        configuration: Option<Digest>,
        document: Option<Digest>,
    ) -> Result<(), Box<LockMismatch>> {
        let parts = [
            // Content without a reported digest can be compared only after it was downloaded.
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
                return Err(Box::new(LockMismatch {
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
