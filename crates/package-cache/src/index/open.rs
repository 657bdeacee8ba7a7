//! Opens an index: verifies its signature, format and serial number, in this order.

use extension_registry_core::diagnostic::Explain;
use jiff::Timestamp;

use super::{Fault, Index, IndexError, IndexStateError, IndexStateStore};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_trust::signature::IndexFile;
use extension_registry_package_trust::trust::{Policy, Reason, Verdict};

/// A verified index.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The index.
    pub index: Index,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Verdict of the trust policy.
    pub verdict: Verdict,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// Its invalid entries.
    pub faults: Vec<Fault>,
}

/// A warning about a verified index.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// It is expired: newer versions may be withheld.
    #[error("index {serial} of {repository} expired at {since}, so newer versions may be missing")]
    Expired {
        /// Name of the repository.
        repository: String,
        /// Its serial number.
        serial: u64,
        /// Time of expiry.
        since: Timestamp,
    },
    /// Its creation time is in the future.
    #[error("index {serial} of {repository} has a creation time in the future: {created}")]
    Early {
        /// Name of the repository.
        repository: String,
        /// Its serial number.
        serial: u64,
        /// Time of creation.
        created: Timestamp,
    },
}

impl Explain for Warning {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Expired { .. } => "ask the maintainer of the repository to publish a new index",
            Self::Early { .. } => "check the system clock",
        };
        vec![hint.to_owned()]
    }
}

/// Why an index is rejected.
#[derive(thiserror::Error, Debug)]
pub enum OpenIndexError {
    /// No trusted key signed it.
    #[error(
        "the index of {repository} is not trusted: {}",
        extension_registry_package_trust::trust::sentence(reasons)
    )]
    Refused {
        /// Name of the repository.
        repository: String,
        /// Why; never empty.
        reasons: Vec<Reason>,
    },
    /// It is invalid.
    #[error("{repository}: {error}")]
    Index {
        /// Name of the repository.
        repository: String,
        /// The cause.
        error: IndexError,
    },
    /// It contradicts the recorded state.
    #[error(transparent)]
    State(#[from] IndexStateError),
}

impl Explain for OpenIndexError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Refused { reasons, .. } => {
                extension_registry_package_trust::trust::hints(reasons)
            }
            Self::Index { error, .. } => error.hints(),
            Self::State(error) => error.hints(),
        }
    }
}

/// Verifies an index, parses it and records its state.
///
/// If the policy only warns, an untrusted index is used but not recorded, since it could have any serial
/// number. It must still not be older than a signed one.
///
/// # Errors
/// Returns an error if it must not be used.
pub fn open(
    policy: &Policy,
    memory: &IndexStateStore,
    repository: &str,
    file: &IndexFile,
    now: Timestamp,
) -> Result<Opened, OpenIndexError> {
    let wrong = |error| OpenIndexError::Index {
        repository: repository.to_owned(),
        error,
    };
    Index::fits(&file.bytes).map_err(wrong)?;
    let verdict = policy.judge_index(repository, file, now);
    if let Verdict::Refused { reasons } = verdict {
        return Err(OpenIndexError::Refused {
            repository: repository.to_owned(),
            reasons,
        });
    }
    let (index, faults) = Index::read(&file.bytes).map_err(wrong)?;
    let digest = Digest::of(&file.bytes);
    if verdict.is_trusted() {
        memory.remember(repository, &index, digest)?;
    } else {
        memory.check(repository, &index, digest)?;
    }
    let mut warnings = Vec::new();
    if index.is_expired(now) {
        warnings.push(Warning::Expired {
            repository: repository.to_owned(),
            serial: index.serial,
            since: index.expires,
        });
    }
    if index.created > now {
        warnings.push(Warning::Early {
            repository: repository.to_owned(),
            serial: index.serial,
            created: index.created,
        });
    }
    Ok(Opened {
        index,
        digest,
        verdict,
        warnings,
        faults,
    })
}
