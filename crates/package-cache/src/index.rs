//! The index of a repository: a list of its packages in one file.
//!
//! An index makes a repository searchable that does not permit listing, and lists a thousand packages with one
//! file. It is used for discovery only: the listed packages are verified by their own signatures. It is still
//! signed, has an increasing serial number and an expiry date, because withholding the newest version is an
//! attack too ([`IndexStateStore`]). Its [`Series`] identifies the repository.

mod json;
mod open;
mod series;
mod state;

use extension_registry_core::diagnostic::Explain;
use jiff::{SignedDuration, Timestamp};

use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::{Dependency, Kind, Requirement};
use extension_registry_package_trust::signature::INDEX_API_VERSION;
use extension_registry_package_trust::trust::INDEX_NAME;

pub use extension_registry_package_trust::signature::minisign::sign_index as sign;
pub use json::{Fault, IndexError};
pub use open::{OpenIndexError, Opened, Warning, open};
pub use series::{InvalidSeries, Series};
pub use state::{IndexStateError, IndexStateStore};

/// Identifies the signed payload as an index.
pub const API_VERSION: &str = INDEX_API_VERSION;

/// Name of an index in a repository, as if it were a package, and in trust rules.
pub const NAME: &str = INDEX_NAME;

/// Maximum serial number: the largest integer that JSON readers represent exactly.
const HIGHEST: u64 = (1 << 53) - 1;

/// The packages of a repository.
#[derive(Clone, Debug)]
pub struct Index {
    /// The same in all indexes of this repository and its mirrors.
    pub series: Series,
    /// Increases with every index of this repository.
    pub serial: u64,
    /// Time of creation.
    pub created: Timestamp,
    /// Time after which it should not be considered current.
    pub expires: Timestamp,
    /// The packages, by name.
    pub packages: Vec<Package>,
}

/// A package in an index.
#[derive(Clone, Debug)]
pub struct Package {
    /// Name of the package.
    pub name: String,
    /// Type of the package.
    pub kind: Kind,
    /// Short description.
    pub description: String,
    /// Search keywords.
    pub keywords: Vec<String>,
    /// SPDX license of its newest version.
    pub license: Option<String>,
    /// Versions, the newest first.
    pub versions: Vec<IndexedVersion>,
}

/// A version in an index.
#[derive(Clone, Debug)]
pub struct IndexedVersion {
    /// The version.
    pub version: semver::Version,
    /// Digest of its content.
    pub content: Digest,
    /// Digest of its manifest as JSON; None for a foreign package.
    pub configuration: Option<Digest>,
    /// Digest of its document.
    pub document: Option<Digest>,
    /// Publication time (RFC 3339), if known.
    pub published: Option<String>,
    /// Why it was yanked; it remains available to those who pinned it.
    pub yanked: Option<String>,
    /// Its platform requirements.
    pub requires: Vec<Requirement>,
    /// Its dependencies.
    pub dependencies: Vec<Dependency>,
}

/// Why the next index cannot be created.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextError {
    /// A new series cannot be generated.
    #[error("failed to generate a series ID for a new index: {0}")]
    Random(getrandom::Error),
    /// The serial number is at its maximum.
    #[error("the serial number of the index is at its maximum")]
    Serial,
    /// The expiry date is out of range.
    #[error("invalid validity period: {0} days")]
    Days(u32),
}

impl Explain for NextError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Random(_) => return Vec::new(),
            Self::Serial => "pass `--anew` to start a new index series",
            Self::Days(_) => "pass a number of days, for example `--days 30`",
        };
        vec![hint.to_owned()]
    }
}

impl Index {
    /// Creates the successor of an index, or the first index of a new series.
    ///
    /// # Errors
    /// Returns an error if a series cannot be generated, or the serial number or the expiry date is out of
    /// range.
    pub fn next(
        previous: Option<&Self>,
        packages: Vec<Package>,
        now: Timestamp,
        days: u32,
    ) -> Result<Self, NextError> {
        let serial = previous.map_or(0, |previous| previous.serial) + 1;
        if serial > HIGHEST {
            return Err(NextError::Serial);
        }
        // Whole seconds, which all programs format in the same way.
        let created = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let length = SignedDuration::from_hours(24 * i64::from(days));
        let expires = created
            .checked_add(length)
            .ok()
            .filter(|expires| *expires > created)
            .ok_or(NextError::Days(days))?;
        let series = previous.map_or_else(Series::draw, |previous| Ok(previous.series));
        let mut index = Self {
            series: series.map_err(NextError::Random)?,
            serial,
            created,
            expires,
            packages,
        };
        index.sort();
        Ok(index)
    }

    /// Returns whether it is expired.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Returns the packages of a name; several if they have different types.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(move |package| package.name == name)
    }

    fn sort(&mut self) {
        self.packages.sort_by(|left, right| {
            let key = |package: &Package| (package.name.clone(), package.kind.name().to_owned());
            key(left).cmp(&key(right))
        });
        for package in &mut self.packages {
            package
                .versions
                .sort_by(|left, right| right.version.cmp(&left.version));
        }
    }
}
