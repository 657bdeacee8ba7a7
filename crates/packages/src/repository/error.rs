//! Why a repository did not do what it was asked.

use std::path::PathBuf;

/// Why a repository did not do what it was asked. Each says which repository, what, and the way out; none holds
/// a credential.
#[derive(thiserror::Error, Debug)]
pub enum Error {
    /// There is no such thing.
    #[error("{repository} has no {what}{}", hinted(hint))]
    NotFound {
        /// Id of the repository.
        repository: String,
        /// `package mlflow`, `version 1.2.0 of mlflow`.
        what: String,
        /// What to do.
        hint: String,
    },
    /// It is there already.
    #[error(
        "{repository} already has version {version} of {name}; hint: publish another version; --force replaces it for everybody who has it pinned"
    )]
    Exists {
        /// Id of the repository.
        repository: String,
        /// The package.
        name: String,
        /// The version.
        version: semver::Version,
    },
    /// Nobody may, or not with these credentials: 401, 403.
    #[error("{repository} does not allow to {what}{}", hinted(hint))]
    Denied {
        /// Id of the repository.
        repository: String,
        /// What was tried: `read mlflow`.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The repository cannot do this at all.
    #[error("{repository} cannot {what}{}", hinted(hint))]
    Unsupported {
        /// Id of the repository.
        repository: String,
        /// What was tried.
        what: String,
        /// What to do.
        hint: String,
    },
    /// It does not answer, or not with sense.
    #[error("{repository} failed to {what}: {why}{}", hinted(hint))]
    Unavailable {
        /// Id of the repository.
        repository: String,
        /// What was tried.
        what: String,
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
    /// What came is not what it should be: a checksum, a size, a form.
    #[error("{repository}: {what} is broken: {why}{}", hinted(hint))]
    Broken {
        /// Id of the repository.
        repository: String,
        /// Which thing.
        what: String,
        /// What is wrong with it, with both values.
        why: String,
        /// What to do.
        hint: String,
    },
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

fn hinted(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("; hint: {hint}")
    }
}
