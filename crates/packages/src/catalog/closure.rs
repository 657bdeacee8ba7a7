//! Whether a repository has all that its packages need (seed 001, section 6.A: the System Repository should).

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

/// What is missing to the newest version of each package of a source, and what could not be read. Optional
/// dependencies may be missing.
///
/// # Errors
/// When its packages cannot be listed.
pub async fn gaps(source: &Source) -> Result<(Vec<Gap>, Vec<String>), Error> {
    let repository = &source.repository;
    let names = repository.names(None).await?;
    let mut warnings = names.faults;
    let asked = stream::iter(names.names).map(|name| async move {
        let versions = repository.versions(&name).await?;
        let any = versions
            .iter()
            .filter(|version| version.pre.is_empty())
            .max();
        let Some(newest) = any.or_else(|| versions.iter().max()) else {
            return Ok(None);
        };
        let release = repository.release(&name, newest).await?;
        Spec::of(&**repository, release).map(Some)
    });
    let mut gaps = Vec::new();
    for answer in asked.buffered(AT_ONCE).collect::<Vec<_>>().await {
        let spec = match answer {
            Ok(Some(spec)) => spec,
            Ok(None) => continue,
            Err(error) => {
                warnings.push(error.to_string());
                continue;
            }
        };
        for dependency in spec
            .manifest
            .dependencies
            .iter()
            .filter(|one| !one.optional)
        {
            let versions = repository.versions(&dependency.name).await?;
            if !versions
                .iter()
                .any(|version| version::admits(&dependency.range, version))
            {
                gaps.push(Gap {
                    package: spec.title(),
                    dependency: dependency.name.clone(),
                    range: dependency.range.to_string(),
                });
            }
        }
    }
    Ok((gaps, warnings))
}
