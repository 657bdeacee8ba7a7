//! A parsed range and what it matches.

use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use super::interval::{Interval, compare_lower, compare_upper};
use super::{RecordVersion, Version, parse};

/// Which versions a requirement admits.
///
/// Matching says only yes or no: `*` and `latest` admit every record and never pick the newest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionRange {
    text: String,
    alternatives: Vec<Alternative>,
    hint: Option<String>,
}

/// A part between `||`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Alternative {
    /// `*` and `latest`: every record, versioned or not.
    Any,
    /// `=TEXT`: the records that state just this text.
    Text(String),
    Interval(Interval),
}

impl VersionRange {
    /// Whether a record that states `version` is admitted; None is a record that states none.
    #[must_use]
    pub fn matches(&self, version: Option<&RecordVersion>) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| match alternative {
                Alternative::Any => true,
                Alternative::Text(text) => version.is_some_and(|version| version.text() == text),
                Alternative::Interval(interval) => version
                    .and_then(RecordVersion::parsed)
                    .is_some_and(|version| interval.contains(version)),
            })
    }

    /// Whether every record is admitted, versioned or not.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.alternatives.contains(&Alternative::Any)
    }

    /// The smallest interval of versions that holds every match, for a search in a sorted list.
    ///
    /// Not everything in it matches. None if records without a version may match: with `*`,
    /// `latest` and `=TEXT`.
    #[must_use]
    pub fn hull(&self) -> Option<(Bound<&Version>, Bound<&Version>)> {
        let intervals: Option<Vec<&Interval>> = self
            .alternatives
            .iter()
            .map(|alternative| match alternative {
                Alternative::Interval(interval) => Some(interval),
                Alternative::Any | Alternative::Text(_) => None,
            })
            .collect();
        let intervals = intervals?;
        let lower = intervals
            .iter()
            .map(|one| &one.lower)
            .min_by(|a, b| compare_lower(a, b))?;
        let upper = intervals
            .iter()
            .map(|one| &one.upper)
            .max_by(|a, b| compare_upper(a, b))?;
        Some((lower.as_ref(), upper.as_ref()))
    }

    /// A remark for the author of a range that may not mean what it seems to, such as `=1.2`,
    /// which is 1.2.0 and not the series.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = parse::range(text)?;
        Ok(Self {
            text: text.to_owned(),
            alternatives: parsed.alternatives,
            hint: parsed.hint,
        })
    }
}

impl fmt::Display for VersionRange {
    /// Writes the text as it was read.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Why a text is no range. Its length is bounded, whatever the text was.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("column {column}: {message}{}", suffix(hint.as_deref()))]
pub struct RangeError {
    /// Where the mistake begins, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that can be told.
    pub hint: Option<String>,
}

fn suffix(hint: Option<&str>) -> String {
    hint.map(|hint| format!("; hint: {hint}"))
        .unwrap_or_default()
}
