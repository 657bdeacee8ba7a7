//! Intervals of versions: one alternative of a range.

use std::cmp::Ordering;
use std::ops::Bound;

use super::Version;
use super::partial::{Partial, lowest_prerelease};

/// An alternative, separated by `||`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Alternative {
    /// `*` and `latest`: every record, with or without a version.
    Any,
    /// `=TEXT`: records with exactly this text.
    Text(String),
    Interval(Interval),
}

/// The versions between two ends, with or without pre-releases.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interval {
    pub(super) lower: Bound<Version>,
    pub(super) upper: Bound<Version>,
    /// Whether one of the ends names a pre-release.
    pub(super) prereleases: bool,
    /// Build metadata of each exact version. Only [`Interval::contains_build`] compares it.
    pub(super) builds: Vec<String>,
}

impl Interval {
    pub(super) fn exactly(version: Partial) -> Self {
        Self {
            builds: vec![version.build().to_owned()],
            ..Self::at(version)
        }
    }

    /// Both ends at this version.
    fn at(version: Partial) -> Self {
        let prereleases = !version.prerelease().is_empty();
        let version = version.into_version();
        Self {
            lower: Bound::Included(version.clone()),
            upper: Bound::Included(version),
            prereleases,
            builds: Vec::new(),
        }
    }

    pub(super) fn at_least(version: Partial) -> Self {
        Self {
            upper: Bound::Unbounded,
            ..Self::at(version)
        }
    }

    pub(super) fn at_most(version: Partial) -> Self {
        Self {
            lower: Bound::Unbounded,
            ..Self::at(version)
        }
    }

    pub(super) fn above(version: Partial) -> Self {
        let prereleases = !version.prerelease().is_empty();
        let lower = Bound::Excluded(version.into_version());
        Self {
            lower,
            upper: Bound::Unbounded,
            prereleases,
            builds: Vec::new(),
        }
    }

    /// `<2.0.0` excludes 2.0.0-rc.1 too, even next to a comparator that names a pre-release.
    pub(super) fn below(version: Partial) -> Self {
        let prereleases = !version.prerelease().is_empty();
        let mut version = version.into_version();
        if !prereleases {
            version.prerelease = lowest_prerelease();
        }
        Self {
            lower: Bound::Unbounded,
            upper: Bound::Excluded(version),
            prereleases,
            builds: Vec::new(),
        }
    }

    /// From `version` to the end of the series defined by its first `parts` parts.
    pub(super) fn series(version: Partial, parts: usize) -> Self {
        let upper = Bound::Excluded(version.after_series(parts));
        Self {
            upper,
            ..Self::at(version)
        }
    }

    /// Includes both ends. Returns `None` if they are reversed.
    pub(super) fn between(first: Partial, last: Partial) -> Option<Self> {
        Self::at_least(first).intersection(Self::at_most(last))
    }

    /// Returns the intersection, or `None` if it is empty. A pre-release named in either applies
    /// to the whole.
    pub(super) fn intersection(mut self, mut other: Self) -> Option<Self> {
        let lower = by(self.lower, other.lower, compare_lower, Ordering::Greater);
        let upper = by(self.upper, other.upper, compare_upper, Ordering::Less);
        let possible = match (&lower, &upper) {
            (Bound::Included(low), Bound::Included(high)) => low <= high,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
            (
                Bound::Included(low) | Bound::Excluded(low),
                Bound::Included(high) | Bound::Excluded(high),
            ) => low < high,
        };
        let prereleases = self.prereleases || other.prereleases;
        self.builds.append(&mut other.builds);
        possible.then_some(Self {
            lower,
            upper,
            prereleases,
            builds: self.builds,
        })
    }

    pub(super) fn contains(&self, version: &Version) -> bool {
        let from = match &self.lower {
            Bound::Included(low) => version >= low,
            Bound::Excluded(low) => version > low,
            Bound::Unbounded => true,
        };
        let to = match &self.upper {
            Bound::Included(high) => version <= high,
            Bound::Excluded(high) => version < high,
            Bound::Unbounded => true,
        };
        from && to && (self.prereleases || !version.is_prerelease())
    }
}

impl Interval {
    /// Like [`Self::contains`], but an exact version contains only its own build metadata.
    pub(super) fn contains_build(&self, version: &Version, build: &str) -> bool {
        self.contains(version) && self.builds.iter().all(|one| one == build)
    }
}

/// Orders lower ends: the one that admits more is less.
pub(super) fn compare_lower(left: &Bound<Version>, right: &Bound<Version>) -> Ordering {
    fn key(bound: &Bound<Version>) -> Option<(&Version, bool)> {
        match bound {
            Bound::Unbounded => None,
            Bound::Included(version) => Some((version, false)),
            Bound::Excluded(version) => Some((version, true)),
        }
    }
    key(left).cmp(&key(right))
}

/// Orders upper ends: the one that admits more is greater.
pub(super) fn compare_upper(left: &Bound<Version>, right: &Bound<Version>) -> Ordering {
    fn key(bound: &Bound<Version>) -> (bool, Option<(&Version, bool)>) {
        match bound {
            Bound::Unbounded => (true, None),
            Bound::Excluded(version) => (false, Some((version, false))),
            Bound::Included(version) => (false, Some((version, true))),
        }
    }
    key(left).cmp(&key(right))
}

fn by<T>(left: T, right: T, compare: fn(&T, &T) -> Ordering, preferred: Ordering) -> T {
    if compare(&left, &right) == preferred {
        left
    } else {
        right
    }
}
