//! Checks whether a repository contains all dependencies of its packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use extension_registry_core::diagnostic::Note;
use futures::{StreamExt, stream};

use super::Source;
use crate::repository::Error;
use crate::spec::Spec;
use crate::version;

/// Maximum number of concurrent requests.
const AT_ONCE: usize = 8;

/// A dependency that a repository does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingDependency {
    /// The dependent package, with its version.
    pub package: String,
    /// Name of the dependency.
    pub dependency: String,
    /// The required version range.
    pub range: String,
}

impl fmt::Display for MissingDependency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            package,
            dependency,
            range,
        } = self;
        write!(
            formatter,
            "{package} depends on {dependency} `{range}`, which is not in the repository"
        )
    }
}

/// Returns the missing dependencies of every listed version of a source, since any version may be pinned, and
/// warnings about what could not be read. Optional dependencies are not checked.
///
/// # Errors
/// Returns an error if the packages cannot be listed.
pub async fn missing_dependencies(
    source: &Source,
) -> Result<(Vec<MissingDependency>, Vec<Note>), Error> {
    let names = source.repository.names(None);
    let names = source.with_timeout("list its packages".to_owned(), names);
    let names = names.await?;
    let mut known = SourceVersions {
        source,
        versions: BTreeMap::new(),
        warnings: names.faults,
    };
    known
        .load_candidates(names.names.into_iter().collect())
        .await;
    let specs = known.specs().await;
    let dependencies = specs.iter().flat_map(|spec| &spec.manifest.dependencies);
    let needed = dependencies.map(|dependency| dependency.name.clone());
    known.load_candidates(needed.collect()).await;
    let mut missing_dependencies = Vec::new();
    for spec in &specs {
        let dependencies = spec.manifest.dependencies.iter();
        for dependency in dependencies.filter(|one| !one.optional) {
            // A name whose query failed is reported as a warning, not as a missing dependency.
            let Some(Some(versions)) = known.versions.get(&dependency.name) else {
                continue;
            };
            let fits = |version| version::admits(&dependency.range, version);
            if !versions.iter().any(fits) {
                missing_dependencies.push(MissingDependency {
                    package: spec.title(),
                    dependency: dependency.name.clone(),
                    range: dependency.range.to_string(),
                });
            }
        }
    }
    Ok((missing_dependencies, known.warnings))
}

/// Versions of the packages of a source, each name queried once, whether it was listed or is a dependency.
struct SourceVersions<'s> {
    source: &'s Source,
    /// Sorted versions by name; None if the query failed.
    versions: BTreeMap<String, Option<Vec<semver::Version>>>,
    warnings: Vec<Note>,
}

impl SourceVersions<'_> {
    async fn load_candidates(&mut self, mut names: BTreeSet<String>) {
        names.retain(|name| !self.versions.contains_key(name));
        let source = self.source;
        let queries = stream::iter(names)
            .map(|name| async move { (source.versions(&name).await, name) })
            .buffered(AT_ONCE);
        for (answer, name) in queries.collect::<Vec<_>>().await {
            let versions = match answer {
                Ok(mut versions) => {
                    versions.sort();
                    Some(versions)
                }
                Err(error) => {
                    self.warnings.push(Note::of(&error));
                    None
                }
            };
            self.versions.insert(name, versions);
        }
    }

    /// Reads the metadata of every known version.
    async fn specs(&mut self) -> Vec<Spec> {
        let all = self.versions.iter().flat_map(|(name, versions)| {
            let versions = versions.iter().flatten();
            versions.map(move |version| (name, version))
        });
        let source = self.source;
        let queries = stream::iter(all)
            .map(|(name, version)| source.spec(name, version))
            .buffered(AT_ONCE);
        let mut specs = Vec::new();
        for answer in queries.collect::<Vec<_>>().await {
            match answer {
                Ok(spec) => specs.push(spec),
                Err(error) => self.warnings.push(Note::of(&error)),
            }
        }
        specs
    }
}
