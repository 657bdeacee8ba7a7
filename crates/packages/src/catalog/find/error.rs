//! Why a package was not found.

use super::super::Failure;
use crate::digest::Digest;
use crate::repository::Error;
use crate::version::NoneFits;

/// Why a package was not found.
#[derive(thiserror::Error, Debug)]
pub enum FindError {
    /// Nobody has it.
    #[error("{} has a package `{name}`{}", nobody(failures), told(failures, hint))]
    NoPackage {
        /// Its name.
        name: String,
        /// Sources that did not answer.
        failures: Vec<Failure>,
        /// What to do.
        hint: String,
    },
    /// No version will do.
    #[error("package `{name}` in {places}{}: {source}", told(failures, ""))]
    NoVersion {
        /// Its name.
        name: String,
        /// Where it is.
        places: String,
        /// Sources that did not answer, and may have one that will do.
        failures: Vec<Failure>,
        /// Why none will do.
        source: Box<NoneFits>,
    },
    /// Two sources mean different things by the same name and version.
    #[error("{title} is not the same everywhere: {first} has content {}, {second} has {}; hint: --source {first} takes that one; ask whoever publishes there which is right", contents[0], contents[1])]
    Conflict {
        /// `mlflow 1.2.0`.
        title: String,
        /// A source.
        first: String,
        /// Another source.
        second: String,
        /// What they have.
        contents: Box<[Digest; 2]>,
    },
    /// The name is there with two types.
    #[error("`{name}` is a {} ({}) and a {} ({}); hint: --type {} or --type {}", types[0], places[0], types[1], places[1], types[0], types[1])]
    TwoTypes {
        /// Its name.
        name: String,
        /// The types.
        types: Box<[String; 2]>,
        /// Where each is: `1.2.0 in team`.
        places: Box<[String; 2]>,
    },
    /// It is there with another type only.
    #[error("`{name}` {version} is a {actual}, not a {wanted}; hint: --type {actual}")]
    OtherType {
        /// Its name.
        name: String,
        /// The version.
        version: semver::Version,
        /// What it is.
        actual: String,
        /// What was asked for.
        wanted: String,
    },
    /// A source that comes first could not be asked. What one below has is not taken in its place: its publisher may
    /// be somebody else.
    #[error("{title} is in {places}, but {}, which comes before, could not be asked: {}; hint: try again; --source {place} takes what is there", failure.repository, failure.why)]
    Unanswered {
        /// `mlflow`, or `mlflow 1.2.0`.
        title: String,
        /// Who has it.
        places: String,
        /// The first of them.
        place: String,
        /// Who was not asked, and why.
        failure: Box<Failure>,
    },
    /// A source did not answer.
    #[error(transparent)]
    Repository(#[from] Error),
}

/// As long as some were not asked, nobody can say that there is none.
fn nobody(failures: &[Failure]) -> &'static str {
    if failures.is_empty() {
        "no source"
    } else {
        "no source that answered"
    }
}

fn told(failures: &[Failure], hint: &str) -> String {
    let asked = |failure: &Failure| {
        format!(
            "; {} could not be asked: {}",
            failure.repository, failure.why
        )
    };
    let hint = Some(hint).filter(|hint| !hint.is_empty());
    let hint = hint.map(|hint| format!("; hint: {hint}"));
    failures.iter().map(asked).chain(hint).collect()
}
