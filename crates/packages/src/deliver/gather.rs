//! Gathers the candidates of a dependency resolution from the cache.

use extension_registry_core::version::VersionRange;

use super::DeliverError;
use crate::cache::{Cache, Entry};
use crate::catalog::{Gathered, candidate};
use crate::manifest;
use crate::solve::{RequestedPackage, Universe};
use crate::version;

impl Gathered {
    /// Gathers candidates from the cache alone. Packages from the System Repository are still recognized as
    /// such: the configuration says which repository that is. With `only`, entries of other repositories are
    /// ignored.
    ///
    /// # Errors
    /// Returns an error if the cache cannot be read, or if a requested package has two types and none was
    /// specified.
    pub fn of_cache(
        cache: &Cache,
        system: Option<&str>,
        only: Option<&[String]>,
        wanted: &[RequestedPackage],
        universe: Universe,
    ) -> Result<Self, DeliverError> {
        let mut gathered = Self::new(universe);
        let universe = &mut gathered.universe;
        universe.system = system.map(str::to_owned);
        loop {
            let open = universe.open(wanted);
            if open.is_empty() {
                return Ok(gathered);
            }
            for name in open {
                let mut entries = cache.find(&name)?.entries;
                entries.retain(|entry| only.is_none_or(|only| only.contains(&entry.repository)));
                if let Some(wanted) = wanted.iter().find(|one| one.name == name) {
                    entries.retain(|entry| {
                        wanted.kind.as_ref().is_none_or(|kind| *kind == entry.kind)
                    });
                    check_single_kind(&entries, &wanted.range)?;
                }
                let mut candidates = Vec::new();
                for entry in entries {
                    let text = std::fs::read_to_string(entry.configuration_path());
                    let manifest = text.ok().and_then(|text| manifest::read(&text).0);
                    if let Some(manifest) = manifest {
                        candidates.push(candidate(&manifest, &entry.repository));
                    }
                }
                universe.candidates.insert(name, candidates);
            }
        }
    }
}

/// Checks that matching entries have one type, since otherwise the newer version would decide by chance.
///
/// # Errors
/// Returns an error if there are two types.
pub(super) fn check_single_kind(
    entries: &[Entry],
    range: &VersionRange,
) -> Result<(), DeliverError> {
    let mut fitting = entries
        .iter()
        .filter(|entry| version::admits(range, &entry.version));
    let Some(first) = fitting.next() else {
        return Ok(());
    };
    match fitting.find(|other| other.kind != first.kind) {
        None => Ok(()),
        Some(other) => Err(DeliverError::TwoTypes {
            name: first.name.clone(),
            types: Box::new([first, other].map(|entry| entry.kind.name().to_owned())),
            versions: Box::new([first, other].map(|entry| entry.version.clone())),
        }),
    }
}
