//! Finds a package across sources, and its versions.

mod error;
mod kinds;
mod model;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::diagnostic::Note;
use extension_registry_core::version::VersionRange;
use futures::future::join_all;

pub use error::FindError;
pub(super) use kinds::check_same_kind;
pub use model::{ResolvedVersion, VersionListing};

use super::{Catalog, SourceFailure};
use crate::manifest::Kind;
use crate::version;

impl Catalog {
    /// Lists the versions of a package in all sources, queried concurrently.
    pub async fn versions(&self, name: &str) -> VersionListing {
        let queries = self.sources.iter().map(|source| source.versions(name));
        let mut found = VersionListing {
            name: name.to_owned(),
            ..VersionListing::default()
        };
        for (index, answer) in join_all(queries).await.into_iter().enumerate() {
            match answer {
                Ok(versions) => {
                    for version in versions {
                        found.versions.entry(version).or_default().push(index);
                    }
                }
                Err(error) => found
                    .failures
                    .push(SourceFailure::of(&self.sources[index], &error)),
            }
        }
        found
    }

    /// Returns the version that a range selects: the newest match in the highest-priority sources that have the
    /// package with this type.
    ///
    /// # Errors
    /// Returns an error if no version matches, if the sources disagree about its content, if a higher-priority
    /// source fails, or if `kind` is None and the name exists with two types.
    pub async fn find(
        &self,
        name: &str,
        range: &VersionRange,
        kind: Option<&Kind>,
    ) -> Result<ResolvedVersion<'_>, FindError> {
        let found = self.versions(name).await;
        let mut other_type = None;
        for (places, versions) in self.ranks(&found) {
            if let Some(failed_source) = self.failed_above(&found.failures, &places) {
                return Err(self.source_unavailable(format!("`{name}`"), &places, failed_source));
            }
            let builds = versions.clone();
            match self.newest(&found, (&places, versions), range, kind).await {
                Err(error @ FindError::OtherType { .. }) => {
                    other_type.get_or_insert(error);
                }
                outcome => {
                    let mut resolved = outcome?;
                    if kind.is_none() {
                        self.check_single_kind(&found, range, &mut resolved).await?;
                    }
                    let fitting = builds.iter().filter(|one| version::admits(range, one));
                    let choice = version::build_choice(&resolved.spec.manifest.version, fitting);
                    resolved
                        .warnings
                        .extend(choice.map(|note| note.under(name)));
                    resolved
                        .warnings
                        .extend(found.failures.iter().map(Note::of));
                    return Ok(resolved);
                }
            }
        }
        Err(other_type.unwrap_or_else(|| self.no_package(found)))
    }

    /// Returns the newest of these versions that matches the range and the type. The type of a version is known
    /// only after reading its metadata, so versions of another type are skipped one by one.
    async fn newest(
        &self,
        found: &VersionListing,
        (places, mut versions): (&BTreeSet<usize>, BTreeSet<semver::Version>),
        range: &VersionRange,
        kind: Option<&Kind>,
    ) -> Result<ResolvedVersion<'_>, FindError> {
        let mut other_type = None;
        loop {
            let (version, mismatch) = match (version::newest(range, &versions), versions.last()) {
                (Ok(version), _) => (version.clone(), None),
                // No version matches the range. Whether any has the type decides which error applies.
                (Err(mismatch), Some(last)) => (last.clone(), Some(mismatch)),
                (Err(mismatch), None) => {
                    return Err(
                        other_type.unwrap_or_else(|| self.no_version(found, places, mismatch))
                    );
                }
            };
            if let (Some(mismatch), None) = (&mismatch, kind) {
                return Err(self.no_version(found, places, mismatch.clone()));
            }
            match (self.resolved(found, &version, kind).await, mismatch) {
                (Err(error @ FindError::OtherType { .. }), _) => {
                    versions.remove(&version);
                    other_type.get_or_insert(error);
                }
                (_, Some(mismatch)) => return Err(self.no_version(found, places, mismatch)),
                (outcome, None) => return outcome,
            }
        }
    }

    /// Returns the metadata of one version after checking that all sources that have it agree.
    ///
    /// # Errors
    /// Returns an error if they disagree, or if a higher-priority source fails.
    pub async fn resolved(
        &self,
        found: &VersionListing,
        version: &semver::Version,
        kind: Option<&Kind>,
    ) -> Result<ResolvedVersion<'_>, FindError> {
        let places = found.versions.get(version).map_or(&[][..], Vec::as_slice);
        let queries = places
            .iter()
            .map(|index| self.sources[*index].spec(&found.name, version));
        let mut resolved_versions: Vec<ResolvedVersion> = Vec::new();
        let mut errors = Vec::new();
        let mut other_type = None;
        for (answer, index) in join_all(queries).await.into_iter().zip(places) {
            let source = &self.sources[*index];
            match answer {
                Ok(spec) if kind.is_some_and(|kind| *kind != spec.manifest.kind) => {
                    other_type.get_or_insert(spec.manifest.kind);
                }
                Ok(spec) => resolved_versions.push(ResolvedVersion::of(source, spec)),
                Err(error) => errors.push((source, error)),
            }
        }
        check_agreement(&resolved_versions)?;
        // The first has the highest priority. If it is broken, a lower-priority source must not replace it.
        let Some(mut chosen) = resolved_versions.into_iter().next() else {
            return Err(match (errors.into_iter().next(), other_type, kind) {
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
                let failure = SourceFailure::of(source, &error);
                return Err(self.source_unavailable(chosen.spec.title(), &place, &failure));
            }
            chosen.warnings.push(Note::of(&error));
        }
        Ok(chosen)
    }

    /// Groups the sources that have a package, and its versions there, by priority, the highest first.
    fn ranks(&self, found: &VersionListing) -> Vec<(BTreeSet<usize>, BTreeSet<semver::Version>)> {
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

    /// Returns a failed source with a higher priority than all of these.
    pub(super) fn failed_above<'f>(
        &self,
        failures: &'f [SourceFailure],
        places: &BTreeSet<usize>,
    ) -> Option<&'f SourceFailure> {
        let priority = |index: &usize| self.sources[*index].priority;
        let highest = places.iter().map(priority).max()?;
        failures.iter().find(|failure| {
            let source = self.source(&failure.repository);
            source.is_some_and(|source| source.priority > highest)
        })
    }

    pub(super) fn source_unavailable(
        &self,
        title: String,
        places: &BTreeSet<usize>,
        failure: &SourceFailure,
    ) -> FindError {
        let place = places.first().map_or("", |index| self.sources[*index].id());
        FindError::SourceUnavailable {
            title,
            places: self.ids(places),
            place: place.to_owned(),
            failure: Box::new(failure.clone()),
        }
    }

    /// Only the given sources are named; lower-priority ones do not matter for this package.
    fn no_version(
        &self,
        found: &VersionListing,
        places: &BTreeSet<usize>,
        source: version::NoMatchingVersion,
    ) -> FindError {
        FindError::NoVersion {
            name: found.name.clone(),
            places: self.ids(places),
            failures: found.failures.clone(),
            cause: Box::new(source),
        }
    }

    /// Creates the error for a name that no responding source has.
    #[must_use]
    pub fn no_package(&self, found: VersionListing) -> FindError {
        let hint = if self.sources.is_empty() {
            "configure a repository; `kubectl ext package config show` prints the configuration"
        } else if found.failures.is_empty() {
            "find packages with `kubectl ext package search`"
        } else {
            "try again, or pass --offline to use the local cache"
        };
        FindError::NoPackage {
            name: found.name,
            failures: found.failures,
            hint: hint.to_owned(),
        }
    }

    /// Joins the names of sources for display.
    fn ids(&self, places: &BTreeSet<usize>) -> String {
        let names = places.iter().map(|index| self.sources[*index].id());
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Checks that one version has the same type and content in all sources that have it.
pub(super) fn check_agreement(resolved_versions: &[ResolvedVersion]) -> Result<(), FindError> {
    let Some((first, rest)) = resolved_versions.split_first() else {
        return Ok(());
    };
    for other_type in rest {
        check_same_kind(first, other_type)?;
        let digest = |resolved: &ResolvedVersion| resolved.spec.release.content.digest;
        if let (Some(left), Some(right)) = (digest(first), digest(other_type))
            && left != right
        {
            return Err(FindError::Conflict {
                title: first.spec.title(),
                first: first.source.id().to_owned(),
                second: other_type.source.id().to_owned(),
                contents: Box::new([left, right]),
            });
        }
    }
    Ok(())
}
