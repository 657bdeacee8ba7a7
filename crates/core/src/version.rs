//! Versions of records and the ranges that requirements ask for (design section 3, "Version
//! ranges").
//!
//! The grammar is our own. `semver::VersionReq` reads several of these ranges differently: `1.2.3`
//! as a caret, `1.2.0-1.5.0` as a caret with a pre-release.
//!
//! ```text
//! range       = alternative *( "||" alternative )
//! alternative = "*" / "latest" / "=" TEXT / comparator *( [ "," ] comparator )
//! comparator  = [ operator ] version     ; = > >= < <= ^ ~, spaces may follow
//!             / version " - " version    ; without spaces if both have two or three parts
//!             / series                   ; 1.* 1.2.x 1.2.*
//! version     = [ "v" ] number [ "." number [ "." number ]] [ "-" pre-release ] [ "+" build ]
//! ```
//!
//! Where the contract is silent:
//! - An alternative that names a pre-release admits every pre-release between its ends, not only
//!   those of the same three numbers as npm does. An upper end without one, as in `<2.0.0`, leaves
//!   out the pre-releases of 2.0.0 in any case.
//! - An alternative that no version can match, like `>=2 <1`, is an error.
//! - `*`, `latest` and `=TEXT` stand alone in their alternative.
//! - `V` is read as `v`; leading zeros are dropped, also in the numbers of a pre-release.

mod diagnose;
mod hint;
mod interval;
mod number;
mod parse;
mod partial;
mod range;
mod token;

use std::fmt;

use number::Number;
use partial::Partial;
pub use range::{RangeError, VersionRange};

/// A version, read leniently: a leading `v` is dropped, a missing part is zero, build metadata is
/// ignored.
///
/// Versions are ordered by precedence (semver 2.0.0, clause 11): a pre-release comes before its
/// release. Numbers may have any length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    numbers: [Number; 3],
    // Orders the empty pre-release after all others.
    prerelease: semver::Prerelease,
}

impl Version {
    /// Reads `text`, around which white space is ignored.
    ///
    /// None for four parts and for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let partial = Partial::parse(text.trim())?;
        (!partial.is_series()).then(|| partial.into_version())
    }

    /// Whether the version comes before its release, like `2.0.0-rc.1`.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }

    /// The three numbers.
    fn release_text(&self) -> String {
        let [major, minor, patch] = &self.numbers;
        format!("{major}.{minor}.{patch}")
    }
}

impl fmt::Display for Version {
    /// Writes all three parts, whatever was read.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.release_text())?;
        if self.is_prerelease() {
            write!(formatter, "-{}", self.prerelease)?;
        }
        Ok(())
    }
}

/// What a record states as its version: any text, and the version it is, if it is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordVersion {
    text: String,
    parsed: Option<Version>,
}

impl RecordVersion {
    /// Takes any text; text that is no version matches only `*`, `latest` and `=TEXT`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            parsed: Version::parse(text),
        }
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The version, if the text is one.
    #[must_use]
    pub fn parsed(&self) -> Option<&Version> {
        self.parsed.as_ref()
    }
}
