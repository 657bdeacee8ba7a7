//! Versions of records and the version ranges of requirements.
//!
//! The grammar is specific to the registry: `semver::VersionReq` parses several of these ranges
//! differently: `1.2.3` as a caret, `1.2.0-1.5.0` as a caret with a pre-release.
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
//! Corner cases:
//! - An alternative that names a pre-release matches every pre-release between its ends, not only
//!   those with the same three numbers as in npm. An upper end without a pre-release, as in `<2.0.0`,
//!   always excludes the pre-releases of 2.0.0.
//! - An alternative that no version can match, like `>=2 <1`, is an error.
//! - `*`, `latest` and `=TEXT` cannot be combined with comparators in the same alternative.
//! - `V` is read as `v`; leading zeros are dropped, also in the numbers of a pre-release.

mod diagnose;
mod hint;
mod interval;
mod misread;
mod number;
mod parse;
mod partial;
mod range;
mod token;

use partial::Partial;

pub use diagnose::RangeError;
pub use number::Version;
pub use range::VersionRange;

impl Version {
    /// Parses `text`, ignoring surrounding whitespace.
    ///
    /// Returns `None` for more than three parts and for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let partial = Partial::parse(text.trim())?;
        (!partial.is_series()).then(|| partial.into_version())
    }
}

/// The version of a record: any text, and the parsed version if it is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordVersion {
    text: String,
    parsed: Option<Version>,
}

impl RecordVersion {
    /// Accepts any text; text that is not a version matches only `*`, `latest` and `=TEXT`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            parsed: Version::parse(text),
        }
    }

    /// Returns the text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the version, if the text is one.
    #[must_use]
    pub fn parsed(&self) -> Option<&Version> {
        self.parsed.as_ref()
    }
}
