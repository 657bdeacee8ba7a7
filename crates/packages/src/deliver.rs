//! From a repository to this machine: asked, judged, fetched, checked, kept (seed 003, "Lazy Loading";
//! seed 001, section 6.A).
//!
//! ```text
//! memory ─> cache ─> source: signatures ─> judged ─> download ─> checked ─> cache ─> loaded
//! ```
//!
//! What the source says of digests is judged before anything large is fetched. What came is compared with it
//! afterwards. What is in the cache is judged again each time: a key may have been revoked since.

mod bring;
mod here;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use crate::cache::{Cache, CacheError, Entry};
use crate::digest::Digest;
use crate::manifest::{Kind, Manifest, Requirement};
use crate::repository::{Around, Error};
use crate::signature::{Signature, Statement};
use crate::solve::platform::{self, Platform};
use crate::trust::{self, Evidence, Policy, Reason, Verdict};

pub(crate) use here::of_one_kind;

/// A package on this machine.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where it is.
    pub entry: Entry,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Who vouches for it.
    pub verdict: Verdict,
    /// How it came.
    pub steps: Vec<Step>,
    /// What should be known, and stopped nothing.
    pub warnings: Vec<String>,
    /// What it requires of a platform of which nobody said whether it is there: kubernetes `>=1.27`.
    pub unchecked: Vec<String>,
}

impl Delivery {
    /// Whether content was fetched for it.
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
    /// It was there already, in this process.
    Memory,
    /// It was there already, on this machine.
    Cache,
    /// This source has it.
    Source(String),
    /// These keys vouch for it; none, where nobody has to.
    Trust(Vec<String>),
    /// Its content came.
    Download {
        /// How many bytes.
        bytes: u64,
    },
    /// The cache has it.
    Stored,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => formatter.write_str("memory: it is here"),
            Self::Cache => formatter.write_str("cache: it is here"),
            Self::Source(name) => write!(formatter, "source: {name} has it"),
            Self::Trust(keys) if keys.is_empty() => {
                formatter.write_str("trust: nobody vouches for it")
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
    /// The source did not do its part.
    #[error(transparent)]
    Repository(#[from] Error),
    /// The cache did not.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Nobody vouches for it whom the system trusts.
    #[error(
        "{title} from {repository} is refused: {}",
        crate::trust::sentence(reasons)
    )]
    Refused {
        /// `mlflow 1.2.0`.
        title: String,
        /// The source.
        repository: String,
        /// Why; never empty.
        reasons: Vec<Reason>,
    },
    /// What came is not what was said to come.
    #[error(
        "{title} from {repository}: its {what} has digest {actual}, not {wanted}; hint: nothing was kept; tell whoever runs the repository"
    )]
    Tampered {
        /// `mlflow 1.2.0`.
        title: String,
        /// The source.
        repository: String,
        /// `content`, `document`.
        what: &'static str,
        /// What came.
        actual: Box<Digest>,
        /// What was said.
        wanted: Box<Digest>,
    },
    /// The cache has the name with two types.
    #[error("the cache has `{name}` as a {} ({}) and as a {} ({}); hint: --type {} or --type {}", types[0], versions[0], types[1], versions[1], types[0], types[1])]
    TwoTypes {
        /// Its name.
        name: String,
        /// The types.
        types: Box<[String; 2]>,
        /// A version of each.
        versions: Box<[semver::Version; 2]>,
    },
    /// It is for another platform.
    #[error(
        "{title} requires {unmet}; hint: `kubectl ext package pull --with-deps` takes the newest version that fits"
    )]
    Platform {
        /// `mlflow 1.2.0`.
        title: String,
        /// What it requires, and what there is.
        unmet: String,
    },
    /// It cannot be loaded.
    #[error("{title} is of {what}, which this program does not load; hint: a newer program may")]
    Unsupported {
        /// `mlflow 1.2.0`.
        title: String,
        /// `type camel`.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("failed to read or write {path}: {error}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

impl DeliverError {
    /// Whether it is only what the cache has that is broken or refused. Its source may have the package whole, and
    /// signed anew.
    #[must_use]
    pub fn is_of_cache(&self) -> bool {
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
    /// Bytes of the largest content.
    most: u64,
    platform: Platform,
    memory: RefCell<HashMap<Key, Delivery>>,
}

/// Type, name and version of a package.
type Key = (String, String, semver::Version);

impl<'l> Loader<'l> {
    /// A loader that has delivered nothing yet. Content larger than `most` bytes is refused.
    #[must_use]
    pub fn new(cache: &'l Cache, policy: &'l Policy, now: jiff::Timestamp, most: u64) -> Self {
        Self {
            cache,
            policy,
            now,
            most,
            platform: Platform::new(),
            memory: RefCell::default(),
        }
    }

    /// Delivers only what this platform has all for (R3). What a package requires beside that is not checked,
    /// and told.
    #[must_use]
    pub fn on(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    /// What of the requirements of a package nobody could check.
    ///
    /// # Errors
    /// When one of them is not met.
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
            return Ok(unknown.into_iter().map(platform::asked).collect());
        }
        Err(DeliverError::Platform {
            title: format!("{} {}", manifest.name, manifest.version),
            unmet: unmet.join(", and "),
        })
    }

    /// Takes note of what was delivered, for whoever asks again.
    fn keep(&self, delivery: &Delivery) {
        let entry = &delivery.entry;
        let key = key(&entry.kind, &entry.name, &entry.version);
        self.memory.borrow_mut().insert(key, delivery.clone());
    }

    fn judge(
        &self,
        repository: &str,
        statement: &Statement,
        manifest: Option<&Around>,
        signatures: &[Signature],
    ) -> Result<Verdict, DeliverError> {
        // The configuration was compared with the name and the version when it was read.
        let manifest = manifest.map(|around| trust::Manifest::of(around, statement));
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

/// What a verdict has to say about a package that is delivered.
fn told(verdict: &Verdict) -> Vec<String> {
    verdict.reasons().iter().map(Reason::to_string).collect()
}

fn key(kind: &Kind, name: &str, version: &semver::Version) -> Key {
    (kind.name().to_owned(), name.to_owned(), version.clone())
}
