//! Lists packages without fetching any content.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::mem::discriminant;

use extension_registry_core::diagnostic::{Explain, Note};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use serde::{Deserialize, Serialize};

use super::{Catalog, ListingCache, Source};
use crate::cache;
use crate::manifest::{self, Manifest};
use crate::repository::{DiscoveryMethod, Error, IndexFile, Names};
use crate::spec::Spec;
use crate::version;

/// Maximum number of concurrent requests to one source.
const AT_ONCE: usize = 8;

/// A package of a source, as shown in lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSummary {
    /// Name of the package.
    pub name: String,
    /// Name of the source.
    pub repository: String,
    /// Type of the package.
    pub kind: String,
    /// Short description.
    pub description: String,
    /// Search keywords.
    pub keywords: Vec<String>,
    /// Licence, if known without fetching the content.
    pub license: Option<String>,
    /// Versions, the newest first.
    pub versions: Vec<semver::Version>,
}

impl PackageSummary {
    /// Returns the latest stable version, or the latest pre-release if no stable version exists.
    #[must_use]
    pub fn newest(&self) -> Option<&semver::Version> {
        let mut versions = self.versions.iter();
        let release = versions.find(|version| version.pre.is_empty());
        release.or_else(|| self.versions.first())
    }
}

/// How the packages of a source were discovered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Name of the source.
    pub repository: String,
    /// The discovery method.
    #[serde(rename = "way")]
    pub method: DiscoveryMethod,
    /// Number of packages.
    pub packages: usize,
}

/// A source whose query failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFailure {
    /// Name of the source.
    pub repository: String,
    /// Message of the error.
    pub why: String,
    /// The ways out.
    pub hints: Vec<String>,
    /// Whether the source denied access.
    pub is_denied: bool,
}

impl fmt::Display for SourceFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.why)
    }
}

impl Explain for SourceFailure {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

impl SourceFailure {
    pub(super) fn of(source: &Source, error: &Error) -> Self {
        Self {
            repository: source.id().to_owned(),
            why: error.to_string(),
            hints: error.hints(),
            is_denied: matches!(error, Error::Denied { .. }),
        }
    }
}

/// Result of [`Catalog::discover`].
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Packages: the best matches first if a search text is given, then by name; those of the same name in the
    /// order of their sources.
    pub packages: Vec<PackageSummary>,
    /// One report for each source that responded.
    pub reports: Vec<SourceReport>,
    /// Sources whose query failed.
    pub failures: Vec<SourceFailure>,
    /// Packages and indexes that cannot be read.
    pub warnings: Vec<Note>,
}

impl Discovery {
    /// Lists the packages in the cache, or those of them that come from the given repositories.
    #[must_use]
    pub fn of_cache(mut listing: cache::Listing, only: Option<&[String]>) -> Self {
        listing
            .entries
            .retain(|entry| only.is_none_or(|only| only.contains(&entry.repository)));
        let mut packages: BTreeMap<(String, String), PackageSummary> = BTreeMap::new();
        for entry in listing.entries {
            let key = (entry.name.clone(), entry.kind.name().to_owned());
            let listed = packages.entry(key).or_insert_with(|| PackageSummary {
                name: entry.name.clone(),
                repository: entry.repository.clone(),
                kind: entry.kind.name().to_owned(),
                description: String::new(),
                keywords: Vec::new(),
                license: None,
                versions: Vec::new(),
            });
            listed.versions.push(entry.version.clone());
            listed.versions.sort_by(|left, right| right.cmp(left));
            if listed.versions.first() == Some(&entry.version)
                && let Ok(text) = fs::read_to_string(entry.configuration_path())
                && let (Some(manifest), _) = manifest::read(&text)
            {
                listed.description = manifest.description;
                listed.keywords = manifest.keywords;
                listed.license = manifest.metadata.license;
            }
        }
        let faults = listing.faults.into_iter();
        Self {
            packages: packages.into_values().collect(),
            warnings: faults
                .map(|fault| Note::new(fault.why).under(fault.path.display()))
                .collect(),
            ..Self::default()
        }
    }
}

/// Reads indexes and decides which of them may be used. The implementation owns the keys and the rollback
/// protection.
pub trait Indexes: Sync {
    /// Returns the packages of an index, or None if it must not be used. The reason is added to the warnings.
    fn read(
        &self,
        source: &Source,
        file: &IndexFile,
        warnings: &mut Vec<Note>,
    ) -> Option<Vec<PackageSummary>>;
}

impl Catalog {
    /// Lists the packages of all sources, queried concurrently and filtered by an optional text.
    ///
    /// Each source uses the best method that it supports: a search that it advertises, an index, or a full
    /// listing. An index takes one file and its signatures; a listing takes one request for the versions of
    /// each package and two or three for the metadata of the newest.
    ///
    /// Recent listings are read from `listing_cache`, and new ones are stored there.
    pub async fn discover(
        &self,
        text: Option<&str>,
        indexes: &dyn Indexes,
        listing_cache: &ListingCache,
    ) -> Discovery {
        let queries = self.sources.iter().map(|source| async move {
            if let Some(listing) = listing_cache.listing::<SourceListing>(source) {
                return Ok(listing.filtered(text));
            }
            let mut warnings = Vec::new();
            let query = list_source(source, text, indexes, &mut warnings);
            let query = source.with_timeout("list its packages".to_owned(), query);
            match query.await {
                Ok(mut listing) => {
                    listing.warnings.extend(warnings);
                    // The result of a server-side search is not a complete listing.
                    if text.is_none() {
                        listing_cache.store(source, &listing);
                    }
                    Ok(listing.filtered(text))
                }
                // An unusable index often explains why the listing failed too: report both.
                Err(error) => Err((SourceFailure::of(source, &error), warnings)),
            }
        });
        let mut discovery = Discovery::default();
        for answer in join_all(queries).await {
            match answer {
                Ok(listing) => {
                    discovery.packages.extend(listing.packages);
                    discovery.reports.push(listing.report);
                    discovery.warnings.extend(listing.warnings);
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

/// The packages of one source.
#[derive(Serialize, Deserialize)]
pub(super) struct SourceListing {
    packages: Vec<PackageSummary>,
    #[serde(rename = "taken")]
    report: SourceReport,
    warnings: Vec<Note>,
}

impl SourceListing {
    /// Filters by a text. Results of a server-side search are kept: the server ranks by its own rules.
    fn filtered(mut self, text: Option<&str>) -> Self {
        if self.report.method != DiscoveryMethod::Search {
            self.packages
                .retain(|listed| text.is_none_or(|text| listed.mentions(text)));
        }
        self
    }
}

async fn list_source(
    source: &Source,
    text: Option<&str>,
    indexes: &dyn Indexes,
    warnings: &mut Vec<Note>,
) -> Result<SourceListing, Error> {
    let repository = &source.repository;
    let searches = match text {
        Some(_) => repository.probe().await.is_ok_and(|able| able.search),
        None => false,
    };
    let mut index_error = None;
    if !searches
        && let Some(file) = repository.index().await.unwrap_or_else(|error| {
            index_error = Some(error);
            None
        })
        && let Some(packages) = indexes.read(source, &file, warnings)
    {
        return Ok(SourceListing {
            report: report(source, DiscoveryMethod::Index, packages.len()),
            packages,
            warnings: Vec::new(),
        });
    }
    let names = repository.names(text).await;
    // Report the same kind of failure once, not for the index and again for the listing.
    let is_reported = |index_error: &Error| {
        let failure = names.as_ref().err();
        failure.is_some_and(|failure| discriminant(failure) == discriminant(index_error))
    };
    let index_error = index_error.filter(|index_error| !is_reported(index_error));
    warnings.extend(index_error.as_ref().map(Note::of));
    let Names {
        names,
        method,
        faults,
    } = names?;
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
            Err(error) => warnings.push(Note::of(&error).under(name)),
        }
    }
    Ok(SourceListing {
        packages,
        report: report(source, method, all),
        warnings: Vec::new(),
    })
}

fn report(source: &Source, method: DiscoveryMethod, packages: usize) -> SourceReport {
    SourceReport {
        repository: source.id().to_owned(),
        method,
        packages,
    }
}

/// Reads the summary of a package; None if it has no version.
async fn details(source: &Source, name: &str) -> Result<Option<PackageSummary>, Error> {
    let mut versions = source.repository.versions(name).await?;
    version::sort(&mut versions);
    let mut listed = PackageSummary {
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
    listed.describe(&manifest);
    Ok(Some(listed))
}

impl PackageSummary {
    fn describe(&mut self, manifest: &Manifest) {
        manifest.kind.name().clone_into(&mut self.kind);
        self.description.clone_from(&manifest.description);
        self.keywords.clone_from(&manifest.keywords);
        self.license.clone_from(&manifest.metadata.license);
    }
}
