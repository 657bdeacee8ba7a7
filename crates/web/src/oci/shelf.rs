//! The packages of all sources, as images. They are delivered to the cache on demand, and verified there before anything
//! of them is served.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use extension_registry_core::diagnostic::Note;
use extension_registry_packages::Digest;
use extension_registry_packages::cache::{Cache, CacheError};
use extension_registry_packages::catalog::{Discovery, ResolvedVersion, Source};
use extension_registry_packages::deliver::DeliverError;
use extension_registry_packages::image::{Image, ImageError};
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Error;
use extension_registry_packages::repository::oci::names::repository_fault;
use extension_registry_packages::workspace::Workspace;
use parking_lot::Mutex;
use semver::Version;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::held::Held;
use super::route::Name;
use super::served::Served;
use super::versions::{Package, Shared};

/// Maximum number of packages that are delivered at the same time.
const DELIVERIES: usize = 8;
/// Maximum number of packages in memory. Clients choose the names that they ask for.
const PACKAGES: usize = 10_000;
/// Packages that were not requested for this long are removed from the cache.
const UNUSED: Duration = Duration::from_hours(30 * 24);
/// How often the cache of a source is pruned.
const PRUNE: Duration = Duration::from_hours(24);
/// A version that is not in a list of this age may be new.
const RECENT: Duration = Duration::from_secs(1);

/// A source and the cache of its packages. Two sources may have different content for the same name and version, so they
/// share no cache.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    pub(super) source: Source,
    pub(super) cache: Cache,
    pruned: Arc<Mutex<Option<Instant>>>,
}

impl Repository {
    /// Prunes the cache from time to time. It is only a cache: failures are left to the next time.
    fn prune(&self) {
        let mut pruned = self.pruned.lock();
        if pruned.is_some_and(|at| at.elapsed() < PRUNE) {
            return;
        }
        *pruned = Some(Instant::now());
        drop(pruned);
        if let Err(error) = self.cache.prune(UNUSED, SystemTime::now(), &|_| false) {
            tracing::warn!(%error, "failed to prune the cache");
        }
    }
}

/// The packages of all sources.
#[derive(Debug)]
pub(super) struct Shelf {
    workspace: Arc<Workspace>,
    repositories: BTreeMap<String, Repository>,
    packages: Mutex<HashMap<Name, Arc<Package>>>,
    listing: Shared<Discovery>,
    refresh: Duration,
    deliveries: Semaphore,
}

impl Shelf {
    /// Opens the sources whose names are valid on the wire, and returns warnings about the others.
    pub(super) fn open(workspace: Arc<Workspace>, refresh: Duration) -> (Self, Vec<Note>) {
        let mut warnings = Vec::new();
        let mut repositories = BTreeMap::new();
        for source in workspace.catalog.sources() {
            let id = source.id();
            if repository_fault(id).is_some() {
                let message = format!("repository `{id}` is not served over OCI");
                let hint = "begin and end its name with a lowercase letter or a digit";
                warnings.push(Note::new(message).hint(hint));
                continue;
            }
            let folder = workspace.cache.root().join("served").join(id);
            let repository = Repository {
                source: source.clone(),
                cache: Cache::open(folder),
                pruned: Arc::default(),
            };
            let _ = repositories.insert(id.to_owned(), repository);
        }
        let shelf = Self {
            workspace,
            repositories,
            packages: Mutex::default(),
            listing: Shared::default(),
            refresh,
            deliveries: Semaphore::new(DELIVERIES),
        };
        (shelf, warnings)
    }

    /// Returns the source of a package, and its cache.
    pub(super) fn repository(&self, name: &Name) -> Result<&Repository, Fault> {
        let found = self.repositories.get(&name.repository);
        found.ok_or_else(|| Fault::unknown_name(&name.path()))
    }

    /// Returns the maximum size of a blob.
    pub(super) fn largest(&self) -> u64 {
        self.workspace.config.cache.max_content.value
    }

    /// Lists the packages of all sources.
    pub(super) async fn packages(&self) -> Result<Arc<Discovery>, Fault> {
        let mut held = self.listing.lock().await;
        if let Some(fresh) = held.as_ref().and_then(|held| held.fresh(self.refresh)) {
            return fresh;
        }
        let workspace = self.workspace.clone();
        let discovered = blocking(async move || {
            let listings = workspace.listing_cache(false);
            workspace
                .catalog
                .discover(None, &*workspace, &listings)
                .await
        });
        let listing = discovered.await.map(|mut discovery| {
            discovery.packages.retain(|listed| {
                self.repositories.contains_key(&listed.repository)
                    && repository_fault(&format!("{}/{}", listed.repository, listed.name)).is_none()
            });
            Arc::new(discovery)
        });
        *held = Some(Held::new(listing.clone()));
        listing
    }

    /// Lists the versions of a package; never empty.
    pub(super) async fn versions(&self, name: &Name) -> Result<Arc<Vec<Version>>, Fault> {
        self.versions_within(name, self.refresh).await
    }

    async fn versions_within(
        &self,
        name: &Name,
        limit: Duration,
    ) -> Result<Arc<Vec<Version>>, Fault> {
        let source = &self.repository(name)?.source;
        let package = self.package(name);
        let mut held = package.versions.lock().await;
        if let Some(fresh) = held.as_ref().and_then(|held| held.fresh(limit)) {
            return fresh;
        }
        let listed = source.versions(&name.package).await;
        let versions = match listed {
            Ok(versions) if versions.is_empty() => Err(Fault::unknown_name(&name.path())),
            Ok(versions) => Ok(Arc::new(versions)),
            Err(Error::NotFound { .. }) => Err(Fault::unknown_name(&name.path())),
            Err(error) => Err(Fault::of_source(&error)),
        };
        *held = Some(Held::new(versions.clone()));
        versions
    }

    /// Delivers a version.
    ///
    /// # Errors
    /// Returns an error if there is no such version, it is not trusted, or a source fails.
    pub(super) async fn version(
        &self,
        name: &Name,
        version: &Version,
    ) -> Result<Arc<Served>, Fault> {
        let absent = || Fault::unknown_manifest(&version.to_string(), &name.path());
        if !self.versions(name).await?.contains(version)
            && !self.versions_within(name, RECENT).await?.contains(version)
        {
            return Err(absent());
        }
        let slot = self.package(name).slot(version);
        let _one_at_a_time = slot.gate.lock().await;
        if let Some(fresh) = slot.fresh(self.refresh) {
            return fresh;
        }
        let outcome = self.deliver(name, version).await.map(Arc::new);
        slot.set(Held::new(outcome.clone()));
        outcome
    }

    /// Returns the version that has a manifest or a blob with this digest; None if there is none.
    pub(super) async fn find(
        &self,
        name: &Name,
        digest: Digest,
        with_referrers: bool,
    ) -> Result<Option<Arc<Served>>, Fault> {
        let repository = self.repository(name)?;
        let package = self.package(name);
        for version in package.versions_with(digest) {
            let served = self.version(name, &version).await;
            if let Ok(served) = &served
                && !served.image.has(digest)
            {
                continue;
            }
            return served.map(Some);
        }
        let versions = self.versions(name).await?;
        let stages: &[bool] = if with_referrers {
            &[false, true]
        } else {
            &[false]
        };
        let mut failure = None;
        for with_referrers in stages {
            let what = (name.package.as_str(), versions.as_slice(), *with_referrers);
            let previews = package.previews(&repository.source, what, self.refresh);
            let previews = previews.await;
            for preview in previews.iter() {
                let is_it = match &preview.outcome {
                    Ok(Some(image)) => image.has(digest),
                    // Its digests are known only after it is delivered.
                    Ok(None) => true,
                    Err(fault) => {
                        failure = Some(fault.clone());
                        false
                    }
                };
                if !is_it {
                    continue;
                }
                match self.version(name, &preview.version).await {
                    Ok(served) if served.image.has(digest) => return Ok(Some(served)),
                    // The version that has it may not be served.
                    Err(fault) if matches!(preview.outcome, Ok(Some(_))) => return Err(fault),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        match failure {
            // A source that fails may have it.
            Some(fault) => Err(fault),
            None => Ok(None),
        }
    }

    /// Drops a version from memory, so that it is delivered again.
    pub(super) fn forget(&self, name: &Name, version: &Version) {
        self.package(name).forget(version);
    }

    fn package(&self, name: &Name) -> Arc<Package> {
        let mut packages = self.packages.lock();
        if packages.len() >= PACKAGES && !packages.contains_key(name) {
            packages.clear();
        }
        packages.entry(name.clone()).or_default().clone()
    }

    async fn deliver(&self, name: &Name, version: &Version) -> Result<Served, Fault> {
        let permit = self.deliveries.acquire().await;
        let _permit = permit.map_err(|error| Fault::internal(&error))?;
        let workspace = self.workspace.clone();
        let repository = self.repository(name)?.clone();
        let (package, version) = (name.package.clone(), version.clone());
        let delivered = blocking(async move || {
            repository.prune();
            let Repository { source, cache, .. } = repository;
            let spec = source.spec(&package, &version).await?;
            let resolved = ResolvedVersion {
                source: &source,
                spec,
                warnings: Vec::new(),
            };
            let loader = workspace.loader_into(&cache);
            let delivery = match loader.fetch(&resolved, false, &Silent).await {
                // The version was replaced in its source.
                Err(DeliverError::Cache(CacheError::Conflict(_))) => {
                    loader.fetch(&resolved, true, &Silent).await
                }
                outcome => outcome,
            }?;
            let image = Image::of(&delivery, &resolved, workspace.policy.mode).await?;
            Ok::<_, ImageError>(Served {
                image,
                release: resolved.spec.release,
                warnings: delivery.warnings,
            })
        });
        let delivered = delivered.await?;
        delivered.map_err(|error| Fault::of_image(&error))
    }
}

/// Runs work that blocks, such as hashing files, without blocking other requests.
pub(super) async fn blocking<T, F>(work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: AsyncFnOnce() -> T + Send + 'static,
{
    let handle = Handle::current();
    let done = tokio::task::spawn_blocking(move || handle.block_on(work()));
    done.await.map_err(|error| Fault::internal(&error))
}
