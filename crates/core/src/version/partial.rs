//! Versions in ranges, with optional parts and wildcards.

use semver::Prerelease;

use super::number::{Number, Version};

/// `1.2`, `v1.2.3-rc.1+build`, `1.x`. At most three parts.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    /// Numeric parts, in order.
    numbers: Vec<Number>,
    /// Whether further parts are the wildcard `x` or `*`.
    free: bool,
    prerelease: Prerelease,
    /// Build metadata, empty if none is given.
    build: String,
}

impl Partial {
    /// Returns `None` if `word` is neither a version nor a wildcard like `1.x`.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let word = word.strip_prefix(['v', 'V']).unwrap_or(word);
        let (word, build) = split(word, '+');
        if !build.is_none_or(|build| build.split('.').all(is_identifier)) {
            return None;
        }
        let (parts, prerelease) = split(word, '-');
        let prerelease = match prerelease {
            Some(text) => prerelease_of(text)?,
            None => Prerelease::EMPTY,
        };
        let mut numbers = Vec::with_capacity(3);
        let mut free = false;
        for (index, part) in parts.split('.').enumerate() {
            if index == 3 {
                return None;
            }
            match part {
                "x" | "X" | "*" => free = true,
                _ if free => return None,
                _ => numbers.push(Number::parse(part)?),
            }
        }
        let plain = prerelease.is_empty() && build.is_none();
        (!numbers.is_empty() && (plain || !free)).then_some(Self {
            numbers,
            free,
            prerelease,
            build: build.unwrap_or_default().to_owned(),
        })
    }

    /// Returns the number of numeric parts: one to three.
    pub(super) fn given(&self) -> usize {
        self.numbers.len()
    }

    /// Returns whether this is a wildcard like `1.x`, not a single version.
    pub(super) fn is_series(&self) -> bool {
        self.free
    }

    pub(super) fn prerelease(&self) -> &Prerelease {
        &self.prerelease
    }

    pub(super) fn build(&self) -> &str {
        &self.build
    }

    /// Formats the numeric parts, without `v` and leading zeros: `1.2`.
    pub(super) fn given_text(&self) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(Number::to_string).collect();
        numbers.join(".")
    }

    /// Returns the version with zero for every part that is missing or a wildcard.
    pub(super) fn into_version(self) -> Version {
        let mut numbers = self.numbers.into_iter();
        let mut next = || numbers.next().unwrap_or(Number::ZERO);
        Version {
            numbers: [next(), next(), next()],
            prerelease: self.prerelease,
        }
    }

    /// Returns the first version after the series defined by the first `parts` parts: with two, `1.2.3`
    /// gives `1.3.0-0`, which precedes all pre-releases of 1.3.0.
    pub(super) fn after_series(&self, parts: usize) -> Version {
        let mut version = self.clone().into_version();
        for (index, number) in version.numbers.iter_mut().enumerate() {
            if index + 1 == parts {
                *number = number.successor();
            } else if index >= parts {
                *number = Number::ZERO;
            }
        }
        version.prerelease = lowest_prerelease();
        version
    }

    /// Returns the number of leading parts that a caret keeps: up to the first non-zero part, or all
    /// given parts (npm, "Caret Ranges").
    pub(super) fn caret_parts(&self) -> usize {
        let leading = self
            .numbers
            .iter()
            .take_while(|number| **number == Number::ZERO)
            .count();
        (leading + 1).min(self.given())
    }
}

/// Returns the ends of a range written without spaces, like `1.2.0-1.5.0`: a two- or three-part
/// version on both sides of the first hyphen. Anything else is a pre-release.
pub(super) fn ends(word: &str) -> Option<(Partial, Partial)> {
    let (first, last) = word.split_once('-')?;
    if first.contains('+') {
        return None;
    }
    let end = |word| Partial::parse(word).filter(|end| end.given() > 1 && !end.is_series());
    Some((end(first)?, end(last)?))
}

/// `0`, the lowest pre-release of a version (semver 2.0.0, clause 11.4).
pub(super) fn lowest_prerelease() -> Prerelease {
    Prerelease::new("0").unwrap_or(Prerelease::EMPTY)
}

fn split(word: &str, separator: char) -> (&str, Option<&str>) {
    word.split_once(separator)
        .map_or((word, None), |(head, tail)| (head, Some(tail)))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Leading zeros of numeric identifiers are dropped, as everywhere else in a version.
fn prerelease_of(text: &str) -> Option<Prerelease> {
    let identifiers: Vec<String> = text
        .split('.')
        .map(|identifier| {
            Number::parse(identifier)
                .map_or_else(|| identifier.to_owned(), |number| number.to_string())
        })
        .collect();
    Prerelease::new(&identifiers.join("."))
        .ok()
        .filter(|prerelease| !prerelease.is_empty())
}
