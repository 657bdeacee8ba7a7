//! Delivers packages from a repository to the local cache: looked up, evaluated, downloaded, verified, stored.
//!
//! ```text
//! memory ─> cache ─> source: signatures ─> trust policy ─> download ─> verified ─> cache ─> loaded
//! ```
//!
//! The digests that the source reports are evaluated before content is downloaded, and the downloaded bytes are
//! compared with them. Cached packages are evaluated again on each use: a key may have been revoked.

mod cached;
mod fetch;
mod gather;
mod lock;

pub use fetch::read_document;
pub use lock::lock;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use extension_registry_core::diagnostic::{Explain, Note};

use crate::cache::{Cache, CacheError, Entry};
use crate::digest::Digest;
use crate::manifest::{Kind, Manifest, Requirement};
use crate::repository::{Error, OciManifest};
use crate::signature::{Signature, Statement};
use crate::solve::platform::{self, Platform};
use crate::trust::{self, Evidence, Policy, Reason, Verdict};

/// A delivered package.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its cache entry.
    pub entry: Entry,
    /// Its manifest.
    pub manifest: Manifest,
    /// Verdict of the trust policy.
    pub verdict: Verdict,
    /// The steps of the delivery.
    pub steps: Vec<Step>,
    /// Warnings.
    pub warnings: Vec<Note>,
    /// Platform requirements that could not be checked: kubernetes `>=1.27`.
    pub unchecked: Vec<String>,
}

impl Delivery {
    /// Returns whether content was downloaded.
    #[must_use]
    pub fn was_fetched(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Download { .. }))
    }
}

/// A step of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Found in this process.
    Memory,
    /// Found in the cache.
    Cache,
    /// Available from this source.
    Source(String),
    /// Signed by these trusted keys; empty if no signature is required.
    Trust(Vec<String>),
    /// The content was downloaded.
    Download {
        /// Size in bytes.
        bytes: u64,
    },
    /// Stored in the cache.
    Stored,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => formatter.write_str("memory: found"),
            Self::Cache => formatter.write_str("cache: found"),
            Self::Source(name) => write!(formatter, "source: available from {name}"),
            Self::Trust(keys) if keys.is_empty() => {
                formatter.write_str("trust: no valid signature")
            }
            Self::Trust(keys) => write!(formatter, "trust: signed by {}", keys.join(", ")),
            Self::Download { bytes } => write!(formatter, "download: {bytes} bytes"),
            Self::Stored => formatter.write_str("cache: stored"),
        }
    }
}

/// Why a package was not delivered.
#[derive(thiserror::Error, Debug)]
pub enum DeliverError {
    /// The source failed.
    #[error(transparent)]
    Repository(#[from] Error),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The trust policy rejected it.
    #[error(
        "{title} from {repository} is not trusted: {}",
        crate::trust::sentence(reasons)
    )]
    Refused {
        /// Name and version: `mlflow 1.2.0`.
        title: String,
        /// Name of the source.
        repository: String,
        /// Why; never empty.
        reasons: Vec<Reason>,
    },
    /// The downloaded bytes do not match the digest.
    #[error(
        "digest mismatch for the {what} of {title} from {repository}: expected {wanted}, got {actual}"
    )]
    Tampered {
        /// Name and version: `mlflow 1.2.0`.
        title: String,
        /// Name of the source.
        repository: String,
        /// The part: `content`, `document`.
        what: &'static str,
        /// The actual digest.
        actual: Box<Digest>,
        /// The expected digest.
        wanted: Box<Digest>,
    },
    /// The name is in the cache with two types.
    #[error("`{name}` is ambiguous: the cache has a {} ({}) and a {} ({})", types[0], versions[0], types[1], versions[1])]
    TwoTypes {
        /// Name of the package.
        name: String,
        /// The two types.
        types: Box<[String; 2]>,
        /// A version of each.
        versions: Box<[semver::Version; 2]>,
    },
    /// Its platform requirements are not met.
    #[error("{title} requires {unmet}")]
    Platform {
        /// Name and version: `mlflow 1.2.0`.
        title: String,
        /// The unmet requirements, and what was found.
        unmet: String,
    },
    /// Its type or packaging is not supported.
    #[error("{title} has unsupported {what}")]
    Unsupported {
        /// Name and version: `mlflow 1.2.0`.
        title: String,
        /// What is not supported: `type camel`.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("failed to read or write {path}: {error}")]
    File {
        /// Path of the file.
        path: std::path::PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

impl Explain for DeliverError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Repository(error) => error.hints(),
            Self::Cache(error) => error.hints(),
            Self::Refused { reasons, .. } => trust::hints(reasons),
            Self::Tampered { .. } => {
                vec!["contact the administrator of the repository; nothing was stored".to_owned()]
            }
            Self::TwoTypes { types, .. } => {
                vec![format!("pass --type {} or --type {}", types[0], types[1])]
            }
            Self::Platform { .. } => vec![
                "select the newest compatible version with `kubectl ext package pull --with-deps`"
                    .to_owned(),
            ],
            Self::Unsupported { .. } => vec!["upgrade kubectl-ext".to_owned()],
            Self::File { .. } => Vec::new(),
        }
    }
}

impl DeliverError {
    /// Returns whether only the cached copy is corrupt or untrusted. The source may have a valid one.
    #[must_use]
    pub fn is_cache_error(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Cache(CacheError::Broken { .. })
        )
    }
}

/// Delivers packages.
#[derive(Debug)]
pub struct Loader<'l> {
    cache: &'l Cache,
    policy: &'l Policy,
    now: jiff::Timestamp,
    /// Maximum size of a content in bytes.
    most: u64,
    /// The permitted sources; None permits all.
    sources: Option<Vec<String>>,
    platform: Platform,
    memory: RefCell<HashMap<Key, Delivery>>,
}

/// Type, name and version of a package.
type Key = (String, String, semver::Version);

impl<'l> Loader<'l> {
    /// Creates a loader. Content larger than `most` bytes is rejected.
    #[must_use]
    pub fn new(cache: &'l Cache, policy: &'l Policy, now: jiff::Timestamp, most: u64) -> Self {
        Self {
            cache,
            policy,
            now,
            most,
            sources: None,
            platform: Platform::new(),
            memory: RefCell::default(),
        }
    }

    /// Uses only cache entries from these sources. The same content of another source is fetched again.
    #[must_use]
    pub fn only(self, sources: Vec<String>) -> Self {
        Self {
            sources: Some(sources),
            ..self
        }
    }

    /// Returns the cache.
    pub(crate) fn cache(&self) -> &'l Cache {
        self.cache
    }

    /// Returns whether a cache entry came from a permitted source.
    fn permits(&self, entry: &Entry) -> bool {
        let sources = self.sources.as_ref();
        sources.is_none_or(|sources| sources.contains(&entry.repository))
    }

    /// Requires that this platform meets the requirements of packages. Requirements on unknown components are
    /// reported as unchecked.
    #[must_use]
    pub fn on(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    /// Returns the requirements of a package that could not be checked.
    ///
    /// # Errors
    /// Returns an error if one of them is not met.
    fn fits(&self, manifest: &Manifest) -> Result<Vec<String>, DeliverError> {
        let (known, unknown): (Vec<&Requirement>, Vec<_>) = manifest
            .requires
            .iter()
            .partition(|one| self.platform.contains_key(&one.name));
        let unmet = known.into_iter();
        let unmet: Vec<String> = unmet
            .filter_map(|one| platform::unmet(&self.platform, one))
            .collect();
        if unmet.is_empty() {
            return Ok(unknown
                .into_iter()
                .map(platform::format_requirement)
                .collect());
        }
        Err(DeliverError::Platform {
            title: format!("{} {}", manifest.name, manifest.version),
            unmet: unmet.join(", and "),
        })
    }

    /// Remembers a delivery for later requests in this process.
    fn keep(&self, delivery: &Delivery) {
        let entry = &delivery.entry;
        let key = key(&entry.kind, &entry.name, &entry.version);
        self.memory.borrow_mut().insert(key, delivery.clone());
    }

    fn judge(
        &self,
        repository: &str,
        statement: &Statement,
        manifest: Option<&OciManifest>,
        signatures: &[Signature],
    ) -> Result<Verdict, DeliverError> {
        // The configuration was compared with name and version when it was read.
        let manifest = manifest.map(|around| around.evidence(statement));
        let verdict = self.policy.judge(&Evidence {
            repository,
            statement,
            manifest,
            signatures,
            now: self.now,
        });
        match verdict {
            Verdict::Refused { reasons } => Err(DeliverError::Refused {
                title: format!("{} {}", statement.name, statement.version),
                repository: repository.to_owned(),
                reasons,
            }),
            verdict => Ok(verdict),
        }
    }
}

/// Returns the warnings of a verdict about a delivered package.
fn verdict_warnings(verdict: &Verdict) -> Vec<Note> {
    verdict.reasons().iter().map(Note::of).collect()
}

fn key(kind: &Kind, name: &str, version: &semver::Version) -> Key {
    (kind.name().to_owned(), name.to_owned(), version.clone())
}
