//! What there is to choose from when packages are to go together.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::find::{agree, same};
use super::{Catalog, Failure, FindError, Sighting, Source};
use crate::cache::Cache;
use crate::deliver::{self, DeliverError};
use crate::manifest::Manifest;
use crate::solve::{Candidate, Origin, Universe, Wanted};
use crate::spec::Spec;
use crate::version;

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

/// Who has a package, and who did not say.
type Asked = (BTreeSet<usize>, Vec<Failure>);

impl Catalog {
    /// Gathers all that may matter to what is wanted, from all sources: names, their dependencies, and so on. Each
    /// version takes one or two requests; no content is fetched.
    ///
    /// # Errors
    /// When two sources mean different content by the same name and version; when what is wanted has two types and
    /// none was named; when a source did not answer that comes before those that have it.
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
        let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
        loop {
            let open = gathered.universe.open(wanted);
            if open.is_empty() {
                break;
            }
            for name in open {
                let wanted = wanted.iter().find(|one| one.name == name);
                let of_name = self.look_for(&name, wanted, &mut gathered).await?;
                if wanted.is_none() {
                    asked.insert(name, of_name);
                }
            }
        }
        // Who needs a dependency, and so where it may come from, is known when all is gathered.
        for (name, asked) in asked {
            self.judge_dependency(&name, asked, &gathered)?;
        }
        Ok(gathered)
    }

    /// Refuses a dependency of which those sources do not agree, or do not all answer, that it may come from. What
    /// others have is nobody's business.
    fn judge_dependency(
        &self,
        name: &str,
        (places, failures): Asked,
        gathered: &Gathered,
    ) -> Result<(), FindError> {
        let universe = &gathered.universe;
        let id = |index: &usize| self.sources[*index].id();
        if let Some((_, locked)) = universe.preferred.get(name) {
            if places.iter().any(|index| id(index) == locked) {
                return Ok(());
            }
            let silent = failures.iter().find(|one| one.repository == *locked);
            if let (Some(silent), false) = (silent, places.is_empty()) {
                return Err(self.unanswered(format!("`{name}`"), &places, silent));
            }
        }
        let places: BTreeSet<usize> = places
            .into_iter()
            .filter(|index| may_have(universe, name, id(index)))
            .collect();
        let failures = failures.into_iter();
        let failures = failures.filter(|failure| may_have(universe, name, &failure.repository));
        self.refuse_silent(name, &places, &failures.collect::<Vec<_>>())?;
        let of_name = gathered.specs.iter().filter(|((one, ..), _)| one == name);
        let sightings = of_name.filter_map(|((_, _, id), spec)| {
            let source = self.source(id)?;
            may_have(universe, name, id).then(|| Sighting::of(source, spec.clone()))
        });
        let sightings: Vec<Sighting<'_>> = sightings.collect();
        let by_version =
            sightings.chunk_by(|one, other| one.spec.release.version == other.spec.release.version);
        by_version.into_iter().try_for_each(agree)
    }

    fn refuse_silent(
        &self,
        name: &str,
        places: &BTreeSet<usize>,
        failures: &[Failure],
    ) -> Result<(), FindError> {
        match self.silent_above(failures, places) {
            Some(silent) => Err(self.unanswered(format!("`{name}`"), places, silent)),
            None => Ok(()),
        }
    }

    async fn look_for(
        &self,
        name: &str,
        wanted: Option<&Wanted>,
        gathered: &mut Gathered,
    ) -> Result<Asked, FindError> {
        let found = self.versions(name).await;
        // Nobody can say that there is none as long as some were not asked.
        if wanted.is_some() && found.versions.is_empty() && !found.failures.is_empty() {
            return Err(self.no_package(found));
        }
        for failure in &found.failures {
            gathered.warnings.push(failure.why.clone());
        }
        let pairs = found.versions.iter().flat_map(|(version, indices)| {
            let sources = indices.iter().map(|index| &self.sources[*index]);
            sources.map(move |source| (version, source))
        });
        let asked = stream::iter(pairs).map(|(version, source)| async move {
            (version, source, source.spec(name, version).await)
        });
        let mut broken: Vec<(&semver::Version, &Source, Failure)> = Vec::new();
        let mut sightings: Vec<Sighting<'_>> = Vec::new();
        for (version, source, answer) in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match answer {
                Ok(spec) => sightings.push(Sighting::of(source, spec)),
                Err(error) => {
                    gathered.warnings.push(error.to_string());
                    broken.push((version, source, Failure::of(source, &error)));
                }
            }
        }
        // A source that shows no version of a package may have the very one, as if it had not answered.
        let mut failures = found.failures.clone();
        for (_, source, failure) in &broken {
            let is_shown = sightings.iter().any(|one| one.source.id() == source.id());
            if !is_shown && failures.iter().all(|one| one.repository != source.id()) {
                failures.push(failure.clone());
            }
        }
        if let Some(wanted) = wanted {
            self.narrow(wanted, &failures, &mut sightings)?;
        }
        let places = sightings.iter().filter_map(|one| self.index(one.source));
        let places = places.collect();
        let is_named = |source: &Source| {
            let named = wanted.and_then(|wanted| wanted.repository.as_deref());
            named == Some(source.id())
        };
        let mut candidates = Vec::new();
        for sightings in
            sightings.chunk_by(|one, other| one.spec.release.version == other.spec.release.version)
        {
            if wanted.is_some() {
                agree(sightings)?;
            }
            for Sighting { source, spec, .. } in sightings {
                let (id, version) = (source.id().to_owned(), &spec.release.version);
                let mut candidate = candidate(&spec.manifest, &id);
                let above = broken.iter().find(|(broken, other, _)| {
                    *broken == version && other.priority > source.priority && !is_named(source)
                });
                candidate.barred = above.map(|(_, other, _)| {
                    format!(
                        "{}, which comes before {id}, has it and cannot show it",
                        other.id()
                    )
                });
                candidates.push(candidate);
                let key = (name.to_owned(), version.clone(), id);
                gathered.specs.insert(key, spec.clone());
            }
        }
        let universe = &mut gathered.universe;
        universe.candidates.insert(name.to_owned(), candidates);
        Ok((places, failures))
    }

    /// Leaves of a wanted package what is of its type, and of the sources of the highest priority that have it so: one
    /// of lower priority does not bring newer versions under. Where dependencies come from is another rule, which the
    /// solver has.
    fn narrow(
        &self,
        wanted: &Wanted,
        failures: &[Failure],
        sightings: &mut Vec<Sighting<'_>>,
    ) -> Result<(), FindError> {
        if let Some(kind) = &wanted.kind {
            sightings.retain(|one| one.spec.manifest.kind == *kind);
        }
        // Who names a repository, as a lock does, has chosen.
        let is_named = |one: &Sighting<'_>| match &wanted.repository {
            Some(id) => one.source.id() == id,
            None => true,
        };
        let fits = |one: &&Sighting<'_>| version::admits(&wanted.range, &one.spec.release.version);
        let mut fitting = sightings.iter().filter(|one| is_named(one)).filter(fits);
        if let Some(first) = fitting.next() {
            fitting.try_for_each(|other| same(first, other))?;
        }
        if wanted.repository.is_none() {
            let places = sightings.iter().filter_map(|one| self.index(one.source));
            self.refuse_silent(&wanted.name, &places.collect(), failures)?;
        }
        let named = sightings.iter().filter(|one| is_named(one));
        let highest = named.clone().map(|one| one.source.priority).max();
        let versions = named.filter(|one| Some(one.source.priority) == highest);
        let versions: BTreeSet<_> = versions
            .map(|one| one.spec.release.version.clone())
            .collect();
        sightings.retain(|one| versions.contains(&one.spec.release.version));
        Ok(())
    }

    pub(super) fn index(&self, source: &Source) -> Option<usize> {
        self.sources.iter().position(|one| one.id() == source.id())
    }
}

/// Whether a dependency may come from a repository: the System Repository, that of a package that needs it, and where
/// somebody approved it.
fn may_have(universe: &Universe, name: &str, id: &str) -> bool {
    let needs = |one: &Candidate| {
        one.origin.repository() == Some(id) && one.dependencies.iter().any(|one| one.name == name)
    };
    universe.system.as_deref() == Some(id)
        || universe
            .approved
            .contains(&(name.to_owned(), id.to_owned()))
        || universe.candidates.values().flatten().any(needs)
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
        let (source, spec) = (catalog.source(id)?, self.specs.get(&key)?);
        Some(Sighting::of(source, spec.clone()))
    }
}

impl Gathered {
    /// What the cache has, as if it were all there is. What came from the System Repository still counts as of it:
    /// which one that is says the configuration, so nobody has to be asked. With `only`, what came from other
    /// repositories than these is as if it were not here.
    ///
    /// # Errors
    /// When the cache cannot be read; when what is wanted has two types and none was named.
    pub fn of_cache(
        cache: &Cache,
        system: Option<&str>,
        only: Option<&[String]>,
        wanted: &[Wanted],
        universe: Universe,
    ) -> Result<Self, DeliverError> {
        let mut gathered = Self {
            universe,
            ..Self::default()
        };
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
                    deliver::of_one_kind(&entries, &wanted.range)?;
                }
                let mut candidates = Vec::new();
                for entry in entries {
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
