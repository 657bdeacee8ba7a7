//! Errors of repositories.

use std::path::PathBuf;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_transport::transport;

/// Why an operation of a repository failed. Each names the repository, the object and the way out, and none
/// contains a credential.
#[derive(thiserror::Error, Debug)]
pub enum Error {
    /// The object does not exist.
    #[error("{what} not found in {repository}")]
    NotFound {
        /// Name of the repository.
        repository: String,
        /// The object: `package mlflow`, `version 1.2.0 of mlflow`.
        what: String,
        /// The way out; may be empty.
        hint: String,
    },
    /// The version already exists.
    #[error("version {version} of {name} already exists in {repository}")]
    Exists {
        /// Name of the repository.
        repository: String,
        /// Name of the package.
        name: String,
        /// Version of the package.
        version: semver::Version,
    },
    /// Access was denied: 401, 403.
    #[error("{repository} denied access: cannot {what}")]
    Denied {
        /// Name of the repository.
        repository: String,
        /// The operation: `read mlflow`.
        what: String,
        /// The way out; may be empty.
        hint: String,
    },
    /// The repository does not support the operation.
    #[error("{repository} cannot {what}")]
    Unsupported {
        /// Name of the repository.
        repository: String,
        /// The operation.
        what: String,
        /// The way out; may be empty.
        hint: String,
    },
    /// The repository did not respond, or sent an unexpected response.
    #[error("{repository}: failed to {what}: {why}")]
    Unavailable {
        /// Name of the repository.
        repository: String,
        /// The operation.
        what: String,
        /// The cause.
        why: String,
        /// The way out; may be empty.
        hint: String,
    },
    /// The data is corrupt: a wrong checksum, size or format.
    #[error("{repository}: {what} is corrupt: {why}")]
    Broken {
        /// Name of the repository.
        repository: String,
        /// The object.
        what: String,
        /// The mismatch, with both values.
        why: String,
        /// The way out; may be empty.
        hint: String,
    },
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

impl Explain for Error {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotFound { hint, .. }
            | Self::Denied { hint, .. }
            | Self::Unsupported { hint, .. }
            | Self::Unavailable { hint, .. }
            | Self::Broken { hint, .. } => hint,
            Self::Exists { .. } => {
                "publish another version, or pass --force to replace the existing one for everyone who has pinned it"
            }
            Self::File { .. } => "",
        };
        let hint = Some(hint).filter(|hint| !hint.is_empty());
        hint.into_iter().map(str::to_owned).collect()
    }
}

impl Error {
    /// Converts an error of a request.
    pub(crate) fn of_transport(repository: &str, what: &str, error: transport::Error) -> Self {
        match error {
            transport::Error::File { path, error } => Self::File {
                what: "read",
                path,
                error,
            },
            error => Self::no_answer(repository, what, &error),
        }
    }

    /// Converts an error of a request, even one about a local file.
    pub(crate) fn no_answer(repository: &str, what: &str, error: &transport::Error) -> Self {
        Self::unavailable(repository, what, error.to_string(), &error.hints().concat())
    }

    pub(crate) fn unavailable(repository: &str, what: &str, why: String, hint: &str) -> Self {
        Self::Unavailable {
            repository: repository.to_owned(),
            what: what.to_owned(),
            why,
            hint: hint.to_owned(),
        }
    }
}
