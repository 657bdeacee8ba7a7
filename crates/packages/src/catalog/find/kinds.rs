//! A name that is there with two types is two packages (seed 003, `load`).

use extension_registry_core::version::VersionRange;
use futures::future::join_all;

use super::{FindError, Found, Sighting};
use crate::catalog::{Catalog, Source};
use crate::version;

impl Catalog {
    /// Refuses to choose between two types that nobody chose between: whichever has the newer version is chance.
    ///
    /// The type of a version costs a request or two, so not all are asked: the newest and the oldest that fit of each
    /// source. A name that was given to another package once differs there.
    ///
    /// # Errors
    /// When there are two.
    pub(in crate::catalog) async fn of_one_kind(
        &self,
        found: &Found,
        range: &VersionRange,
        chosen: &mut Sighting<'_>,
    ) -> Result<(), FindError> {
        let of = |(index, source)| {
            let ends = ends(found, index, range).into_iter();
            // Of the version that was chosen, all sources agreed already.
            let others = ends.filter(|(version, _)| *version != &chosen.spec.manifest.version);
            others.map(move |(version, is_newest)| (source, version, is_newest))
        };
        let asked: Vec<(&Source, &semver::Version, bool)> =
            self.sources.iter().enumerate().flat_map(of).collect();
        let answers = asked
            .iter()
            .map(|(source, version, _)| source.spec(&found.name, version));
        for (answer, (source, _, is_newest)) in join_all(answers).await.into_iter().zip(&asked) {
            match answer {
                Ok(spec) => {
                    same(chosen, &Sighting::of(source, spec))?;
                }
                Err(error) if *is_newest => chosen.warnings.push(error.to_string()),
                // An old version that is broken is nobody's business who did not ask for it.
                Err(_) => {}
            }
        }
        Ok(())
    }
}

/// The newest and the oldest version of a source that fit, and which is the newest.
fn ends<'f>(
    found: &'f Found,
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

/// Refuses two packages of one name that are not of one type.
///
/// # Errors
/// When they are not.
pub(in crate::catalog) fn same(one: &Sighting<'_>, other: &Sighting<'_>) -> Result<(), FindError> {
    let both = [one, other];
    if one.spec.manifest.kind == other.spec.manifest.kind {
        return Ok(());
    }
    let place = |sighting: &Sighting<'_>| {
        let version = &sighting.spec.manifest.version;
        format!("{version} in {}", sighting.source.id())
    };
    Err(FindError::TwoTypes {
        name: one.spec.manifest.name.clone(),
        types: Box::new(both.map(|sighting| sighting.spec.manifest.kind.name().to_owned())),
        places: Box::new(both.map(place)),
    })
}
