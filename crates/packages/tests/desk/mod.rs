//! A machine with a cache, a policy and sources, for the tests of what stands above the drivers.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not every test needs all of it"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use extension_registry_core::diagnostic::Note;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_packages::bundle::Limits;
use extension_registry_packages::cache::Cache;
use extension_registry_packages::catalog::{
    Catalog, Indexes, ListingCache, PackageSummary, Source,
};
use extension_registry_packages::deliver::Loader;
use extension_registry_packages::index::{self, Index, IndexStateStore, Package};
use extension_registry_packages::package;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::folder::{Folder, Settings};
use extension_registry_packages::repository::{IndexFile, Release, Repository, Upload};
use extension_registry_packages::signature::{Statement, minisign};
use extension_registry_packages::trust::Policy;
use jiff::Timestamp;

use crate::contract::Bench;

/// A machine.
pub(crate) struct Desk {
    pub(crate) bench: Bench,
    pub(crate) cache: Cache,
    pub(crate) policy: Policy,
    secret: Sensitive,
}

impl Desk {
    /// One that trusts a key of its own, for everything.
    pub(crate) fn new() -> Self {
        let bench = Bench::new();
        let key = minisign::generate(None).unwrap();
        let policy = format!(
            "[[rule]]\nrepositories = [\"*\"]\nnames = [\"*\"]\n\n[[rule.key]]\nname = \"alice\"\npublic = \"\"\"\n{}\"\"\"\n",
            key.public.trim_end()
        );
        Self {
            cache: Cache::open(bench.path().join("cache")),
            policy: Policy::read(&policy.parse().unwrap()).unwrap(),
            secret: key.secret,
            bench,
        }
    }

    pub(crate) fn folder(&self, id: &str) -> Arc<dyn Repository> {
        Arc::new(Folder::new(Settings {
            id: id.to_owned(),
            root: self.root(id),
        }))
    }

    pub(crate) fn root(&self, id: &str) -> PathBuf {
        self.bench.path().join("repositories").join(id)
    }

    /// Publishes and signs.
    pub(crate) async fn publish(&self, repository: &dyn Repository, upload: &Upload) -> Release {
        let release = repository.publish(upload, false, &Silent).await.unwrap();
        self.sign(repository, &release, &Statement::of_upload(upload))
            .await;
        release
    }

    pub(crate) async fn sign(
        &self,
        repository: &dyn Repository,
        release: &Release,
        statement: &Statement,
    ) {
        let signature = minisign::sign(statement, &self.secret, None).unwrap();
        repository.sign(release, &signature).await.unwrap();
    }

    /// Puts a signed index of these packages into a repository.
    pub(crate) async fn put_index(&self, repository: &dyn Repository, packages: Vec<Package>) {
        let index = Index::next(None, packages, Timestamp::now(), 30).unwrap();
        let bytes = index.to_json();
        let signature = index::sign(&bytes, &self.secret, None).unwrap();
        let file = IndexFile {
            bytes,
            signatures: vec![signature],
        };
        repository.put_index(&file).await.unwrap();
    }

    pub(crate) fn loader(&self) -> Loader<'_> {
        Loader::new(&self.cache, &self.policy, Timestamp::now(), 1 << 30)
    }

    pub(crate) fn listing_cache(&self, lasts: Duration, refresh: bool) -> ListingCache {
        let folder = self.bench.path().join("listings");
        ListingCache::new(folder, lasts, Timestamp::now(), refresh)
    }
}

/// A source of this priority.
pub(crate) fn source(repository: Arc<dyn Repository>, priority: i64) -> Source {
    Source {
        repository,
        priority,
        is_system: false,
        timeout: Duration::from_secs(30),
    }
}

pub(crate) fn catalog(repositories: &[&Arc<dyn Repository>]) -> Catalog {
    let sources = repositories.iter().map(|one| source(Arc::clone(one), 0));
    Catalog::new(sources.collect())
}

/// A package with a text for its content. `kind` is its type.
pub(crate) async fn publish_kind(
    desk: &Desk,
    repository: &dyn Repository,
    (name, version): (&str, &str),
    kind: &str,
) -> Release {
    let source = desk.bench.path().join(format!("{kind}-{name}-{version}"));
    std::fs::create_dir_all(&source).unwrap();
    let manifest = format!("extension: {{name: {name}, version: {version}, type: {kind}}}");
    std::fs::write(source.join("extension.yaml"), manifest).unwrap();
    let target = source.with_extension("tar.gz");
    let upload = package::build(&source, &target, Limits::default()).unwrap();
    desk.publish(repository, &upload).await
}

/// Takes indexes that the policy of a desk lets it take.
pub(crate) struct SignedIndex<'d>(pub(crate) &'d Desk);

impl Indexes for SignedIndex<'_> {
    fn read(
        &self,
        source: &Source,
        file: &IndexFile,
        warnings: &mut Vec<Note>,
    ) -> Option<Vec<PackageSummary>> {
        let memory = IndexStateStore::at(self.0.bench.path().join("indexes.json"));
        let opened = index::open(&self.0.policy, &memory, source.id(), file, Timestamp::now());
        let opened = opened.map_err(|error| warnings.push(Note::new(error.to_string())));
        let packages = opened.ok()?.index.packages.into_iter();
        let packages = packages.map(|package| PackageSummary {
            name: package.name,
            repository: source.id().to_owned(),
            kind: package.kind.name().to_owned(),
            description: package.description,
            keywords: package.keywords,
            license: None,
            versions: package
                .versions
                .into_iter()
                .map(|one| one.version)
                .collect(),
        });
        Some(packages.collect())
    }
}

/// Takes no index.
pub(crate) struct NoIndex;

impl Indexes for NoIndex {
    fn read(
        &self,
        _source: &Source,
        _file: &IndexFile,
        _warnings: &mut Vec<Note>,
    ) -> Option<Vec<PackageSummary>> {
        None
    }
}
