//! Packages in an OCI registry (seed 003, "OCI Registry Integration"; distribution-spec 1.1).
//!
//! The repository of a package is `REGISTRY/NAMESPACE/NAME`; the tag is its version, with `_` for `+`. Its
//! configuration, its content and its document are blobs of their own: whoever lists reads two small answers for
//! each version, and fetches no content.
//!
//! Lists of tags are taken as the registry gives them. Some registries go on listing the tag of a manifest that was
//! deleted; asking for each tag would make a list as dear as all its versions. So only tags that this program saw
//! deleted are asked for again. For others, [`release`](Repository::release) says that there is none.

mod auth;
mod blobs;
mod check;
mod client;
mod delete;
mod discover;
mod index;
mod manifests;
mod model;
pub mod names;
mod package;
mod paging;
mod publish;
mod referrers;
mod scope;
mod search;
mod signatures;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
pub use check::{Check, Outcome, Step};
pub use package::names_package;
use tokio::sync::OnceCell;

use self::client::Client;
use self::model::{Catalog, Descriptor, Tags};
use self::names::repository_fault;
use self::paging::Listed;
use self::scope::Scope;
use super::{
    Capabilities, Deleted, Error, Extension, IndexFile, Kind, Names, Release, Repository, Result,
    Sink, Upload, Way,
};
use crate::credentials::Credentials;
use crate::digest::Digest;
use crate::progress::Progress;
use crate::repository::layout::DOCUMENT;
use crate::signature::Signature;
use crate::transport::Transport;

/// Which registry, and which part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Name of the repository in the configuration.
    pub id: String,
    /// Host and port: `localhost:5000`. With `https://` or `http://` before it, that is what is spoken.
    pub registry: String,
    /// What stands before the names of packages: `extensions`, `team/extensions`. It may be empty.
    pub namespace: String,
    /// Packages that the configuration names, for registries that list none.
    pub names: Vec<String>,
}

/// Packages in an OCI registry.
#[derive(Debug)]
pub struct Oci {
    settings: Settings,
    client: Client,
    /// What the registry advertises; asked once.
    extensions: OnceCell<Vec<Extension>>,
    /// Tags that were deleted, and that the registry may list for all that.
    ghosts: Mutex<BTreeSet<(String, String)>>,
}

impl Oci {
    /// A registry. It is not asked yet.
    ///
    /// # Errors
    /// When the address or the namespace cannot be one, or http would go to another machine.
    pub fn new(settings: Settings, transport: Transport, credentials: Credentials) -> Result<Self> {
        let settings = Settings {
            namespace: settings.namespace.trim_matches('/').to_owned(),
            ..settings
        };
        let id = settings.id.clone();
        if let Some(fault) = repository_fault(&settings.namespace)
            && !settings.namespace.is_empty()
        {
            return Err(Error::Unsupported {
                repository: id,
                what: format!("have the namespace `{}`", settings.namespace),
                hint: fault.to_owned(),
            });
        }
        let client = Client::new(id, &settings.registry, transport, credentials)?;
        Ok(Self {
            settings,
            client,
            extensions: OnceCell::new(),
            ghosts: Mutex::default(),
        })
    }

    /// With this many entries asked for in each page of a list. Registries give fewer as they like.
    #[must_use]
    pub fn with_page(mut self, entries: usize) -> Self {
        self.client.page = entries.max(1);
        self
    }

    /// What the registry said beside its answers (`Warning: 299`), and what was passed over; each once.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.client.warnings()
    }

    /// Extensions that the registry advertises, then those that the repositories of these packages do. Each says
    /// where it was found.
    ///
    /// # Errors
    /// [`Error::Denied`] for what nobody may ask. A registry that knows no extensions has none.
    pub async fn extensions(&self, packages: &[&str]) -> Result<Vec<Extension>> {
        let mut all = self.client.discover(None).await?;
        for path in packages.iter().filter_map(|name| self.path(name)) {
            all.extend(self.client.discover(Some(&path)).await?);
        }
        Ok(all)
    }

    /// What the registry advertises. One that does not say is one without.
    async fn advertised(&self) -> &[Extension] {
        let asked = self
            .extensions
            .get_or_init(async || match self.client.discover(None).await {
                Ok(extensions) => extensions,
                Err(error) => {
                    self.client.note(&error.to_string());
                    Vec::new()
                }
            });
        asked.await
    }

    /// The path of something below the namespace.
    fn below(&self, name: &str) -> String {
        match self.settings.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}/{name}"),
        }
    }

    /// The path of the repository of a package; None where no package can have that name.
    fn path(&self, name: &str) -> Option<String> {
        let path = self.below(name);
        let is_one = !name.contains('/') && repository_fault(name).is_none();
        (is_one && repository_fault(&path).is_none()).then_some(path)
    }

    /// The name of a package by the path of its repository; None for what is elsewhere, and for the index.
    fn name_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = match self.settings.namespace.as_str() {
            "" => path,
            namespace => path.strip_prefix(namespace)?.strip_prefix('/')?,
        };
        (name != index::NAME && self.path(name).is_some()).then_some(name)
    }

    fn names_of(&self, paths: &[String], way: Way) -> Names {
        let names: BTreeSet<&str> = paths.iter().filter_map(|path| self.name_of(path)).collect();
        Names {
            names: names.into_iter().map(str::to_owned).collect(),
            way,
            faults: Vec::new(),
        }
    }

    /// All tags of a repository; none where there is no such repository.
    async fn tag_names(&self, path: &str) -> Result<Vec<String>> {
        let what = format!("list versions of {path}");
        let mut url = self.client.url(&format!("/v2/{path}/tags/list"));
        let _ = url
            .query_pairs_mut()
            .append_pair("n", &self.client.page.to_string());
        let read = |page: Tags| page.tags;
        match self
            .client
            .list(url, &Scope::pull(path), &what, read)
            .await?
        {
            Listed::All(tags) => Ok(tags),
            Listed::Refused(answer) if answer.status() == reqwest::StatusCode::NOT_FOUND => {
                Ok(Vec::new())
            }
            Listed::Refused(answer) => Err(self.client.refused(answer, &what).await),
            Listed::Foreign => Err(self.no_registry(&what)),
        }
    }

    /// All repositories; why not, where the registry refuses.
    async fn catalog(&self) -> Result<std::result::Result<Vec<String>, Error>> {
        let what = "list its packages";
        let mut url = self.client.url("/v2/_catalog");
        let _ = url
            .query_pairs_mut()
            .append_pair("n", &self.client.page.to_string());
        let read = |page: Catalog| page.repositories;
        match self.client.list(url, &Scope::catalog(), what, read).await {
            Ok(Listed::All(paths)) => Ok(Ok(paths)),
            Ok(Listed::Refused(answer)) => {
                let status = answer.status().as_u16();
                let refusal = self.client.refused(answer, what).await;
                if matches!(status, 400 | 401 | 403 | 404 | 405 | 501) {
                    Ok(Err(refusal))
                } else {
                    Err(refusal)
                }
            }
            Ok(Listed::Foreign) => Ok(Err(self.no_registry(what))),
            // The token service refuses, which is a refusal of the registry.
            Err(error @ Error::Denied { .. }) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    fn no_registry(&self, what: &str) -> Error {
        Error::Unavailable {
            repository: self.client.id.clone(),
            what: what.to_owned(),
            why: "its answer is nothing that a registry says".to_owned(),
            hint: format!("look at `registry`, which is {}", self.client.registry),
        }
    }

    fn no_version(&self, name: &str, version: &semver::Version) -> Error {
        Error::NotFound {
            repository: self.client.id.clone(),
            what: format!("version {version} of {name}"),
            hint: String::new(),
        }
    }

    /// The path and the digest of a release of this registry.
    fn place_of(&self, release: &Release) -> Result<(String, Digest)> {
        let path = self.path(&release.name);
        let place = path.zip(release.manifest.as_ref().map(|manifest| manifest.digest));
        place.ok_or_else(|| self.no_version(&release.name, &release.version))
    }

    fn remember_ghost(&self, path: &str, tag: &str) {
        let mut ghosts = self.ghosts.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ghosts.insert((path.to_owned(), tag.to_owned()));
    }

    /// Whether a tag is listed, and leads nowhere.
    async fn is_ghost(&self, path: &str, tag: &str) -> Result<bool> {
        let is_suspect = {
            let ghosts = self.ghosts.lock().unwrap_or_else(PoisonError::into_inner);
            ghosts.contains(&(path.to_owned(), tag.to_owned()))
        };
        Ok(is_suspect && self.client.digest(path, tag).await?.is_none())
    }
}

#[async_trait]
impl Repository for Oci {
    fn id(&self) -> &str {
        &self.settings.id
    }

    fn kind(&self) -> Kind {
        Kind::Oci
    }

    fn place(&self) -> String {
        format!("{}/{}", self.client.registry, self.settings.namespace)
            .trim_end_matches('/')
            .to_owned()
    }

    async fn probe(&self) -> Result<Capabilities> {
        let extensions = match self.client.discover(None).await {
            Ok(extensions) => extensions,
            Err(Error::Denied { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let referrers = match self.keeps_referrers().await {
            Ok(keeps) => keeps,
            // Nobody may look: it may.
            Err(Error::Denied { .. }) => true,
            Err(error) => return Err(error),
        };
        Ok(Capabilities {
            list: self.catalog().await?.is_ok(),
            search: search::is_advertised(&extensions),
            publish: true,
            delete: true,
            resume: true,
            referrers,
            extensions,
        })
    }

    /// By a search that the registry advertises, else by `_catalog`, else what the configuration names.
    ///
    /// # Errors
    /// Where the registry lists nothing and the configuration names nothing, what it answered, with the way out.
    async fn names(&self, text: Option<&str>) -> Result<Names> {
        let extensions = self.advertised().await;
        let namespace = &self.settings.namespace;
        let found = self.client.search(extensions, namespace, text).await;
        match found {
            Ok(Some(paths)) => return Ok(self.names_of(&paths, Way::Search)),
            Ok(None) => {}
            Err(error) => self.client.note(&error.to_string()),
        }
        let refusal = match self.catalog().await? {
            Ok(paths) => return Ok(self.names_of(&paths, Way::Catalog)),
            Err(refusal) => refusal,
        };
        if !self.settings.names.is_empty() {
            let names = self.settings.names.iter();
            let paths: Vec<String> = names.filter_map(|name| self.path(name)).collect();
            return Ok(self.names_of(&paths, Way::Named));
        }
        let way_out = "publish an index: `kubectl ext package index`; or name the packages in the configuration";
        let repository = self.settings.id.clone();
        let what = "list its packages".to_owned();
        Err(match refusal {
            Error::Denied { hint, .. } => Error::Denied {
                repository,
                what,
                hint: format!("{hint}; or {way_out}"),
            },
            _ => Error::Unsupported {
                repository,
                what,
                hint: way_out.to_owned(),
            },
        })
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        let Some(path) = self.path(name) else {
            return Ok(Vec::new());
        };
        let mut versions = BTreeSet::new();
        for tag in self.tag_names(&path).await? {
            if let Some(version) = names::version(&tag)
                && !self.is_ghost(&path, &tag).await?
            {
                let _ = versions.insert(version);
            }
        }
        Ok(versions.into_iter().collect())
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        let path = self
            .path(name)
            .ok_or_else(|| self.no_version(name, version))?;
        for tag in names::tags(version) {
            if let Some(found) = self.client.manifest(&path, &tag).await? {
                return self.client.release(&path, (name, version), &found).await;
            }
        }
        Err(self.no_version(name, version))
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        let Some(document) = &release.document else {
            return Ok(None);
        };
        let (path, _) = self.place_of(release)?;
        let digest = document.digest.map(|digest| digest.oci());
        let descriptor = Descriptor {
            digest: digest.unwrap_or_default(),
            size: document.size.unwrap_or_default(),
            ..Descriptor::default()
        };
        let bytes = self.client.blob_up_to(&path, &descriptor, DOCUMENT).await?;
        Ok(Some(bytes))
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        let (path, digest) = self.place_of(release)?;
        self.client.signatures(&path, digest, &[]).await
    }

    async fn fetch(&self, release: &Release, sink: &mut Sink<'_>) -> Result<()> {
        let (path, _) = self.place_of(release)?;
        let content = release.content.digest;
        let digest = content.ok_or_else(|| Error::Unsupported {
            repository: self.settings.id.clone(),
            what: format!(
                "fetch version {} of {}: its manifest names no content with a SHA-256 digest",
                release.version, release.name
            ),
            hint: "it was made for something else, such as images of several platforms".to_owned(),
        })?;
        let size = release.content.size;
        self.client.fetch(&path, (digest, size), sink).await
    }

    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        self.put(upload, force, progress).await
    }

    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()> {
        let (path, digest) = self.place_of(release)?;
        self.client.sign(&path, digest, signature).await
    }

    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        self.remove(name, version).await
    }

    async fn index(&self) -> Result<Option<IndexFile>> {
        self.read_index().await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        self.write_index(index).await
    }
}
