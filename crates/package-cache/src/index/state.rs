//! Recorded index states, for rollback protection.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::atomic::{self, Purpose};
use serde::{Deserialize, Serialize};

use super::{Index, Series};
use extension_registry_package_format::digest::Digest;

/// Format version of the file.
const API_VERSION: &str = "packages.fuseml.io/index-memory/v1";

/// Records the series and the highest serial number of each repository in a file, which several processes can
/// share.
#[derive(Clone, Debug)]
pub struct IndexStateStore {
    path: PathBuf,
    /// Repositories that are identified by their location instead of their name.
    places: BTreeMap<String, String>,
}

/// Why an index is rejected, or its state cannot be recorded.
#[derive(thiserror::Error, Debug)]
pub enum IndexStateError {
    /// It has another series: it belongs to another repository, or the repository was re-created.
    #[error(
        "the index of {repository} belongs to another repository: expected series {seen}, got {offered}"
    )]
    Series {
        /// Name of the repository.
        repository: String,
        /// The recorded series.
        seen: Series,
        /// The received series.
        offered: Series,
    },
    /// It is older than a recorded one: newer versions may be withheld.
    #[error(
        "rollback of the index of {repository}: got serial {offered}, but {seen} was seen before"
    )]
    Rollback {
        /// Name of the repository.
        repository: String,
        /// The highest recorded serial number.
        seen: u64,
        /// The received serial number.
        offered: u64,
    },
    /// It differs from a recorded one with the same serial number.
    #[error(
        "conflicting indexes of {repository} with serial {serial}: got sha256 {offered}, but {seen} was seen before"
    )]
    Changed {
        /// Name of the repository.
        repository: String,
        /// The serial number.
        serial: u64,
        /// Digest of the recorded index.
        seen: Digest,
        /// Digest of the received index.
        offered: Digest,
    },
    /// The file is corrupt. It is not replaced: an attacker who can corrupt it could otherwise roll back
    /// indexes.
    #[error("the index state file {path} is corrupt: {why}")]
    Corrupt {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// The file cannot be opened, read or written.
    #[error("failed to {what} {path}: {error}")]
    File {
        /// The operation: `read`, `write`, `lock`.
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

impl Explain for IndexStateError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Series { repository, .. } => {
                return vec![format!(
                    "if the repository was re-created or moved, run `kubectl ext package forget {repository}`"
                )];
            }
            Self::Rollback { .. } => {
                "the mirror may be outdated: try again later, or use another mirror"
            }
            Self::Changed { .. } => {
                "ask the publisher of the repository which index is correct; if two publishers published at the same time, the next index resolves the conflict"
            }
            Self::Corrupt { .. } => "find out what modified it, then delete it",
            Self::File { what, .. } if *what != "read" => {
                "set XDG_STATE_HOME to a writable directory"
            }
            Self::File { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    api_version: String,
    repositories: BTreeMap<String, Seen>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Seen {
    series: Series,
    serial: u64,
    sha256: Digest,
}

impl IndexStateStore {
    /// Uses the state in this file, which need not exist.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            places: BTreeMap::new(),
        }
    }

    /// Identifies a repository by its location instead of its name. For repositories of flags and variables,
    /// whose names are the same for all locations.
    #[must_use]
    pub fn by_place(mut self, repository: &str, place: &str) -> Self {
        self.places.insert(repository.to_owned(), place.to_owned());
        self
    }

    /// Returns the key of a repository.
    fn key<'k>(&'k self, repository: &'k str) -> &'k str {
        self.places
            .get(repository)
            .map_or(repository, String::as_str)
    }

    /// Checks an index against the recorded state, without writing.
    ///
    /// # Errors
    /// Returns an error if it has another series, a lower serial number, or other content with the same serial
    /// number.
    pub fn check(
        &self,
        repository: &str,
        index: &Index,
        digest: Digest,
    ) -> Result<(), IndexStateError> {
        compare(&self.read()?, self.key(repository), index, digest)
    }

    /// Checks an index and records it before it is used, so that a crash in between loses nothing. Only for
    /// indexes with a verified signature: a forged one with a high serial number would block all successors.
    ///
    /// # Errors
    /// Returns an error as [`IndexStateStore::check`] does, or if the file cannot be written.
    pub fn remember(
        &self,
        repository: &str,
        index: &Index,
        digest: Digest,
    ) -> Result<(), IndexStateError> {
        let _lock = self.lock()?;
        let mut state = self.read()?;
        let repository = self.key(repository);
        compare(&state, repository, index, digest)?;
        let seen = Seen {
            series: index.series,
            serial: index.serial,
            sha256: digest,
        };
        let before = state.repositories.insert(repository.to_owned(), seen);
        if before.is_some_and(|before| before.serial == seen.serial) {
            return Ok(());
        }
        self.write(&state)
    }

    /// Removes the recorded state of a re-created repository, and returns whether there was any. The repository
    /// is given by its name, or by its location if it is identified by that.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or written.
    pub fn forget(&self, repository: &str) -> Result<bool, IndexStateError> {
        let _lock = self.lock()?;
        let mut state = self.read()?;
        if state.repositories.remove(self.key(repository)).is_none() {
            return Ok(false);
        }
        self.write(&state)?;
        Ok(true)
    }

    /// Returns the repositories with recorded state.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn repositories(&self) -> Result<Vec<String>, IndexStateError> {
        Ok(self.read()?.repositories.into_keys().collect())
    }

    /// Returns the highest recorded serial number of a repository.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn highest(&self, repository: &str) -> Result<Option<u64>, IndexStateError> {
        let state = self.read()?;
        let seen = state.repositories.get(self.key(repository));
        Ok(seen.map(|seen| seen.serial))
    }

    fn read(&self) -> Result<State, IndexStateError> {
        let corrupt = |why: String| IndexStateError::Corrupt {
            path: self.path.clone(),
            why,
        };
        let json = match fs::read(&self.path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(State {
                    api_version: API_VERSION.to_owned(),
                    repositories: BTreeMap::new(),
                });
            }
            Err(error) => return Err(self.failed("read", error)),
        };
        let state: State =
            serde_json::from_slice(&json).map_err(|error| corrupt(error.to_string()))?;
        if state.api_version != API_VERSION {
            return Err(corrupt("unsupported format version".to_owned()));
        }
        Ok(state)
    }

    /// Replaces the file atomically.
    fn write(&self, state: &State) -> Result<(), IndexStateError> {
        serde_json::to_vec(state)
            .map_err(io::Error::from)
            .and_then(|json| atomic::write_bytes(&self.path, Purpose::Private, &json))
            .map_err(|error| self.failed("write", error))
    }

    /// Takes the write lock. It is on a separate file, since the state file is replaced; the system releases it
    /// when the process ends.
    fn lock(&self) -> Result<File, IndexStateError> {
        let failed = |error| self.failed("lock", error);
        fs::create_dir_all(atomic::folder_of(&self.path)).map_err(failed)?;
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn failed(&self, what: &'static str, error: io::Error) -> IndexStateError {
        IndexStateError::File {
            what,
            path: self.path.clone(),
            error,
        }
    }
}

fn compare(
    state: &State,
    repository: &str,
    index: &Index,
    digest: Digest,
) -> Result<(), IndexStateError> {
    let Some(seen) = state.repositories.get(repository) else {
        return Ok(());
    };
    if index.series != seen.series {
        return Err(IndexStateError::Series {
            repository: repository.to_owned(),
            seen: seen.series,
            offered: index.series,
        });
    }
    if index.serial < seen.serial {
        return Err(IndexStateError::Rollback {
            repository: repository.to_owned(),
            seen: seen.serial,
            offered: index.serial,
        });
    }
    if index.serial == seen.serial && digest != seen.sha256 {
        return Err(IndexStateError::Changed {
            repository: repository.to_owned(),
            serial: index.serial,
            seen: seen.sha256,
            offered: digest,
        });
    }
    Ok(())
}
