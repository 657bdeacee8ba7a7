//! Access to files of the folder that never leaves it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::found;
use crate::{Error, Kind, Result};

/// Name of the file that writers lock.
const LOCK: &str = ".lock";

/// Access to the files of a repository. All methods block.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) id: String,
    pub(super) root: PathBuf,
    /// Path of the packages, relative to the root.
    pub(super) group: PathBuf,
    /// Maven group in POMs.
    pub(super) label: String,
    pub(super) kind: Kind,
}

impl Disk {
    /// Returns the canonical path of the root.
    pub(super) fn real_root(&self) -> Result<PathBuf> {
        let root = fs::canonicalize(&self.root).and_then(|root| {
            if root.is_dir() {
                Ok(root)
            } else {
                Err(ErrorKind::NotADirectory.into())
            }
        });
        root.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NotFound {
                repository: self.id.clone(),
                what: format!("directory {}", self.root.display()),
                hint: "correct the path in the configuration, or publish a package to create the directory"
                    .to_owned(),
            },
            _ => failed("read", &self.root)(error),
        })
    }

    /// Returns the folder of a package.
    pub(super) fn package(&self, name: &str) -> PathBuf {
        self.root.join(&self.group).join(name)
    }

    pub(super) fn version(&self, name: &str, version: &semver::Version) -> PathBuf {
        self.package(name).join(version.to_string())
    }

    /// Returns a canonical path; None if it does not exist. A link that leads out of the root is rejected.
    pub(super) fn real(&self, path: &Path) -> Result<Option<PathBuf>> {
        match fs::canonicalize(path) {
            Ok(real) if real.starts_with(self.real_root()?) => Ok(Some(real)),
            Ok(_) => Err(Error::Broken {
                repository: self.id.clone(),
                what: path.display().to_string(),
                why: format!("the symbolic link points outside {}", self.root.display()),
                hint: "replace the link with the files it points to".to_owned(),
            }),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed("read", path)(error)),
        }
    }

    /// Takes the shared lock, waiting for writers. Without a lock file or lock support it returns immediately.
    pub(super) fn share(&self) -> Option<File> {
        let file = File::open(self.root.join(LOCK)).ok()?;
        file.lock_shared().ok()?;
        Some(file)
    }

    /// Takes the exclusive lock, waiting for readers and writers.
    pub(super) fn lock(&self) -> Result<File> {
        let path = self.root.join(LOCK);
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let locked = opened.and_then(|file| file.lock().map(|()| file));
        locked.map_err(failed("lock", &path))
    }

    /// Reads a file; None if it does not exist.
    pub(super) fn bytes(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open(path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(failed("read", path))?;
        if bytes.len() as u64 > limit {
            let why = format!("it is larger than {limit} bytes");
            return Err(found::broken(&self.id, &path.display().to_string(), why));
        }
        Ok(Some(bytes))
    }

    pub(super) fn open(&self, path: &Path) -> Result<Option<File>> {
        let Some(real) = self.real(path)? else {
            return Ok(None);
        };
        // Opening a pipe would block forever.
        if !real.is_file() {
            let why = "it is not a regular file".to_owned();
            return Err(found::broken(&self.id, &path.display().to_string(), why));
        }
        let opened = File::open(&real);
        opened.map(Some).map_err(failed("read", path))
    }

    /// Lists the folders in a folder, without hidden ones; empty if it does not exist.
    pub(super) fn folders(&self, path: &Path) -> Result<Vec<String>> {
        self.entries(path, true)
    }

    /// Lists what is not a folder, without hidden entries.
    pub(super) fn files(&self, path: &Path) -> Result<Vec<String>> {
        self.entries(path, false)
    }

    fn entries(&self, path: &Path, folders: bool) -> Result<Vec<String>> {
        let Some(real) = self.real(path)? else {
            return Ok(Vec::new());
        };
        if !real.is_dir() {
            return Ok(Vec::new());
        }
        let failed = failed("read", path);
        let mut names = Vec::new();
        for entry in fs::read_dir(&real).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(failed)?;
            let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
            if is_folder == folders && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Converts an I/O error.
pub(super) fn failed(what: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error + Copy {
    move |error| Error::File {
        what,
        path: path.to_owned(),
        error,
    }
}
