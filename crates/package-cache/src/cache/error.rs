//! Errors of the cache.

use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::bundle::UnpackError;
use extension_registry_package_format::digest::Digest;

/// Why an operation of the cache failed.
#[derive(thiserror::Error, Debug)]
pub enum CacheError {
    /// Packages of this type are not cached: the set of types is closed.
    #[error("packages of type `{0}` cannot be cached")]
    Kind(String),
    /// The package name is invalid.
    #[error("invalid package name `{name}`: {why}")]
    Name {
        /// The name.
        name: String,
        /// The violated rule.
        why: &'static str,
    },
    /// The version is too long for a path.
    #[error("version `{0}…` is too long")]
    Version(String),
    /// The file name is invalid.
    #[error("invalid file name `{file}`: {why}")]
    FileName {
        /// The name.
        file: String,
        /// The violated rule.
        why: &'static str,
    },
    /// The version exists with other content.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// A cached file was changed.
    #[error("{path} in the cache is corrupt: {why}")]
    Broken {
        /// Path of the file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The entry was deleted while in use.
    #[error("{0} is no longer in the cache")]
    Gone(PathBuf),
    /// Nothing was selected.
    #[error("nothing selected to clear")]
    NoSelector,
    /// Another process holds the lock.
    #[error("timed out after {seconds} s waiting for the lock {path}")]
    Busy {
        /// Path of the lock.
        path: PathBuf,
        /// Time waited in seconds.
        seconds: u64,
    },
    /// The bundle was rejected. Nothing was stored.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A local file cannot be read or written.
    #[error("failed to {what} {path}: {error}")]
    File {
        /// The operation: `read`, `write`.
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

impl Explain for CacheError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Kind(_) => "use one of the types record, provider, taskserv and cluster",
            Self::Version(_) => "use at most 128 characters",
            Self::Broken { .. } | Self::Gone(_) => "pull the package again",
            Self::NoSelector => "pass a type, a name or a version, or --all",
            Self::Busy { .. } => "wait for the process that holds the lock, or stop that process",
            Self::Conflict(conflict) => return conflict.hints(),
            Self::Unpack(error) => return error.hints(),
            Self::File { what, error, .. }
                if *what == "create"
                    || error.kind() == std::io::ErrorKind::StorageFull
                    || self.is_read_only() =>
            {
                "set EXTENSION_REGISTRY_CACHE_DIR to a writable directory"
            }
            Self::Name { .. } | Self::FileName { .. } | Self::File { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// The version exists in the cache with other content: one of them is not what its name says.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
#[error(
    "version {version} of {name} is already in the cache with content sha256:{there}, but the new content is sha256:{new}"
)]
pub struct Conflict {
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: semver::Version,
    /// Digest of the cached content.
    pub there: Digest,
    /// Digest of the new content.
    pub new: Digest,
}

impl Explain for Conflict {
    fn hints(&self) -> Vec<String> {
        vec![
            "find out which content is correct, or pass --force to replace the cached content"
                .to_owned(),
        ]
    }
}

impl CacheError {
    /// Returns whether a file cannot be written because the directory or the file system does not allow it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};

        matches!(self, Self::File { what, error, .. }
            if *what != "read" && matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem))
    }

    /// Wraps an I/O error with the operation and the path.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { what, path, error }
    }
}
