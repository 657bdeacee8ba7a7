//! What there is, without fetching any content.

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use serde::{Deserialize, Serialize};

use super::{Catalog, Lately, Source};
use crate::manifest::Manifest;
use crate::repository::{Error, IndexFile, Names, Way};
use crate::spec::Spec;
use crate::version;

/// Requests under way at once to one source.
const AT_ONCE: usize = 8;

/// A package in a source: what a list of packages shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Name of the package.
    pub name: String,
    /// Name of the source.
    pub repository: String,
    /// Its type.
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Its licence, where that is known without fetching.
    pub license: Option<String>,
    /// Its versions, the newest first.
    pub versions: Vec<semver::Version>,
}

impl Listed {
    /// The highest release; without any release, the highest version.
    #[must_use]
    pub fn newest(&self) -> Option<&semver::Version> {
        let mut versions = self.versions.iter();
        let release = versions.find(|version| version.pre.is_empty());
        release.or_else(|| self.versions.first())
    }
}

/// How a source was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Name of the source.
    pub repository: String,
    /// The way.
    pub way: Way,
    /// How many packages it has.
    pub packages: usize,
}

/// A source that did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Name of the source.
    pub repository: String,
    /// Why.
    pub why: String,
    /// Whether it did, and said no.
    pub is_denied: bool,
}

impl Failure {
    pub(super) fn of(source: &Source, error: &Error) -> Self {
        Self {
            repository: source.id().to_owned(),
            why: error.to_string(),
            is_denied: matches!(error, Error::Denied { .. }),
        }
    }
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Packages: the best first where a text narrows them, then by name; those of the same name by the priority of
    /// their sources.
    pub packages: Vec<Listed>,
    /// How each source was asked that answered.
    pub taken: Vec<Taken>,
    /// Sources that did not.
    pub failures: Vec<Failure>,
    /// What is there and cannot be read.
    pub warnings: Vec<String>,
}

/// Reads indexes, and says which of them may be used. What that takes (keys, a memory against rollback) is the
/// business of whoever made it.
pub trait Indexes: Sync {
    /// The packages of an index; None where it must not be used. Words go to the warnings.
    fn read(
        &self,
        source: &Source,
        file: &IndexFile,
        warnings: &mut Vec<String>,
    ) -> Option<Vec<Listed>>;
}

impl Catalog {
    /// Packages of all sources, asked at the same time. A text narrows them.
    ///
    /// Each source is asked in the best way it has: a search that it advertises, an index, a list of everything.
    /// From an index, all of it is one file and its signatures; from a list, each package takes one request for its
    /// versions and two or three for what is known of the newest.
    ///
    /// What was listed lately is taken from `lately`, and what is listed now is left there.
    pub async fn discover(
        &self,
        text: Option<&str>,
        indexes: &dyn Indexes,
        lately: &Lately,
    ) -> Discovery {
        let asked = self.sources.iter().map(|source| async move {
            if let Some(part) = lately.part(source) {
                return Ok(part.narrowed(text));
            }
            let mut warnings = Vec::new();
            let asking = one(source, text, indexes, &mut warnings);
            let asking = source.patiently("list its packages".to_owned(), asking);
            match asking.await {
                Ok(mut part) => {
                    part.warnings.extend(warnings);
                    // A search by the source itself is not all there is.
                    if text.is_none() {
                        lately.keep(source, &part);
                    }
                    Ok(part.narrowed(text))
                }
                // Why an index was of no use is often why nothing else was: both are said.
                Err(error) => Err((Failure::of(source, &error), warnings)),
            }
        });
        let mut discovery = Discovery::default();
        for answer in join_all(asked).await {
            match answer {
                Ok(part) => {
                    discovery.packages.extend(part.packages);
                    discovery.taken.push(part.taken);
                    discovery.warnings.extend(part.warnings);
                }
                Err((failure, warnings)) => {
                    discovery.failures.push(failure);
                    discovery.warnings.extend(warnings);
                }
            }
        }
        discovery.sort(text.unwrap_or_default());
        discovery
    }
}

/// What one source has.
#[derive(Serialize, Deserialize)]
pub(super) struct Part {
    packages: Vec<Listed>,
    taken: Taken,
    warnings: Vec<String>,
}

impl Part {
    /// Only what mentions a text. What a source searched has its own idea of what fits.
    fn narrowed(mut self, text: Option<&str>) -> Self {
        if self.taken.way != Way::Search {
            self.packages
                .retain(|listed| text.is_none_or(|text| listed.mentions(text)));
        }
        self
    }
}

async fn one(
    source: &Source,
    text: Option<&str>,
    indexes: &dyn Indexes,
    warnings: &mut Vec<String>,
) -> Result<Part, Error> {
    let repository = &source.repository;
    let searches = match text {
        Some(_) => repository.probe().await.is_ok_and(|able| able.search),
        None => false,
    };
    if !searches
        && let Some(file) = repository.index().await.unwrap_or_else(|error| {
            warnings.push(error.to_string());
            None
        })
        && let Some(packages) = indexes.read(source, &file, warnings)
    {
        return Ok(Part {
            taken: taken(source, Way::Index, packages.len()),
            packages,
            warnings: Vec::new(),
        });
    }
    let Names { names, way, faults } = repository.names(text).await?;
    warnings.extend(faults);
    let all = names.len();
    let details = stream::iter(names).map(|name| async move {
        let outcome = details(source, &name).await;
        (name, outcome)
    });
    let mut packages = Vec::new();
    for (name, outcome) in details.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match outcome {
            Ok(Some(listed)) => packages.push(listed),
            Ok(None) => {}
            Err(error) => warnings.push(format!("{name}: {error}")),
        }
    }
    Ok(Part {
        packages,
        taken: taken(source, way, all),
        warnings: Vec::new(),
    })
}

fn taken(source: &Source, way: Way, packages: usize) -> Taken {
    Taken {
        repository: source.id().to_owned(),
        way,
        packages,
    }
}

/// What is known of a package; None where it has no version.
async fn details(source: &Source, name: &str) -> Result<Option<Listed>, Error> {
    let mut versions = source.repository.versions(name).await?;
    version::sort(&mut versions);
    let mut listed = Listed {
        name: name.to_owned(),
        repository: source.id().to_owned(),
        kind: String::new(),
        description: String::new(),
        keywords: Vec::new(),
        license: None,
        versions,
    };
    let Some(newest) = listed.newest().cloned() else {
        return Ok(None);
    };
    let release = source.repository.release(name, &newest).await?;
    let manifest = Spec::of(&*source.repository, release)?.manifest;
    listed.tell(&manifest);
    Ok(Some(listed))
}

impl Listed {
    fn tell(&mut self, manifest: &Manifest) {
        manifest.kind.name().clone_into(&mut self.kind);
        self.description.clone_from(&manifest.description);
        self.keywords.clone_from(&manifest.keywords);
        self.license.clone_from(&manifest.metadata.license);
    }
}
