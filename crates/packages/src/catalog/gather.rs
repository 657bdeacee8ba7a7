//! What there is to choose from when packages are to go together.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use super::{Catalog, FindError, Sighting};
use crate::cache::{Cache, CacheError};
use crate::manifest::Manifest;
use crate::solve::{Candidate, Origin, Universe, Wanted};
use crate::spec::Spec;

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// Candidates, and where each was seen.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What the solver chooses from.
    pub universe: Universe,
    /// What is known of each candidate: by name, version and id of the repository.
    specs: BTreeMap<(String, semver::Version, String), Spec>,
    /// What could not be asked or read. It was left out.
    pub warnings: Vec<String>,
}

impl Catalog {
    /// Gathers all that may matter to what is wanted, from all sources: names, their dependencies, and so on. Each
    /// version takes one or two requests; no content is fetched.
    ///
    /// # Errors
    /// When two sources mean different content by the same name and version.
    pub async fn gather(
        &self,
        wanted: &[Wanted],
        universe: Universe,
    ) -> Result<Gathered, FindError> {
        let mut gathered = Gathered {
            universe,
            ..Gathered::default()
        };
        gathered.universe.system = self.system().map(|source| source.id().to_owned());
        gathered.universe.order = self.sources.iter().map(|one| one.id().to_owned()).collect();
        loop {
            let open = gathered.universe.open(wanted);
            if open.is_empty() {
                return Ok(gathered);
            }
            for name in open {
                let is_wanted = wanted.iter().any(|one| one.name == name);
                self.look_for(&name, is_wanted, &mut gathered).await?;
            }
        }
    }

    async fn look_for(
        &self,
        name: &str,
        is_wanted: bool,
        gathered: &mut Gathered,
    ) -> Result<(), FindError> {
        let found = self.versions(name).await;
        for failure in &found.failures {
            gathered.warnings.push(failure.why.clone());
        }
        let offered = self.offered(&found);
        let mut places = Vec::new();
        for (version, indices) in &found.versions {
            // A source of lower priority does not bring newer versions of a wanted name under. Where dependencies
            // come from is another rule, which the solver has.
            let is_offered = !is_wanted || offered.contains(version);
            for index in indices.iter().filter(|_| is_offered) {
                places.push((version.clone(), &self.sources[*index]));
            }
        }
        let asked = stream::iter(places).map(|(version, source)| async move {
            let release = source.repository.release(name, &version).await?;
            let spec = Spec::of(&*source.repository, release)?;
            Ok::<_, crate::repository::Error>(Sighting { source, spec })
        });
        let mut candidates = Vec::new();
        let mut sightings: BTreeMap<semver::Version, Vec<Sighting<'_>>> = BTreeMap::new();
        for answer in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match answer {
                Ok(sighting) => {
                    let version = sighting.spec.manifest.version.clone();
                    sightings.entry(version).or_default().push(sighting);
                }
                Err(error) => gathered.warnings.push(error.to_string()),
            }
        }
        for (version, sightings) in sightings {
            super::find::agree(&sightings, &found, &version)?;
            for Sighting { source, spec } in sightings {
                let id = source.id().to_owned();
                candidates.push(candidate(&spec.manifest, &id));
                gathered
                    .specs
                    .insert((name.to_owned(), version.clone(), id), spec);
            }
        }
        gathered
            .universe
            .candidates
            .insert(name.to_owned(), candidates);
        Ok(())
    }
}

impl Gathered {
    /// What a source said of a version that was chosen.
    #[must_use]
    pub fn sighting<'c>(
        &self,
        catalog: &'c Catalog,
        name: &str,
        version: &semver::Version,
        origin: &Origin,
    ) -> Option<Sighting<'c>> {
        let id = origin.repository()?;
        let key = (name.to_owned(), version.clone(), id.to_owned());
        Some(Sighting {
            source: catalog.source(id)?,
            spec: self.specs.get(&key)?.clone(),
        })
    }
}

impl Gathered {
    /// What the cache has, as if it were all there is.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn of_cache(
        cache: &Cache,
        wanted: &[Wanted],
        universe: Universe,
    ) -> Result<Self, CacheError> {
        let mut gathered = Self {
            universe,
            ..Self::default()
        };
        let universe = &mut gathered.universe;
        loop {
            let open = universe.open(wanted);
            if open.is_empty() {
                return Ok(gathered);
            }
            for name in open {
                let mut candidates = Vec::new();
                for entry in cache.find(&name)?.entries {
                    let text = std::fs::read_to_string(entry.configuration_path());
                    let manifest = text.ok().and_then(|text| crate::manifest::read(&text).0);
                    if let Some(manifest) = manifest {
                        candidates.push(candidate(&manifest, &entry.repository));
                    }
                }
                universe.candidates.insert(name, candidates);
            }
        }
    }
}

fn candidate(manifest: &Manifest, repository: &str) -> Candidate {
    Candidate {
        version: manifest.version.clone(),
        kind: manifest.kind.clone(),
        origin: Origin::Repository(repository.to_owned()),
        dependencies: manifest.dependencies.clone(),
        requires: manifest.requires.clone(),
        barred: None,
    }
}
