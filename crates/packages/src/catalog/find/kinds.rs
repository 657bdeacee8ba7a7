//! Detects names that exist with two types: those are two different packages.

use extension_registry_core::diagnostic::Note;
use extension_registry_core::version::VersionRange;
use futures::future::join_all;

use super::{FindError, ResolvedVersion, VersionListing};
use crate::catalog::{Catalog, Source};
use crate::version;

impl Catalog {
    /// Checks that a name exists with one type only, since otherwise the newer version would decide by chance.
    ///
    /// Reading the type of a version takes one or two requests, so only the newest and the oldest match of each
    /// source are checked. A name that was reused for another package differs there.
    ///
    /// # Errors
    /// Returns an error if there are two types.
    pub(in crate::catalog) async fn check_single_kind(
        &self,
        found: &VersionListing,
        range: &VersionRange,
        chosen: &mut ResolvedVersion<'_>,
    ) -> Result<(), FindError> {
        let of = |(index, source)| {
            let ends = ends(found, index, range).into_iter();
            // All sources already agreed on the selected version.
            let others = ends.filter(|(version, _)| *version != &chosen.spec.manifest.version);
            others.map(move |(version, is_newest)| (source, version, is_newest))
        };
        let queries: Vec<(&Source, &semver::Version, bool)> =
            self.sources.iter().enumerate().flat_map(of).collect();
        let answers = queries
            .iter()
            .map(|(source, version, _)| source.spec(&found.name, version));
        for (answer, (source, _, is_newest)) in join_all(answers).await.into_iter().zip(&queries) {
            match answer {
                Ok(spec) => {
                    check_same_kind(chosen, &ResolvedVersion::of(source, spec))?;
                }
                Err(error) if *is_newest => chosen.warnings.push(Note::of(&error)),
                // An old broken version does not matter to a request that did not name it.
                Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Returns the newest and the oldest matching version of a source, and whether each is the newest.
fn ends<'f>(
    found: &'f VersionListing,
    index: usize,
    range: &VersionRange,
) -> Vec<(&'f semver::Version, bool)> {
    let mut fitting = found
        .versions
        .iter()
        .filter(|(version, places)| places.contains(&index) && version::admits(range, version))
        .map(|(version, _)| version);
    let newest = fitting.next_back().map(|version| (version, true));
    let oldest = fitting.next().map(|version| (version, false));
    newest.into_iter().chain(oldest).collect()
}

/// Checks that two packages of one name have the same type.
///
/// # Errors
/// Returns an error if they differ.
pub(in crate::catalog) fn check_same_kind(
    one: &ResolvedVersion<'_>,
    other: &ResolvedVersion<'_>,
) -> Result<(), FindError> {
    let both = [one, other];
    if one.spec.manifest.kind == other.spec.manifest.kind {
        return Ok(());
    }
    let place = |resolved: &ResolvedVersion<'_>| {
        let version = &resolved.spec.manifest.version;
        format!("{version} in {}", resolved.source.id())
    };
    Err(FindError::TwoTypes {
        name: one.spec.manifest.name.clone(),
        types: Box::new(both.map(|resolved| resolved.spec.manifest.kind.name().to_owned())),
        places: Box::new(both.map(place)),
    })
}
