//! Packages in an OCI registry (distribution-spec 1.1).
//!
//! The repository of a package is `REGISTRY/NAMESPACE/NAME`; the tag is its version, with `_` for `+`.
//! Configuration, content and document are separate blobs: a listing reads two small responses for each version
//! and fetches no content.
//!
//! Tag lists are used as returned. Some registries keep listing the tag of a deleted manifest, and checking
//! each tag would make a listing as expensive as reading all versions. So only tags that this process deleted
//! are checked again; for others, [`release`](Repository::release) reports that there is none.

pub mod artifact;
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
pub use check::{Check, Class, Outcome, Step};
use tokio::sync::OnceCell;

use self::client::Client;
use self::model::{Catalog, Descriptor, Tags};
use self::names::repository_fault;
use self::paging::ListResult;
use self::scope::Scope;
use super::{
    Capabilities, Deleted, DiscoveryMethod, Error, Extension, Extensions, IndexFile, Kind, Names,
    PartialDownload, Referrer, Release, Repository, Result, Upload,
};
use extension_registry_core::diagnostic::Note;
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout::DOCUMENT;
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::Transport;
use extension_registry_package_trust::signature::Signature;

/// Settings of an [`Oci`] repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Name of the repository in the configuration.
    pub id: String,
    /// Host and port: `localhost:5000`. A prefix `https://` or `http://` selects the protocol.
    pub registry: String,
    /// Prefix of the package names: `extensions`, `team/extensions`. It may be empty.
    pub namespace: String,
    /// Names of packages, for registries without a listing.
    pub names: Vec<String>,
}

/// Packages in an OCI registry.
#[derive(Debug)]
pub struct Oci {
    settings: Settings,
    client: Client,
    /// Advertised extensions, queried once.
    extensions: OnceCell<Vec<Extension>>,
    /// Deleted tags that the registry may still list.
    deleted_tags: Mutex<BTreeSet<(String, String)>>,
}

impl Oci {
    /// Creates a repository without sending a request.
    ///
    /// # Errors
    /// Returns an error if the address or the namespace is invalid, or http would be used for another machine.
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
                what: format!("use the namespace `{}`", settings.namespace),
                hint: fault.to_owned(),
            });
        }
        let client = Client::new(id, &settings.registry, transport, credentials)?;
        Ok(Self {
            settings,
            client,
            extensions: OnceCell::new(),
            deleted_tags: Mutex::default(),
        })
    }

    /// Requests this many entries for each page of a list. Registries may return fewer.
    #[must_use]
    pub fn with_page(mut self, entries: usize) -> Self {
        self.client.page = entries.max(1);
        self
    }

    /// Returns the advertised extensions. A registry that does not respond has none. A denial is ignored: many
    /// registries deny every path that they do not know.
    async fn advertised(&self) -> &[Extension] {
        let asked = self
            .extensions
            .get_or_init(async || match self.client.discover(None).await {
                Ok(extensions) => extensions,
                Err(error) => {
                    if !matches!(error, Error::Denied { .. }) {
                        self.client.warn_error(&error);
                    }
                    Vec::new()
                }
            });
        asked.await
    }

    /// Returns the path of a name in the namespace.
    fn below(&self, name: &str) -> String {
        match self.settings.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}/{name}"),
        }
    }

    /// Returns the repository path of a package; None if the name is invalid.
    fn path(&self, name: &str) -> Option<String> {
        let path = self.below(name);
        let is_one = !name.contains('/') && repository_fault(name).is_none();
        (is_one && repository_fault(&path).is_none()).then_some(path)
    }

    /// Returns the package name of a repository path; None for other paths and for the index.
    fn name_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = match self.settings.namespace.as_str() {
            "" => path,
            namespace => path.strip_prefix(namespace)?.strip_prefix('/')?,
        };
        (name != names::INDEX && self.path(name).is_some()).then_some(name)
    }

    fn names_of(&self, paths: &[String], method: DiscoveryMethod) -> Names {
        let names: BTreeSet<&str> = paths.iter().filter_map(|path| self.name_of(path)).collect();
        Names {
            names: names.into_iter().map(str::to_owned).collect(),
            method,
            faults: Vec::new(),
        }
    }

    /// Lists all tags of a repository; empty if there is no such repository.
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
            ListResult::All(tags) => Ok(tags),
            ListResult::Refused(answer) if answer.status() == reqwest::StatusCode::NOT_FOUND => {
                Ok(Vec::new())
            }
            ListResult::Refused(answer) => Err(self.client.refused(answer, &what).await),
            ListResult::Foreign => Err(self.no_registry(&what)),
        }
    }

    /// Lists all repositories, or returns the error of a registry that denies it.
    async fn catalog(&self) -> Result<std::result::Result<Vec<String>, Error>> {
        let what = "list its packages";
        let mut url = self.client.url("/v2/_catalog");
        let _ = url
            .query_pairs_mut()
            .append_pair("n", &self.client.page.to_string());
        let read = |page: Catalog| page.repositories;
        match self.client.list(url, &Scope::catalog(), what, read).await {
            Ok(ListResult::All(paths)) => Ok(Ok(paths)),
            Ok(ListResult::Refused(answer)) => {
                let status = answer.status().as_u16();
                let refusal = self.client.refused(answer, what).await;
                if matches!(status, 400 | 401 | 403 | 404 | 405 | 501) {
                    Ok(Err(refusal))
                } else {
                    Err(refusal)
                }
            }
            Ok(ListResult::Foreign) => Ok(Err(self.no_registry(what))),
            // A denial by the token service is a denial by the registry.
            Err(error @ Error::Denied { .. }) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    fn no_registry(&self, what: &str) -> Error {
        Error::Unavailable {
            repository: self.client.id.clone(),
            what: what.to_owned(),
            why: "the response is not from an OCI registry".to_owned(),
            hint: format!("check `registry`, which is {}", self.client.registry),
        }
    }

    fn no_version(&self, name: &str, version: &semver::Version) -> Error {
        Error::NotFound {
            repository: self.client.id.clone(),
            what: format!("version {version} of {name}"),
            hint: String::new(),
        }
    }

    /// Returns the path and the digest of a release of this registry.
    fn place_of(&self, release: &Release) -> Result<(String, Digest)> {
        let path = self.path(&release.name);
        let place = path.zip(release.manifest.as_ref().map(|manifest| manifest.digest));
        place.ok_or_else(|| self.no_version(&release.name, &release.version))
    }

    fn remember_deleted_tag(&self, path: &str, tag: &str) {
        let mut deleted_tags = self
            .deleted_tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let _ = deleted_tags.insert((path.to_owned(), tag.to_owned()));
    }

    /// Returns whether a tag is listed but does not exist.
    async fn is_deleted_tag(&self, path: &str, tag: &str) -> Result<bool> {
        let is_suspect = {
            let deleted_tags = self
                .deleted_tags
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            deleted_tags.contains(&(path.to_owned(), tag.to_owned()))
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
        let advertised = match self.client.discover(None).await {
            Ok(extensions) => extensions,
            // An unadvertised search cannot be used. The error is reported by the listing of extensions.
            Err(Error::Denied { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let referrers = match self.supports_referrers().await {
            Ok(keeps) => keeps,
            // Unknown until it is tried.
            Err(Error::Denied { .. }) => true,
            Err(error) => return Err(error),
        };
        Ok(Capabilities {
            list: self.catalog().await?.is_ok(),
            search: search::is_advertised(&advertised),
            publish: true,
            delete: true,
            resume: true,
            referrers,
        })
    }

    /// Lists names by an advertised search, else by `_catalog`, else from the configuration.
    ///
    /// # Errors
    /// Returns the response of the registry with a hint if it lists nothing and the configuration names
    /// nothing.
    async fn names(&self, text: Option<&str>) -> Result<Names> {
        let extensions = self.advertised().await;
        let namespace = &self.settings.namespace;
        let found = self.client.search(extensions, namespace, text).await;
        match found {
            Ok(Some(paths)) => return Ok(self.names_of(&paths, DiscoveryMethod::Search)),
            Ok(None) => {}
            Err(error) => self.client.warn_error(&error),
        }
        let refusal = match self.catalog().await? {
            Ok(paths) => return Ok(self.names_of(&paths, DiscoveryMethod::Catalog)),
            Err(refusal) => refusal,
        };
        if !self.settings.names.is_empty() {
            let names = self.settings.names.iter();
            let paths: Vec<String> = names.filter_map(|name| self.path(name)).collect();
            return Ok(self.names_of(&paths, DiscoveryMethod::Named));
        }
        let hint_suffix = "publish an index with `kubectl ext package index`, or set `names` in the configuration";
        let repository = self.settings.id.clone();
        let what = "list packages".to_owned();
        Err(match refusal {
            Error::Denied { hint, .. } => Error::Denied {
                repository,
                what,
                hint: format!("{hint}; or {hint_suffix}"),
            },
            _ => Error::Unsupported {
                repository,
                what,
                hint: hint_suffix.to_owned(),
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
                && !self.is_deleted_tag(&path, &tag).await?
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

    async fn referrers(&self, release: &Release) -> Result<Vec<Referrer>> {
        let (path, digest) = self.place_of(release)?;
        self.client.stored_referrers(&path, digest).await
    }

    async fn blob(
        &self,
        release: &Release,
        (digest, size): (Digest, u64),
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        let (path, _) = self.place_of(release)?;
        self.client
            .fetch(&path, (digest, Some(size)), download_file)
            .await
    }

    async fn fetch(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        let (path, _) = self.place_of(release)?;
        let content = release.content.digest;
        let digest = content.ok_or_else(|| Error::Unsupported {
            repository: self.settings.id.clone(),
            what: format!(
                "fetch version {} of {}: its manifest has no content with a SHA-256 digest",
                release.version, release.name
            ),
            hint: "check the name: it may refer to something other than a package, such as a multi-platform image".to_owned(),
        })?;
        let size = release.content.size;
        self.client
            .fetch(&path, (digest, size), download_file)
            .await
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

    /// Queries the registry, and the repositories of the packages in the configuration.
    async fn extensions(&self) -> Extensions {
        self.all_extensions().await
    }

    /// Includes the warnings of the registry, `Warning: 299` (distribution-spec, "Warnings").
    fn warnings(&self) -> Vec<Note> {
        self.client.warnings()
    }
}
