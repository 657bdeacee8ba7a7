//! Gathers the candidates of a dependency resolution.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::diagnostic::Note;
use futures::{StreamExt, stream};

use super::find::{check_agreement, check_same_kind};
use super::{Catalog, FindError, ResolvedVersion, Source, SourceFailure};
use crate::manifest::Manifest;
use crate::solve::{Candidate, Origin, RequestedPackage, Universe};
use crate::spec::Spec;
use crate::version;

/// Maximum number of concurrent requests.
const AT_ONCE: usize = 8;

/// Candidates and their origins.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Input of the solver.
    pub universe: Universe,
    /// Metadata of each candidate, by name, version and repository.
    specs: BTreeMap<(String, semver::Version, String), Spec>,
    /// What could not be queried or read, and was left out.
    pub warnings: Vec<Note>,
}

/// Sources that have a package, and failed sources.
type QueryResult = (BTreeSet<usize>, Vec<SourceFailure>);

impl Catalog {
    /// Gathers all candidates that may matter to the requested packages, from all sources: the names, their
    /// dependencies, and so on transitively. Each version takes one or two requests; no content is fetched.
    ///
    /// # Errors
    /// Returns an error if two sources have different content for the same name and version, if a requested
    /// package has two types and none was specified, or if a source fails that has a higher priority than those
    /// that have the package.
    pub async fn gather(
        &self,
        wanted: &[RequestedPackage],
        universe: Universe,
    ) -> Result<Gathered, FindError> {
        let mut gathered = Gathered::new(universe);
        gathered.universe.system = self.system().map(|source| source.id().to_owned());
        gathered.universe.order = self.sources.iter().map(|one| one.id().to_owned()).collect();
        let mut queries: BTreeMap<String, QueryResult> = BTreeMap::new();
        loop {
            let open = gathered.universe.open(wanted);
            if open.is_empty() {
                break;
            }
            for name in open {
                let wanted = wanted.iter().find(|one| one.name == name);
                let of_name = self.load_candidates(&name, wanted, &mut gathered).await?;
                if wanted.is_none() {
                    queries.insert(name, of_name);
                }
            }
        }
        // Dependents, and so the permitted sources of a dependency, are known only after everything is
        // gathered.
        for (name, queries) in queries {
            self.check_dependency(&name, queries, &gathered)?;
        }
        Ok(gathered)
    }

    /// Checks that the sources which a dependency may come from respond and agree. Other sources are ignored.
    fn check_dependency(
        &self,
        name: &str,
        (places, failures): QueryResult,
        gathered: &Gathered,
    ) -> Result<(), FindError> {
        let universe = &gathered.universe;
        let id = |index: &usize| self.sources[*index].id();
        if let Some((_, locked)) = universe.preferred.get(name) {
            if places.iter().any(|index| id(index) == locked) {
                return Ok(());
            }
            let failed_source = failures.iter().find(|one| one.repository == *locked);
            if let (Some(failed_source), false) = (failed_source, places.is_empty()) {
                return Err(self.source_unavailable(format!("`{name}`"), &places, failed_source));
            }
        }
        let places: BTreeSet<usize> = places
            .into_iter()
            .filter(|index| may_provide(universe, name, id(index)))
            .collect();
        let failures = failures.into_iter();
        let failures = failures.filter(|failure| may_provide(universe, name, &failure.repository));
        self.check_none_failed_above(name, &places, &failures.collect::<Vec<_>>())?;
        let of_name = gathered.specs.iter().filter(|((one, ..), _)| one == name);
        let resolved_versions = of_name.filter_map(|((_, _, id), spec)| {
            let source = self.source(id)?;
            may_provide(universe, name, id).then(|| ResolvedVersion::of(source, spec.clone()))
        });
        let resolved_versions: Vec<ResolvedVersion<'_>> = resolved_versions.collect();
        let by_version = resolved_versions
            .chunk_by(|one, other| one.spec.release.version == other.spec.release.version);
        by_version.into_iter().try_for_each(check_agreement)
    }

    fn check_none_failed_above(
        &self,
        name: &str,
        places: &BTreeSet<usize>,
        failures: &[SourceFailure],
    ) -> Result<(), FindError> {
        match self.failed_above(failures, places) {
            Some(failed_source) => {
                Err(self.source_unavailable(format!("`{name}`"), places, failed_source))
            }
            None => Ok(()),
        }
    }

    async fn load_candidates(
        &self,
        name: &str,
        wanted: Option<&RequestedPackage>,
        gathered: &mut Gathered,
    ) -> Result<QueryResult, FindError> {
        let found = self.versions(name).await;
        // A package cannot be called missing while some sources failed.
        if wanted.is_some() && found.versions.is_empty() && !found.failures.is_empty() {
            return Err(self.no_package(found));
        }
        gathered
            .warnings
            .extend(found.failures.iter().map(Note::of));
        let pairs = found.versions.iter().flat_map(|(version, indices)| {
            let sources = indices.iter().map(|index| &self.sources[*index]);
            sources.map(move |source| (version, source))
        });
        let queries = stream::iter(pairs).map(|(version, source)| async move {
            (version, source, source.spec(name, version).await)
        });
        let mut broken: Vec<(&semver::Version, &Source, SourceFailure)> = Vec::new();
        let mut resolved_versions: Vec<ResolvedVersion<'_>> = Vec::new();
        for (version, source, answer) in queries.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match answer {
                Ok(spec) => resolved_versions.push(ResolvedVersion::of(source, spec)),
                Err(error) => {
                    gathered.warnings.push(Note::of(&error));
                    broken.push((version, source, SourceFailure::of(source, &error)));
                }
            }
        }
        // A source from which no version could be read may have a matching one, as if it had not responded.
        let mut failures = found.failures.clone();
        for (_, source, failure) in &broken {
            let is_shown = resolved_versions
                .iter()
                .any(|one| one.source.id() == source.id());
            if !is_shown && failures.iter().all(|one| one.repository != source.id()) {
                failures.push(failure.clone());
            }
        }
        if let Some(wanted) = wanted {
            self.narrow(wanted, &failures, &mut resolved_versions)?;
        }
        let places = resolved_versions
            .iter()
            .filter_map(|one| self.index(one.source));
        let places = places.collect();
        let is_named = |source: &Source| {
            let named = wanted.and_then(|wanted| wanted.repository.as_deref());
            named == Some(source.id())
        };
        let mut candidates = Vec::new();
        for resolved_versions in resolved_versions
            .chunk_by(|one, other| one.spec.release.version == other.spec.release.version)
        {
            if wanted.is_some() {
                check_agreement(resolved_versions)?;
            }
            for ResolvedVersion { source, spec, .. } in resolved_versions {
                let (id, version) = (source.id().to_owned(), &spec.release.version);
                let mut candidate = candidate(&spec.manifest, &id);
                let above = broken.iter().find(|(broken, other, _)| {
                    *broken == version && other.priority > source.priority && !is_named(source)
                });
                candidate.rejection = above.map(|(_, other, _)| {
                    format!(
                        "higher-priority repository {} has this version, but its copy cannot be read",
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

    /// Narrows a requested package to its type and to the highest-priority sources that have it, so that a
    /// lower-priority source cannot override it with a newer version. The origin of dependencies follows
    /// another rule, in the solver.
    fn narrow(
        &self,
        wanted: &RequestedPackage,
        failures: &[SourceFailure],
        resolved_versions: &mut Vec<ResolvedVersion<'_>>,
    ) -> Result<(), FindError> {
        if let Some(kind) = &wanted.kind {
            resolved_versions.retain(|one| one.spec.manifest.kind == *kind);
        }
        // A request that names a repository, such as one from a lock file, has already chosen.
        let is_named = |one: &ResolvedVersion<'_>| match &wanted.repository {
            Some(id) => one.source.id() == id,
            None => true,
        };
        let fits =
            |one: &&ResolvedVersion<'_>| version::admits(&wanted.range, &one.spec.release.version);
        let mut fitting = resolved_versions
            .iter()
            .filter(|one| is_named(one))
            .filter(fits);
        if let Some(first) = fitting.next() {
            fitting.try_for_each(|other| check_same_kind(first, other))?;
        }
        if wanted.repository.is_none() {
            let places = resolved_versions
                .iter()
                .filter_map(|one| self.index(one.source));
            self.check_none_failed_above(&wanted.name, &places.collect(), failures)?;
        }
        let named = resolved_versions.iter().filter(|one| is_named(one));
        let highest = named.clone().map(|one| one.source.priority).max();
        let versions = named.filter(|one| Some(one.source.priority) == highest);
        let versions: BTreeSet<_> = versions
            .map(|one| one.spec.release.version.clone())
            .collect();
        resolved_versions.retain(|one| versions.contains(&one.spec.release.version));
        Ok(())
    }

    pub(super) fn index(&self, source: &Source) -> Option<usize> {
        self.sources.iter().position(|one| one.id() == source.id())
    }
}

/// Returns whether a dependency may come from a repository: the System Repository, that of a dependent package,
/// or one approved for it.
fn may_provide(universe: &Universe, name: &str, id: &str) -> bool {
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
    /// Starts with the settings and the installed packages of a universe.
    pub(crate) fn new(universe: Universe) -> Self {
        Self {
            universe,
            ..Self::default()
        }
    }

    /// Returns the metadata of a selected version.
    #[must_use]
    pub fn resolved<'c>(
        &self,
        catalog: &'c Catalog,
        name: &str,
        version: &semver::Version,
        origin: &Origin,
    ) -> Option<ResolvedVersion<'c>> {
        let id = origin.repository()?;
        let key = (name.to_owned(), version.clone(), id.to_owned());
        let (source, spec) = (catalog.source(id)?, self.specs.get(&key)?);
        Some(ResolvedVersion::of(source, spec.clone()))
    }
}

/// Converts the manifest of a package of a repository to a candidate of the solver.
pub(crate) fn candidate(manifest: &Manifest, repository: &str) -> Candidate {
    Candidate {
        version: manifest.version.clone(),
        kind: manifest.kind.clone(),
        origin: Origin::Repository(repository.to_owned()),
        dependencies: manifest.dependencies.clone(),
        requires: manifest.requires.clone(),
        rejection: None,
    }
}
