//! Compares, sorts and selects versions of packages.
//!
//! The grammar of ranges is that of `core`, with two additions. `*` and `latest` select the highest release.
//! Versions that differ only in build metadata are different versions: `1.2.3` and `1.2.3+build.5` each match only
//! themselves. All other ranges ignore build metadata, and among the highest matches select the highest build
//! metadata: none is the lowest, and its identifiers are compared like those of a pre-release.
//!
//! ```
//! use extension_registry_package_format::version;
//!
//! assert!(version::compare("1.10.0", "1.9.0").unwrap().is_gt());
//! assert!(version::satisfies("1.9.0", ">=1.2, <2").unwrap());
//! assert!(!version::satisfies("1.9.0", "1.2.3").unwrap());
//! ```

use std::cmp::Ordering;
use std::collections::BTreeSet;

use extension_registry_core::diagnostic::{Explain, Note};
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
    Ok(range.matches_build(&RecordVersion::new(version)) && is_offered(version, &range))
}

/// Returns whether a version of a package is in a range.
#[must_use]
pub fn admits(range: &VersionRange, version: &semver::Version) -> bool {
    let text = version.to_string();
    range.matches_build(&RecordVersion::new(&text)) && is_offered(&text, range)
}

/// Like [`admits`], but ignores build metadata also for exact versions.
fn admits_some_build(range: &VersionRange, version: &semver::Version) -> bool {
    let text = version.to_string();
    range.matches(Some(&RecordVersion::new(&text))) && is_offered(&text, range)
}

/// Explains the choice between matching versions that differ only in build metadata; None if there was no
/// choice.
#[must_use]
pub fn build_choice<'v>(
    chosen: &semver::Version,
    fitting: impl IntoIterator<Item = &'v semver::Version>,
) -> Option<Note> {
    let fitting = fitting.into_iter();
    let builds: BTreeSet<&semver::Version> = fitting
        .filter(|version| version.cmp_precedence(chosen).is_eq())
        .collect();
    let other = builds.iter().rev().find(|version| **version != chosen)?;
    let mut release = chosen.clone();
    release.build = semver::BuildMetadata::EMPTY;
    let shown: Vec<String> = builds.iter().rev().map(ToString::to_string).collect();
    let message = format!(
        "selected {chosen} from {} builds of {release}: {}",
        shown.len(),
        shown.join(", ")
    );
    Some(Note::new(message).hint(if builds.len() > 2 {
        format!("request `={other}` or another of them to use it")
    } else {
        format!("request `={other}` to use it")
    }))
}

/// For packages, `*` and `latest` exclude pre-releases.
fn is_offered(version: &str, range: &VersionRange) -> bool {
    let is_early = Version::parse(version).is_some_and(|version| version.is_prerelease());
    let is_bare = matches!(range.to_string().trim(), "*" | "latest");
    !(is_early && is_bare)
}

/// Returns the highest version in a range, and of several builds of it the one with the highest build metadata.
///
/// # Errors
/// Returns an error if none matches. The hint names other builds, or a pre-release, that would match.
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
            admits_some_build(range, &release)
        })
        .max();
    let builds: BTreeSet<&&semver::Version> = all
        .iter()
        .filter(|version| admits_some_build(range, version))
        .collect();
    Err(NoMatchingVersion {
        range: range.to_string(),
        highest: all.iter().max().map(ToString::to_string),
        pre_release: pre_release.map(ToString::to_string),
        builds: builds.iter().rev().map(ToString::to_string).collect(),
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
    /// Versions that differ from the requested one only in build metadata, the highest first.
    pub builds: Vec<String>,
}

impl Explain for NoMatchingVersion {
    fn hints(&self) -> Vec<String> {
        if let Some(first) = self.builds.first() {
            let release = first
                .split_once('+')
                .map_or(first.as_str(), |(release, _)| release);
            let requests = self
                .builds
                .iter()
                .take(3)
                .map(|build| format!("`={build}`"));
            let requests = requests.collect::<Vec<_>>().join(" or ");
            return vec![format!(
                "{release} is available with other build metadata; request {requests}"
            )];
        }
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
