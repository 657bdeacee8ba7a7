//! The index of a repository: what is in it, in one file (R79).
//!
//! A repository that nobody may list can still be searched, and a thousand packages are one file. The
//! index only helps to find: what it names is judged by its own signatures. It is signed all the same, has a
//! serial number that only grows and a day on which it expires, because leaving out the newest version is an
//! attack too ([`Memory`]). Its [`Series`] says whose it is.

mod json;
mod memory;
mod open;
mod series;

use jiff::{SignedDuration, Timestamp};

use crate::digest::Digest;
use crate::manifest::{Dependency, Kind, Requirement};

pub use json::{Fault, IndexError};
pub use memory::{Memory, MemoryError};
pub use open::{OpenError, Opened, Warning, open, sign};
pub use series::{NoSeries, Series};

/// What an index says of itself; nothing else that is signed does.
pub const API_VERSION: &str = "packages.fuseml.io/index/v1";

/// The name that an index has in a repository, as if it were a package; rules of trust name it so.
pub const NAME: &str = "extension-index";

/// The highest serial number: the highest that every reader of JSON keeps exact.
const HIGHEST: u64 = (1 << 53) - 1;

/// What is in a repository.
#[derive(Clone, Debug)]
pub struct Index {
    /// The same in every index of this repository, and of the copies of it.
    pub series: Series,
    /// Grows with every index of this repository.
    pub serial: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When nobody should believe any more that it is the newest.
    pub expires: Timestamp,
    /// The packages, by name.
    pub packages: Vec<Package>,
}

/// A package in an index.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it is for.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// The licence of its newest version, as SPDX writes it, where it says one.
    pub license: Option<String>,
    /// Its versions, the newest first.
    pub versions: Vec<Listed>,
}

/// A version in an index.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The version.
    pub version: semver::Version,
    /// Digest of its content.
    pub content: Digest,
    /// Digest of its manifest as JSON; None for a package that was made for something else.
    pub configuration: Option<Digest>,
    /// Digest of its document, where there is one.
    pub document: Option<Digest>,
    /// When it was published (RFC 3339), where somebody knows.
    pub published: Option<String>,
    /// Why nobody should take it any more, though it is there for those who have it.
    pub yanked: Option<String>,
    /// What has to be there already.
    pub requires: Vec<Requirement>,
    /// Packages that come along.
    pub dependencies: Vec<Dependency>,
}

/// Why there is no next index.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextError {
    /// There are no random numbers for the name of a new series.
    #[error("the first index of a repository needs random numbers, and this machine has none: {0}")]
    Random(getrandom::Error),
    /// The serial number is the highest there is.
    #[error("the serial number of the index cannot grow any more; hint: begin anew with `--anew`")]
    Serial,
    /// The time is none that can be written.
    #[error("an index cannot be valid for {0} days; hint: 30 is a good number")]
    Days(u32),
}

impl Index {
    /// The index that comes after another one, or the first of a new series.
    ///
    /// # Errors
    /// When there are no random numbers for a new series; when its serial number or its last day cannot be written.
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
        // Whole seconds: shorter, and no two programs write them differently.
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

    /// Whether nobody should believe any more that it is the newest.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Packages of a name; several, where they have different types.
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
