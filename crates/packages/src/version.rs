//! Versions of packages: compare, sort, choose (seed 003, "Version Resolution").
//!
//! The grammar of ranges is that of `core`; among packages `*` and `latest` take the highest release.
//!
//! ```
//! use extension_registry_packages::version;
//!
//! assert!(version::compare("1.10.0", "1.9.0").unwrap().is_gt());
//! assert!(version::satisfies("1.9.0", ">=1.2, <2").unwrap());
//! assert!(!version::satisfies("1.9.0", "1.2.3").unwrap());
//! ```

use std::cmp::Ordering;

use extension_registry_core::version::{RangeError, RecordVersion, Version, VersionRange};

/// Why a text is no version.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("`{0}` is no version; hint: write numbers with dots: 1.2.0")]
pub struct NoVersion(String);

/// Reads a version as people write it: with a leading `v`, and without the last parts.
///
/// # Errors
/// When it is none.
pub fn parse(text: &str) -> Result<semver::Version, NoVersion> {
    let text = text.trim();
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (core, rest) = match bare.find(['-', '+']) {
        Some(at) => bare.split_at(at),
        None => (bare, ""),
    };
    let full = match core.split('.').count() {
        1 => format!("{core}.0.0{rest}"),
        2 => format!("{core}.0{rest}"),
        _ => bare.to_owned(),
    };
    semver::Version::parse(&full).map_err(|_| NoVersion(text.chars().take(80).collect()))
}

/// Which of two versions comes first (semver 2.0.0, clause 11): build metadata decides nothing.
///
/// # Errors
/// When one is no version.
pub fn compare(left: &str, right: &str) -> Result<Ordering, NoVersion> {
    Ok(parse(left)?.cmp_precedence(&parse(right)?))
}

/// Sorts versions, the newest first.
///
/// ```
/// let mut versions = vec!["1.9.0", "1.10.0", "1.10.0-rc.1"]
///     .into_iter()
///     .map(|text| text.parse().unwrap())
///     .collect::<Vec<semver::Version>>();
/// extension_registry_packages::version::sort(&mut versions);
/// assert_eq!(versions[0].to_string(), "1.10.0");
/// ```
pub fn sort(versions: &mut [semver::Version]) {
    versions.sort_by(|left, right| right.cmp(left));
}

/// Whether a version is in a range.
///
/// # Errors
/// When the range is none. A text that is no version is in no range but `*`.
pub fn satisfies(version: &str, range: &str) -> Result<bool, RangeError> {
    let range: VersionRange = range.parse()?;
    Ok(range.matches(Some(&RecordVersion::new(version))) && is_offered(version, &range))
}

/// Whether a version of a package is in a range.
#[must_use]
pub fn admits(range: &VersionRange, version: &semver::Version) -> bool {
    let text = version.to_string();
    range.matches(Some(&RecordVersion::new(&text))) && is_offered(&text, range)
}

/// `*` and `latest` are any record, yet among packages they leave out what comes before a release.
fn is_offered(version: &str, range: &VersionRange) -> bool {
    let is_early = Version::parse(version).is_some_and(|version| version.is_prerelease());
    let is_bare = matches!(range.to_string().trim(), "*" | "latest");
    !(is_early && is_bare)
}

/// The highest version in a range; else why there is none.
///
/// # Errors
/// When none is in it. The hint says which pre-releases would be.
pub fn newest<'v>(
    range: &VersionRange,
    versions: impl IntoIterator<Item = &'v semver::Version>,
) -> Result<&'v semver::Version, NoneFits> {
    let all: Vec<&semver::Version> = versions.into_iter().collect();
    let fitting = all.iter().filter(|version| admits(range, version));
    if let Some(version) = fitting.max() {
        return Ok(version);
    }
    let early = all
        .iter()
        .filter(|version| !version.pre.is_empty())
        .filter(|version| {
            let mut release = (**version).clone();
            release.pre = semver::Prerelease::EMPTY;
            admits(range, &release)
        })
        .max();
    Err(NoneFits {
        range: range.to_string(),
        highest: all.iter().max().map(ToString::to_string),
        early: early.map(ToString::to_string),
    })
}

/// Why no version was chosen.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("no version is in `{range}`{}", told(highest.as_deref(), early.as_deref()))]
pub struct NoneFits {
    /// The range.
    pub range: String,
    /// The highest version there is.
    pub highest: Option<String>,
    /// The highest that would do if it were released.
    pub early: Option<String>,
}

fn told(highest: Option<&str>, early: Option<&str>) -> String {
    match (highest, early) {
        (_, Some(early)) => {
            format!("; hint: there is {early}, which comes before its release: ask for `={early}`")
        }
        (Some(highest), None) => format!("; hint: the highest that there is: {highest}"),
        (None, None) => "; hint: there is no version at all".to_owned(),
    }
}
