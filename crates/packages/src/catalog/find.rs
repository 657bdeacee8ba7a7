//! Where a package is, and in which versions.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::version::VersionRange;
use futures::future::join_all;

use super::{Catalog, Failure, Source};
use crate::digest::Digest;
use crate::manifest::Kind;
use crate::repository::Error;
use crate::spec::Spec;
use crate::version::{self, NoneFits};

/// Versions of a package in all sources that answered.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Name of the package.
    pub name: String,
    /// Where each version is: indices of sources, the highest priority first.
    pub versions: BTreeMap<semver::Version, Vec<usize>>,
    /// Sources that did not answer.
    pub failures: Vec<Failure>,
}

/// A version in one source.
#[derive(Clone, Debug)]
pub struct Sighting<'c> {
    /// The source.
    pub source: &'c Source,
    /// What it keeps.
    pub spec: Spec,
}

/// Why a package was not found.
#[derive(thiserror::Error, Debug)]
pub enum FindError {
    /// Nobody has it.
    #[error("no source has a package `{name}`{}", told(failures, hint))]
    NoPackage {
        /// Its name.
        name: String,
        /// Sources that did not answer.
        failures: Vec<Failure>,
        /// What to do.
        hint: String,
    },
    /// No version will do.
    #[error("package `{name}` in {places}: {source}")]
    NoVersion {
        /// Its name.
        name: String,
        /// Where it is.
        places: String,
        /// Why none will do.
        source: NoneFits,
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
    #[error("{title} is a {} in {first} and a {} in {second}; hint: --type {} or --type {}", types[0], types[1], types[0], types[1])]
    TwoTypes {
        /// `mlflow 1.2.0`.
        title: String,
        /// A source.
        first: String,
        /// Another source.
        second: String,
        /// The types there.
        types: Box<[String; 2]>,
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
    /// A source did not answer.
    #[error(transparent)]
    Repository(#[from] Error),
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

impl Catalog {
    /// Versions of a package, asked of all sources at the same time.
    pub async fn versions(&self, name: &str) -> Found {
        let asked = self
            .sources
            .iter()
            .map(|source| source.repository.versions(name));
        let mut found = Found {
            name: name.to_owned(),
            ..Found::default()
        };
        for (index, answer) in join_all(asked).await.into_iter().enumerate() {
            match answer {
                Ok(versions) => {
                    for version in versions {
                        found.versions.entry(version).or_default().push(index);
                    }
                }
                Err(error) => found
                    .failures
                    .push(Failure::of(&self.sources[index], &error)),
            }
        }
        found
    }

    /// Versions that may be taken: those of the sources of the highest priority that have the package at all.
    #[must_use]
    pub fn offered(&self, found: &Found) -> BTreeSet<semver::Version> {
        let priority = |index: &usize| self.sources[*index].priority;
        let highest = found.versions.values().flatten().map(priority).max();
        let has = |places: &[usize]| places.iter().map(priority).max() == highest;
        let offered = found.versions.iter().filter(|(_, places)| has(places));
        offered.map(|(version, _)| version.clone()).collect()
    }

    /// The version that a range takes, and what is known of it.
    ///
    /// # Errors
    /// When there is none, or sources disagree about it.
    pub async fn find(
        &self,
        name: &str,
        range: &VersionRange,
        kind: Option<&Kind>,
    ) -> Result<Sighting<'_>, FindError> {
        let found = self.versions(name).await;
        if found.versions.is_empty() {
            return Err(self.no_package(found));
        }
        let offered = self.offered(&found);
        let version = version::newest(range, &offered).map_err(|source| FindError::NoVersion {
            name: name.to_owned(),
            places: self.places(&found),
            source,
        })?;
        self.sighting(&found, version, kind).await
    }

    /// What is known of one version, after all sources that have it agreed.
    ///
    /// # Errors
    /// When they do not agree, or the one with the highest priority does not answer.
    pub async fn sighting(
        &self,
        found: &Found,
        version: &semver::Version,
        kind: Option<&Kind>,
    ) -> Result<Sighting<'_>, FindError> {
        let places = found.versions.get(version).map_or(&[][..], Vec::as_slice);
        let asked = places.iter().map(|index| async move {
            let repository = &self.sources[*index].repository;
            let release = repository.release(&found.name, version).await?;
            Spec::of(&**repository, release)
        });
        let mut sightings: Vec<Sighting> = Vec::new();
        let mut first_error = None;
        let mut preferred_failed = false;
        let mut other = None;
        for (answer, index) in join_all(asked).await.into_iter().zip(places) {
            match answer {
                Ok(spec) if kind.is_some_and(|kind| *kind != spec.manifest.kind) => {
                    other.get_or_insert(spec.manifest.kind);
                }
                Ok(spec) => sightings.push(Sighting {
                    source: &self.sources[*index],
                    spec,
                }),
                Err(error) => {
                    preferred_failed |= sightings.is_empty();
                    first_error.get_or_insert(error);
                }
            }
        }
        agree(&sightings, found, version)?;
        // The first is of the highest priority. One below does not stand in for it where it is broken.
        let chosen = sightings.into_iter().next();
        match (chosen, first_error, other, kind) {
            (_, Some(error), _, _) if preferred_failed => Err(error.into()),
            (Some(chosen), _, _, _) => Ok(chosen),
            (None, Some(error), _, _) => Err(error.into()),
            (None, None, Some(actual), Some(wanted)) => Err(FindError::OtherType {
                name: found.name.clone(),
                version: version.clone(),
                actual: actual.name().to_owned(),
                wanted: wanted.name().to_owned(),
            }),
            (None, None, _, _) => Err(self.no_package(found.clone())),
        }
    }

    fn no_package(&self, found: Found) -> FindError {
        let hint = if self.sources.is_empty() {
            "no source is configured: kubectl ext package config show"
        } else {
            "kubectl ext package search finds names"
        };
        FindError::NoPackage {
            name: found.name,
            failures: found.failures,
            hint: hint.to_owned(),
        }
    }

    /// Names of the sources that have the package.
    fn places(&self, found: &Found) -> String {
        let indices: BTreeSet<usize> = found.versions.values().flatten().copied().collect();
        let names: Vec<&str> = indices
            .iter()
            .map(|index| self.sources[*index].id())
            .collect();
        names.join(", ")
    }
}

/// Refuses what is not the same in all sources that have it.
pub(super) fn agree(
    sightings: &[Sighting],
    found: &Found,
    version: &semver::Version,
) -> Result<(), FindError> {
    let Some((first, rest)) = sightings.split_first() else {
        return Ok(());
    };
    let title = format!("{} {version}", found.name);
    let one = &first.spec;
    for sighting in rest {
        let other = &sighting.spec;
        let places = (
            first.source.id().to_owned(),
            sighting.source.id().to_owned(),
        );
        if one.manifest.kind != other.manifest.kind {
            let types = [one, other].map(|spec| spec.manifest.kind.name().to_owned());
            return Err(FindError::TwoTypes {
                title,
                first: places.0,
                second: places.1,
                types: Box::new(types),
            });
        }
        if let (Some(left), Some(right)) =
            (one.release.content.digest, other.release.content.digest)
            && left != right
        {
            return Err(FindError::Conflict {
                title,
                first: places.0,
                second: places.1,
                contents: Box::new([left, right]),
            });
        }
    }
    Ok(())
}
