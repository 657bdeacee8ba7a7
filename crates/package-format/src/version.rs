//! Compares, sorts and selects versions of packages.
//!
//! The grammar of ranges is that of `core`; for packages, `*` and `latest` select the highest release.
//!
//! ```
//! use extension_registry_package_format::version;
//!
//! assert!(version::compare("1.10.0", "1.9.0").unwrap().is_gt());
//! assert!(version::satisfies("1.9.0", ">=1.2, <2").unwrap());
//! assert!(!version::satisfies("1.9.0", "1.2.3").unwrap());
//! ```

use std::cmp::Ordering;

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::version::{RangeError, RecordVersion, Version, VersionRange};

/// An invalid version.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("invalid version `{0}`")]
pub struct InvalidVersion(String);

impl Explain for InvalidVersion {
    fn hints(&self) -> Vec<String> {
        vec!["expected MAJOR.MINOR.PATCH, e.g. 1.2.0".to_owned()]
    }
}

/// Parses a version, which may have a leading `v` and may omit its last parts.
///
/// # Errors
/// Returns an error if the text is not a version.
pub fn parse(text: &str) -> Result<semver::Version, InvalidVersion> {
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
    semver::Version::parse(&full).map_err(|_| InvalidVersion(text.chars().take(80).collect()))
}

/// Compares two versions by precedence (semver 2.0.0, clause 11); build metadata is ignored.
///
/// # Errors
/// Returns an error if one of them is not a version.
pub fn compare(left: &str, right: &str) -> Result<Ordering, InvalidVersion> {
    Ok(parse(left)?.cmp_precedence(&parse(right)?))
}

/// Sorts versions, the newest first.
///
/// ```
/// let mut versions = vec!["1.9.0", "1.10.0", "1.10.0-rc.1"]
///     .into_iter()
///     .map(|text| text.parse().unwrap())
///     .collect::<Vec<semver::Version>>();
/// extension_registry_package_format::version::sort(&mut versions);
/// assert_eq!(versions[0].to_string(), "1.10.0");
/// ```
pub fn sort(versions: &mut [semver::Version]) {
    versions.sort_by(|left, right| right.cmp(left));
}

/// Returns whether a version is in a range.
///
/// # Errors
/// Returns an error if the range is invalid. A text that is not a version is only in the range `*`.
pub fn satisfies(version: &str, range: &str) -> Result<bool, RangeError> {
    let range: VersionRange = range.parse()?;
    Ok(range.matches(Some(&RecordVersion::new(version))) && is_offered(version, &range))
}

/// Returns whether a version of a package is in a range.
#[must_use]
pub fn admits(range: &VersionRange, version: &semver::Version) -> bool {
    let text = version.to_string();
    range.matches(Some(&RecordVersion::new(&text))) && is_offered(&text, range)
}

/// For packages, `*` and `latest` exclude pre-releases.
fn is_offered(version: &str, range: &VersionRange) -> bool {
    let is_early = Version::parse(version).is_some_and(|version| version.is_prerelease());
    let is_bare = matches!(range.to_string().trim(), "*" | "latest");
    !(is_early && is_bare)
}

/// Returns the highest version in a range.
///
/// # Errors
/// Returns an error if none matches. The hint names a pre-release that would match.
pub fn newest<'v>(
    range: &VersionRange,
    versions: impl IntoIterator<Item = &'v semver::Version>,
) -> Result<&'v semver::Version, NoMatchingVersion> {
    let all: Vec<&semver::Version> = versions.into_iter().collect();
    let fitting = all.iter().filter(|version| admits(range, version));
    if let Some(version) = fitting.max() {
        return Ok(version);
    }
    let pre_release = all
        .iter()
        .filter(|version| !version.pre.is_empty())
        .filter(|version| {
            let mut release = (**version).clone();
            release.pre = semver::Prerelease::EMPTY;
            admits(range, &release)
        })
        .max();
    Err(NoMatchingVersion {
        range: range.to_string(),
        highest: all.iter().max().map(ToString::to_string),
        pre_release: pre_release.map(ToString::to_string),
    })
}

/// Why no version matches.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("no version matches `{range}`{}", if highest.is_none() && pre_release.is_none() { ": no versions are available" } else { "" })]
pub struct NoMatchingVersion {
    /// The range.
    pub range: String,
    /// The highest available version.
    pub highest: Option<String>,
    /// The highest pre-release whose release would match.
    pub pre_release: Option<String>,
}

impl Explain for NoMatchingVersion {
    fn hints(&self) -> Vec<String> {
        match (&self.highest, &self.pre_release) {
            (_, Some(pre_release)) => vec![format!(
                "request `={pre_release}` to use the pre-release {pre_release}"
            )],
            (Some(highest), None) => {
                vec![format!(
                    "change the range; the highest available version is {highest}"
                )]
            }
            (None, None) => Vec::new(),
        }
    }
}
