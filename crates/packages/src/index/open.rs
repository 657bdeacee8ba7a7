//! From the bytes of an index to one that may be used: signature, form, memory, in this order.

use extension_registry_core::sensitive::Sensitive;
use jiff::Timestamp;

use super::{API_VERSION, Fault, Index, IndexError, Memory, MemoryError};
use crate::digest::Digest;
use crate::repository::IndexFile;
use crate::signature::minisign::{self, SignError};
use crate::signature::{Claim, Signature};
use crate::trust::{Policy, Reason, Verdict};

/// An index that may be used.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The index.
    pub index: Index,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Who signed it.
    pub verdict: Verdict,
    /// What is to be told.
    pub warnings: Vec<Warning>,
    /// Entries that cannot be read.
    pub faults: Vec<Fault>,
}

/// What is odd about an index that may be used.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// It is old: newer versions may be kept back.
    #[error(
        "the index {serial} of {repository} expired at {since}: newer versions may be missing in it; hint: ask whoever looks after the repository to publish a new one"
    )]
    Expired {
        /// Id of the repository.
        repository: String,
        /// Its serial number.
        serial: u64,
        /// Since when.
        since: Timestamp,
    },
    /// It was made later than now.
    #[error(
        "the index {serial} of {repository} was made at {created}, which is in the future; hint: is the clock right?"
    )]
    Early {
        /// Id of the repository.
        repository: String,
        /// Its serial number.
        serial: u64,
        /// When.
        created: Timestamp,
    },
}

/// Why an index is not used.
#[derive(thiserror::Error, Debug)]
pub enum OpenError {
    /// No approved key signed it.
    #[error(
        "the index of {repository} is refused: {}",
        crate::trust::sentence(reasons)
    )]
    Refused {
        /// Id of the repository.
        repository: String,
        /// Why; never empty.
        reasons: Vec<Reason>,
    },
    /// It cannot be read.
    #[error("{repository}: {error}")]
    Index {
        /// Id of the repository.
        repository: String,
        /// Why.
        error: IndexError,
    },
    /// It is not newer than what was seen.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Judges an index, reads it and remembers it.
///
/// One that nobody approved signed is used where the policy only warns, and then not remembered: it could
/// have any serial number. That it is older than one that was signed is an error even so.
///
/// # Errors
/// When it must not be used.
pub fn open(
    policy: &Policy,
    memory: &Memory,
    repository: &str,
    file: &IndexFile,
    now: Timestamp,
) -> Result<Opened, OpenError> {
    let wrong = |error| OpenError::Index {
        repository: repository.to_owned(),
        error,
    };
    Index::fits(&file.bytes).map_err(wrong)?;
    let verdict = policy.judge_index(repository, file, now);
    if let Verdict::Refused { reasons } = verdict {
        return Err(OpenError::Refused {
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

/// Signs an index: these bytes, which are what [`Index::to_json`] gave.
///
/// # Errors
/// When the secret key cannot be opened, or the bytes do not say that they are an index.
pub fn sign(
    bytes: &[u8],
    secret: &Sensitive,
    password: Option<&Sensitive>,
) -> Result<Signature, SignError> {
    let Ok(Claim::Index(digest)) = Claim::of(bytes) else {
        return Err(SignError::Failed {
            what: "sign",
            why: "it is no index".to_owned(),
        });
    };
    let comment = format!("{API_VERSION} sha256 {digest}");
    minisign::sign_bytes(bytes.to_vec(), &comment, secret, password)
}
