//! Parsed version ranges.

use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use super::diagnose::RangeError;
use super::interval::{Alternative, Interval, compare_lower, compare_upper};
use super::{RecordVersion, Version, parse};

/// A version range of a requirement.
///
/// Matching is binary: `*` and `latest` match every record and do not prefer the newest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionRange {
    text: String,
    alternatives: Vec<Alternative>,
    hint: Option<String>,
}

impl VersionRange {
    /// Returns whether the range matches a record with this version; `None` means no version.
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

    /// Like [`Self::matches`], but an exact version, with or without `=`, matches only its own build metadata.
    ///
    /// Build metadata does not affect precedence (semver 2.0.0, clause 10), so the ends of all other ranges
    /// ignore it.
    #[must_use]
    pub fn matches_build(&self, version: &RecordVersion) -> bool {
        let build = version.text().trim().split_once('+');
        let build = build.map_or("", |(_, build)| build);
        self.alternatives
            .iter()
            .any(|alternative| match alternative {
                Alternative::Any => true,
                Alternative::Text(text) => version.text() == text,
                Alternative::Interval(interval) => version
                    .parsed()
                    .is_some_and(|version| interval.contains_build(version, build)),
            })
    }

    /// Returns the build metadata that the range requires, empty for a version without any. `None` if it is
    /// more than one exact version.
    #[must_use]
    pub fn exact_build(&self) -> Option<&str> {
        match self.alternatives.as_slice() {
            [Alternative::Interval(interval)] => match interval.builds.as_slice() {
                [build] => Some(build),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns whether the range matches every record, with or without a version.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.alternatives.contains(&Alternative::Any)
    }

    /// Returns the smallest interval that contains every match, for searching a sorted list.
    ///
    /// The interval may contain other versions. Returns `None` if records without a version may match:
    /// with `*`, `latest` and `=TEXT`.
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

    /// Returns a hint for a range that may not mean what its author expects, such as `=1.2`,
    /// which matches only 1.2.0.
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
    /// Writes the original text.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
