//! Whether a repository has all that its packages need (seed 001, section 6.A: the System Repository should).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::{StreamExt, stream};

use super::Source;
use crate::repository::Error;
use crate::spec::Spec;
use crate::version;

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// A dependency that a repository has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The package that needs it, with its version.
    pub package: String,
    /// What it needs.
    pub dependency: String,
    /// In which range.
    pub range: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            package,
            dependency,
            range,
        } = self;
        write!(
            formatter,
            "{package} needs {dependency} `{range}`, which is not there"
        )
    }
}

/// What is missing to the packages of a source, in every version that it lists: any of them may be pinned. Also what
/// could not be read. Optional dependencies may be missing.
///
/// # Errors
/// When its packages cannot be listed.
pub async fn gaps(source: &Source) -> Result<(Vec<Gap>, Vec<String>), Error> {
    let names = source.repository.names(None);
    let names = source.patiently("list its packages".to_owned(), names);
    let names = names.await?;
    let mut known = Known {
        source,
        versions: BTreeMap::new(),
        warnings: names.faults,
    };
    known.look_for(names.names.into_iter().collect()).await;
    let specs = known.specs().await;
    let dependencies = specs.iter().flat_map(|spec| &spec.manifest.dependencies);
    let needed = dependencies.map(|dependency| dependency.name.clone());
    known.look_for(needed.collect()).await;
    let mut gaps = Vec::new();
    for spec in &specs {
        let dependencies = spec.manifest.dependencies.iter();
        for dependency in dependencies.filter(|one| !one.optional) {
            // What could not be asked is said, and is no gap that anybody knows of.
            let Some(Some(versions)) = known.versions.get(&dependency.name) else {
                continue;
            };
            let fits = |version| version::admits(&dependency.range, version);
            if !versions.iter().any(fits) {
                gaps.push(Gap {
                    package: spec.title(),
                    dependency: dependency.name.clone(),
                    range: dependency.range.to_string(),
                });
            }
        }
    }
    Ok((gaps, known.warnings))
}

/// What is known of a source. Each name is asked for once, whether it was listed or is needed.
struct Known<'s> {
    source: &'s Source,
    /// Versions by name, sorted; None where they could not be asked.
    versions: BTreeMap<String, Option<Vec<semver::Version>>>,
    warnings: Vec<String>,
}

impl Known<'_> {
    async fn look_for(&mut self, mut names: BTreeSet<String>) {
        names.retain(|name| !self.versions.contains_key(name));
        let source = self.source;
        let asked = stream::iter(names)
            .map(|name| async move { (source.versions(&name).await, name) })
            .buffered(AT_ONCE);
        for (answer, name) in asked.collect::<Vec<_>>().await {
            let versions = match answer {
                Ok(mut versions) => {
                    versions.sort();
                    Some(versions)
                }
                Err(error) => {
                    self.warnings.push(error.to_string());
                    None
                }
            };
            self.versions.insert(name, versions);
        }
    }

    /// Every version that is known.
    async fn specs(&mut self) -> Vec<Spec> {
        let all = self.versions.iter().flat_map(|(name, versions)| {
            let versions = versions.iter().flatten();
            versions.map(move |version| (name, version))
        });
        let source = self.source;
        let asked = stream::iter(all)
            .map(|(name, version)| source.spec(name, version))
            .buffered(AT_ONCE);
        let mut specs = Vec::new();
        for answer in asked.collect::<Vec<_>>().await {
            match answer {
                Ok(spec) => specs.push(spec),
                Err(error) => self.warnings.push(error.to_string()),
            }
        }
        specs
    }
}
