//! Numeric parts of versions: natural numbers of any length.

use std::cmp::Ordering;
use std::fmt;

/// A natural number with a unique representation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Number {
    Small(u64),
    /// Decimal digits of a number above `u64::MAX`, without leading zeros.
    Large(Box<str>),
}

impl Number {
    pub(super) const ZERO: Self = Self::Small(0);

    /// Returns `None` unless `digits` are one or more ASCII digits. Leading zeros are dropped.
    pub(super) fn parse(digits: &str) -> Option<Self> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::ZERO);
        }
        Some(
            significant
                .parse()
                .map_or_else(|_| Self::Large(significant.into()), Self::Small),
        )
    }

    pub(super) fn successor(&self) -> Self {
        match self {
            Self::Small(number) => match number.checked_add(1) {
                Some(next) => Self::Small(next),
                None => Self::Large(increment(&number.to_string()).into()),
            },
            Self::Large(digits) => Self::Large(increment(digits).into()),
        }
    }
}

fn increment(digits: &str) -> String {
    let kept = digits.trim_end_matches('9');
    let zeros = "0".repeat(digits.len() - kept.len());
    let mut next = String::with_capacity(digits.len() + 1);
    match kept.as_bytes().split_last() {
        Some((last, _)) => {
            next.push_str(&kept[..kept.len() - 1]);
            next.push(char::from(last + 1));
        }
        None => next.push('1'),
    }
    next.push_str(&zeros);
    next
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Small(left), Self::Small(right)) => left.cmp(right),
            (Self::Small(_), Self::Large(_)) => Ordering::Less,
            (Self::Large(_), Self::Small(_)) => Ordering::Greater,
            (Self::Large(left), Self::Large(right)) => {
                left.len().cmp(&right.len()).then_with(|| left.cmp(right))
            }
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(number) => number.fmt(formatter),
            Self::Large(digits) => formatter.write_str(digits),
        }
    }
}

/// A version, parsed leniently: a leading `v` is dropped, missing parts are zero, build metadata is
/// ignored.
///
/// Versions are ordered by precedence (semver 2.0.0, clause 11): a pre-release comes before its
/// release. Numbers may have any length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub(super) numbers: [Number; 3],
    // Orders the empty pre-release after all others.
    pub(super) prerelease: semver::Prerelease,
}

impl Version {
    /// Returns whether the version is a pre-release, like `2.0.0-rc.1`.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.prerelease.is_empty()
    }

    /// Formats the three numbers.
    pub(super) fn release_text(&self) -> String {
        let [major, minor, patch] = &self.numbers;
        format!("{major}.{minor}.{patch}")
    }
}

impl fmt::Display for Version {
    /// Writes all three parts, even if fewer were given.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.release_text())?;
        if self.is_prerelease() {
            write!(formatter, "-{}", self.prerelease)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str) -> Number {
        Number::parse(digits).unwrap()
    }

    #[test]
    fn accepts_only_ascii_digits() {
        for text in ["", "-1", "+1", "1a", "१", " 1"] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
        assert_eq!(number("007"), number("7"));
        assert_eq!(number("000"), Number::ZERO);
    }

    #[test]
    fn orders_numbers_of_any_length_by_value() {
        let ordered = [
            "0",
            "9",
            "10",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999",
        ];
        for pair in ordered.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn successor_carries_beyond_any_width() {
        for (from, to) in [
            ("0", "1"),
            ("18446744073709551615", "18446744073709551616"),
            ("99999999999999999999", "100000000000000000000"),
            ("20000000000000000999", "20000000000000001000"),
        ] {
            assert_eq!(number(from).successor(), number(to));
        }
    }
}
