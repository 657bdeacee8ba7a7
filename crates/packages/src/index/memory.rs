//! What was seen of indexes, so that nobody can show an old one again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Index, Series};
use crate::digest::Digest;

/// The form of the file.
const API_VERSION: &str = "packages.fuseml.io/index-memory/v1";

/// Remembers the series and the highest serial number of each repository in a file. Several processes can share one.
#[derive(Clone, Debug)]
pub struct Memory {
    path: PathBuf,
    /// Ids of repositories that are remembered by something else.
    places: BTreeMap<String, String>,
}

/// Why an index is not used, or cannot be remembered.
#[derive(thiserror::Error, Debug)]
pub enum MemoryError {
    /// It is of another series than those that were seen: the index of another repository, or of one that began
    /// anew.
    #[error(
        "{repository} shows the index of another repository: its series is {offered}, and {seen} was seen before; hint: if it began anew or has another address now, `kubectl ext package forget {repository}`"
    )]
    Series {
        /// Id of the repository.
        repository: String,
        /// The series that was seen.
        seen: Series,
        /// The one that is there now.
        offered: Series,
    },
    /// A newer one was seen before: somebody shows an old one, to hide what is new.
    #[error(
        "rollback: {repository} shows its index {offered}, and index {seen} was seen before; hint: a mirror may be late, so try again or another one"
    )]
    Rollback {
        /// Id of the repository.
        repository: String,
        /// The highest serial number that was seen.
        seen: u64,
        /// The one that is there now.
        offered: u64,
    },
    /// Another one with the same number was seen before: one of them was shown to some only.
    #[error(
        "{repository} has two indexes {serial}: sha256 {seen} was seen before, and now it is {offered}; hint: ask whoever signs it; two people may have published at once, and the next index mends that"
    )]
    Changed {
        /// Id of the repository.
        repository: String,
        /// The serial number.
        serial: u64,
        /// Digest of the one that was seen.
        seen: Digest,
        /// Digest of the one that is there now.
        offered: Digest,
    },
    /// The file cannot be understood. It is not made anew: then whoever can break it can show old indexes.
    #[error(
        "{path}, which remembers what was seen of indexes, cannot be read: {why}; hint: find out who wrote to it, then remove it"
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file cannot be opened, read or written.
    #[error("failed to {what} {path}: {error}")]
    File {
        /// `read`, `write`, `lock`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
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

impl Memory {
    /// The memory in this file, which need not be there yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            places: BTreeMap::new(),
        }
    }

    /// Remembers a repository by its place and not by its id. For those of a flag or a variable: their ids are
    /// the same for every place that somebody names.
    #[must_use]
    pub fn by_place(mut self, repository: &str, place: &str) -> Self {
        self.places.insert(repository.to_owned(), place.to_owned());
        self
    }

    /// What a repository is remembered by.
    fn key<'k>(&'k self, repository: &'k str) -> &'k str {
        self.places
            .get(repository)
            .map_or(repository, String::as_str)
    }

    /// Whether an index may be used after what was seen. Nothing is written.
    ///
    /// # Errors
    /// When it is of another series than those that were seen, older, or another one with the same number.
    pub fn check(
        &self,
        repository: &str,
        index: &Index,
        digest: Digest,
    ) -> Result<(), MemoryError> {
        compare(&self.read()?, self.key(repository), index, digest)
    }

    /// Checks an index and remembers it, before anybody uses it: a crash in between loses nothing. Only for
    /// indexes whose signature was verified; a forged one with a high number would shut out all that follow.
    ///
    /// # Errors
    /// As [`Memory::check`]; also when the file cannot be written.
    pub fn remember(
        &self,
        repository: &str,
        index: &Index,
        digest: Digest,
    ) -> Result<(), MemoryError> {
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

    /// Forgets what was seen of a repository, because it began anew; whether there was anything. It is named by
    /// its id, or by its place where it is remembered by that.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn forget(&self, repository: &str) -> Result<bool, MemoryError> {
        let _lock = self.lock()?;
        let mut state = self.read()?;
        if state.repositories.remove(self.key(repository)).is_none() {
            return Ok(false);
        }
        self.write(&state)?;
        Ok(true)
    }

    /// The repositories of which an index was seen.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn repositories(&self) -> Result<Vec<String>, MemoryError> {
        Ok(self.read()?.repositories.into_keys().collect())
    }

    /// The highest serial number that was seen of a repository.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn highest(&self, repository: &str) -> Result<Option<u64>, MemoryError> {
        let state = self.read()?;
        let seen = state.repositories.get(self.key(repository));
        Ok(seen.map(|seen| seen.serial))
    }

    fn read(&self) -> Result<State, MemoryError> {
        let corrupt = |why: String| MemoryError::Corrupt {
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
            return Err(corrupt("it has another form".to_owned()));
        }
        Ok(state)
    }

    /// Writes a file beside it and puts that in its place, so that no reader sees half of one.
    fn write(&self, state: &State) -> Result<(), MemoryError> {
        let failed = |error| self.failed("write", error);
        let folder = folder(&self.path);
        let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
        let json = serde_json::to_vec(state).map_err(|error| failed(error.into()))?;
        file.write_all(&json).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path)
            .map_err(|error| failed(error.error))?;
        // So that the new name is on the disk too, before the index is used.
        #[cfg(unix)]
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(())
    }

    /// One writer at a time. The lock is on a file of its own, since the other one is replaced; it ends with
    /// the process, however that ends.
    fn lock(&self) -> Result<File, MemoryError> {
        let failed = |error| self.failed("lock", error);
        fs::create_dir_all(folder(&self.path)).map_err(failed)?;
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

    fn failed(&self, what: &'static str, error: io::Error) -> MemoryError {
        MemoryError::File {
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
) -> Result<(), MemoryError> {
    let Some(seen) = state.repositories.get(repository) else {
        return Ok(());
    };
    if index.series != seen.series {
        return Err(MemoryError::Series {
            repository: repository.to_owned(),
            seen: seen.series,
            offered: index.series,
        });
    }
    if index.serial < seen.serial {
        return Err(MemoryError::Rollback {
            repository: repository.to_owned(),
            seen: seen.serial,
            offered: index.serial,
        });
    }
    if index.serial == seen.serial && digest != seen.sha256 {
        return Err(MemoryError::Changed {
            repository: repository.to_owned(),
            serial: index.serial,
            seen: seen.sha256,
            offered: digest,
        });
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent();
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
