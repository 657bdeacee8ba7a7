//! Why the cache did not do what it was asked.

use std::path::{Path, PathBuf};

use crate::bundle::UnpackError;
use crate::digest::Digest;

/// Why the cache did not do what it was asked.
#[derive(thiserror::Error, Debug)]
pub enum CacheError {
    /// A package of this type is never kept: the set is closed (seed 001, use case 5).
    #[error(
        "packages of type `{0}` are not kept in the cache; hint: the types are record, provider, taskserv and cluster"
    )]
    Kind(String),
    /// No path is made of this name.
    #[error("`{name}` is no name of a package: {why}")]
    Name {
        /// The name.
        name: String,
        /// The rule.
        why: &'static str,
    },
    /// No path is made of this version.
    #[error("version `{0}…` is too long for a folder; hint: a version has at most 128 characters")]
    Version(String),
    /// No file can have this name.
    #[error("`{file}` is no name for a file of the cache: {why}")]
    FileName {
        /// The name.
        file: String,
        /// The rule.
        why: &'static str,
    },
    /// The version is there, and is another one.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// What is kept is not what was stored.
    #[error("{path} in the cache is broken: {why}; hint: get the package again")]
    Broken {
        /// Which file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It was deleted while it was in use.
    #[error("{0} is no longer in the cache; hint: get the package again")]
    Gone(PathBuf),
    /// Nobody said what to delete (R60).
    #[error("nothing says what to clear; hint: say a type, a name or a version, or --all")]
    NoSelector,
    /// Another process does not let go of the cache.
    #[error(
        "another process has held {path} for {seconds} s; hint: wait for it, or end it; the lock goes with it"
    )]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long was waited for it.
        seconds: u64,
    },
    /// The content is refused. Nothing of it was kept.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A file of this machine cannot be read or written.
    #[error("failed to {what} {path}: {error}")]
    File {
        /// `read`, `write`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// A version that is in the cache with another content: one of the two is not what its name says.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error(
    "the cache has version {version} of {name} with content sha256:{there}, and this is sha256:{new}; hint: find out which of them is meant; with --force this one takes its place"
)]
pub struct Conflict {
    /// The package.
    pub name: String,
    /// The version.
    pub version: semver::Version,
    /// Digest of the content that the cache has.
    pub there: Digest,
    /// Digest of the content that was to be stored.
    pub new: Digest,
}

impl CacheError {
    /// Makes an error of the system one of a file.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { what, path, error }
    }
}
