//! Where a package is, and in which versions.

mod error;
mod kinds;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::version::VersionRange;
use futures::future::join_all;

pub use error::FindError;
pub(super) use kinds::same;

use super::{Catalog, Failure, Source};
use crate::manifest::Kind;
use crate::spec::Spec;
use crate::version;

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
    /// Other sources that could not be asked, in words. None of them comes before this one.
    pub warnings: Vec<String>,
}

impl<'c> Sighting<'c> {
    /// What a source said, and nothing to be told.
    pub(super) fn of(source: &'c Source, spec: Spec) -> Self {
        Self {
            source,
            spec,
            warnings: Vec::new(),
        }
    }
}

impl Catalog {
    /// Versions of a package, asked of all sources at the same time.
    pub async fn versions(&self, name: &str) -> Found {
        let asked = self.sources.iter().map(|source| source.versions(name));
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

    /// The version that a range takes, and what is known of it: the newest of the sources of the highest priority
    /// that have the package in this type at all.
    ///
    /// # Errors
    /// When there is none; when sources disagree about it; when one that comes before did not answer; when no type is
    /// wanted and the name is there with two.
    pub async fn find(
        &self,
        name: &str,
        range: &VersionRange,
        kind: Option<&Kind>,
    ) -> Result<Sighting<'_>, FindError> {
        let found = self.versions(name).await;
        let mut other = None;
        for (places, versions) in self.ranks(&found) {
            if let Some(silent) = self.silent_above(&found.failures, &places) {
                return Err(self.unanswered(format!("`{name}`"), &places, silent));
            }
            match self.newest(&found, (&places, versions), range, kind).await {
                Err(error @ FindError::OtherType { .. }) => {
                    other.get_or_insert(error);
                }
                outcome => {
                    let mut sighting = outcome?;
                    if kind.is_none() {
                        self.of_one_kind(&found, range, &mut sighting).await?;
                    }
                    let failures = found.failures.into_iter().map(|failure| failure.why);
                    sighting.warnings.extend(failures);
                    return Ok(sighting);
                }
            }
        }
        Err(other.unwrap_or_else(|| self.no_package(found)))
    }

    /// The newest of these versions that fits and is of the type. Its type is known of a version only when it is asked
    /// for, so those of another type are passed over one by one.
    async fn newest(
        &self,
        found: &Found,
        (places, mut versions): (&BTreeSet<usize>, BTreeSet<semver::Version>),
        range: &VersionRange,
        kind: Option<&Kind>,
    ) -> Result<Sighting<'_>, FindError> {
        let mut other = None;
        loop {
            let (version, misfit) = match (version::newest(range, &versions), versions.last()) {
                (Ok(version), _) => (version.clone(), None),
                // None fits. Whether any has the type at all decides whose word that is.
                (Err(misfit), Some(last)) => (last.clone(), Some(misfit)),
                (Err(misfit), None) => {
                    return Err(other.unwrap_or_else(|| self.no_version(found, places, misfit)));
                }
            };
            if let (Some(misfit), None) = (&misfit, kind) {
                return Err(self.no_version(found, places, misfit.clone()));
            }
            match (self.sighting(found, &version, kind).await, misfit) {
                (Err(error @ FindError::OtherType { .. }), _) => {
                    versions.remove(&version);
                    other.get_or_insert(error);
                }
                (_, Some(misfit)) => return Err(self.no_version(found, places, misfit)),
                (outcome, None) => return outcome,
            }
        }
    }

    /// What is known of one version, after all sources that have it agreed.
    ///
    /// # Errors
    /// When they do not agree, or one with a higher priority than all others does not answer.
    pub async fn sighting(
        &self,
        found: &Found,
        version: &semver::Version,
        kind: Option<&Kind>,
    ) -> Result<Sighting<'_>, FindError> {
        let places = found.versions.get(version).map_or(&[][..], Vec::as_slice);
        let asked = places
            .iter()
            .map(|index| self.sources[*index].spec(&found.name, version));
        let mut sightings: Vec<Sighting> = Vec::new();
        let mut errors = Vec::new();
        let mut other = None;
        for (answer, index) in join_all(asked).await.into_iter().zip(places) {
            let source = &self.sources[*index];
            match answer {
                Ok(spec) if kind.is_some_and(|kind| *kind != spec.manifest.kind) => {
                    other.get_or_insert(spec.manifest.kind);
                }
                Ok(spec) => sightings.push(Sighting::of(source, spec)),
                Err(error) => errors.push((source, error)),
            }
        }
        agree(&sightings)?;
        // The first is of the highest priority. One below does not stand in for it where it is broken.
        let Some(mut chosen) = sightings.into_iter().next() else {
            return Err(match (errors.into_iter().next(), other, kind) {
                (Some((_, error)), _, _) => error.into(),
                (None, Some(actual), Some(wanted)) => FindError::OtherType {
                    name: found.name.clone(),
                    version: version.clone(),
                    actual: actual.name().to_owned(),
                    wanted: wanted.name().to_owned(),
                },
                _ => self.no_package(found.clone()),
            });
        };
        for (source, error) in errors {
            if source.priority > chosen.source.priority {
                let place = self.index(chosen.source).into_iter().collect();
                let failure = Failure::of(source, &error);
                return Err(self.unanswered(chosen.spec.title(), &place, &failure));
            }
            chosen.warnings.push(error.to_string());
        }
        Ok(chosen)
    }

    /// The sources that have a package, and its versions there, by their priorities: the highest first.
    fn ranks(&self, found: &Found) -> Vec<(BTreeSet<usize>, BTreeSet<semver::Version>)> {
        let mut ranks: BTreeMap<Reverse<i64>, (BTreeSet<usize>, BTreeSet<_>)> = BTreeMap::new();
        for (version, places) in &found.versions {
            for index in places {
                let priority = Reverse(self.sources[*index].priority);
                let rank = ranks.entry(priority).or_default();
                rank.0.insert(*index);
                rank.1.insert(version.clone());
            }
        }
        ranks.into_values().collect()
    }

    /// A source that could not be asked and comes before all of these.
    pub(super) fn silent_above<'f>(
        &self,
        failures: &'f [Failure],
        places: &BTreeSet<usize>,
    ) -> Option<&'f Failure> {
        let priority = |index: &usize| self.sources[*index].priority;
        let highest = places.iter().map(priority).max()?;
        failures.iter().find(|failure| {
            let source = self.source(&failure.repository);
            source.is_some_and(|source| source.priority > highest)
        })
    }

    pub(super) fn unanswered(
        &self,
        title: String,
        places: &BTreeSet<usize>,
        failure: &Failure,
    ) -> FindError {
        let place = places.first().map_or("", |index| self.sources[*index].id());
        FindError::Unanswered {
            title,
            places: self.ids(places),
            place: place.to_owned(),
            failure: Box::new(failure.clone()),
        }
    }

    /// Of those sources that count: what the others have is nobody's answer.
    fn no_version(
        &self,
        found: &Found,
        places: &BTreeSet<usize>,
        source: version::NoneFits,
    ) -> FindError {
        FindError::NoVersion {
            name: found.name.clone(),
            places: self.ids(places),
            failures: found.failures.clone(),
            source: Box::new(source),
        }
    }

    /// The refusal of a name that nobody who answered has.
    #[must_use]
    pub fn no_package(&self, found: Found) -> FindError {
        let hint = if self.sources.is_empty() {
            "no source is configured: kubectl ext package config show"
        } else if found.failures.is_empty() {
            "kubectl ext package search finds names"
        } else {
            "try again; with --offline, what this machine has is taken"
        };
        FindError::NoPackage {
            name: found.name,
            failures: found.failures,
            hint: hint.to_owned(),
        }
    }

    /// Names of sources, as people list them.
    fn ids(&self, places: &BTreeSet<usize>) -> String {
        let names = places.iter().map(|index| self.sources[*index].id());
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Refuses one version that is not the same in all sources that have it.
pub(super) fn agree(sightings: &[Sighting]) -> Result<(), FindError> {
    let Some((first, rest)) = sightings.split_first() else {
        return Ok(());
    };
    for other in rest {
        same(first, other)?;
        let digest = |sighting: &Sighting| sighting.spec.release.content.digest;
        if let (Some(left), Some(right)) = (digest(first), digest(other))
            && left != right
        {
            return Err(FindError::Conflict {
                title: first.spec.title(),
                first: first.source.id().to_owned(),
                second: other.source.id().to_owned(),
                contents: Box::new([left, right]),
            });
        }
    }
    Ok(())
}
