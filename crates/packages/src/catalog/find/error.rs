//! Errors of finding a package.

use extension_registry_core::diagnostic::Explain;

use super::super::SourceFailure;
use crate::digest::Digest;
use crate::repository::Error;
use crate::version::NoMatchingVersion;

/// Why a package was not found.
#[derive(thiserror::Error, Debug)]
pub enum FindError {
    /// No source has the package.
    #[error("package `{name}` not found{}{}", scope(failures), failed(failures))]
    NoPackage {
        /// Name of the package.
        name: String,
        /// Sources whose query failed.
        failures: Vec<SourceFailure>,
        /// The way out.
        hint: String,
    },
    /// No version matches.
    #[error("package `{name}` in {places}{}: {cause}", failed(failures))]
    NoVersion {
        /// Name of the package.
        name: String,
        /// Sources that have the package.
        places: String,
        /// Sources whose query failed, and that may have a matching version.
        failures: Vec<SourceFailure>,
        /// Why no version matches.
        cause: Box<NoMatchingVersion>,
    },
    /// Two sources have different content for the same name and version.
    #[error("{title} differs between sources: {first} has content {}, {second} has {}", contents[0], contents[1])]
    Conflict {
        /// Name and version: `mlflow 1.2.0`.
        title: String,
        /// Name of a source.
        first: String,
        /// Name of another source.
        second: String,
        /// Digests of the content, in the same order.
        contents: Box<[Digest; 2]>,
    },
    /// The name exists with two types.
    #[error("`{name}` is ambiguous: it is a {} ({}) and a {} ({})", types[0], places[0], types[1], places[1])]
    TwoTypes {
        /// Name of the package.
        name: String,
        /// The two types.
        types: Box<[String; 2]>,
        /// Where each is available: `1.2.0 in team`.
        places: Box<[String; 2]>,
    },
    /// The package exists only with another type.
    #[error("`{name}` {version} is a {actual}, not a {wanted}")]
    OtherType {
        /// Name of the package.
        name: String,
        /// Its version.
        version: semver::Version,
        /// Its actual type.
        actual: String,
        /// The requested type.
        wanted: String,
    },
    /// A higher-priority source failed. A lower-priority one does not replace it: its publisher may be another.
    #[error("{title} is available from {places}, but higher-priority repository {} could not be queried: {}", failure.repository, failure.why)]
    SourceUnavailable {
        /// Name, or name and version: `mlflow 1.2.0`.
        title: String,
        /// Sources that have it.
        places: String,
        /// The first of them.
        place: String,
        /// The failed source.
        failure: Box<SourceFailure>,
    },
    /// A repository reported an error.
    #[error(transparent)]
    Repository(#[from] Error),
}

impl Explain for FindError {
    fn hints(&self) -> Vec<String> {
        let of_failures =
            |failures: &[SourceFailure]| failures.iter().flat_map(Explain::hints).collect();
        let mut hints: Vec<String> = Vec::new();
        match self {
            Self::NoPackage { failures, hint, .. } => {
                hints = of_failures(failures);
                if !hint.is_empty() {
                    hints.push(hint.clone());
                }
            }
            Self::NoVersion {
                failures, cause, ..
            } => {
                hints = of_failures(failures);
                hints.extend(cause.hints());
            }
            Self::Conflict { first, .. } => hints.push(format!(
                "pass --source {first} to use that source, and ask the publishers which content is correct"
            )),
            Self::TwoTypes { types, .. } => {
                hints.push(format!("pass --type {} or --type {}", types[0], types[1]));
            }
            Self::OtherType { actual, .. } => hints.push(format!("pass --type {actual}")),
            Self::SourceUnavailable { place, failure, .. } => {
                hints = failure.hints();
                hints.push(format!(
                    "try again, or pass --source {place} to use that source"
                ));
            }
            Self::Repository(error) => hints = error.hints(),
        }
        hints
    }
}

fn scope(failures: &[SourceFailure]) -> &'static str {
    if failures.is_empty() {
        ""
    } else {
        " in the sources that responded"
    }
}

fn failed(failures: &[SourceFailure]) -> String {
    let failure = |failure: &SourceFailure| {
        format!("; failed to query {}: {}", failure.repository, failure.why)
    };
    failures.iter().map(failure).collect()
}
