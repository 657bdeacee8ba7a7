//! A Maven repository (Maven, "Repository layout"): in a local folder, or on an HTTP server.
//!
//! ```text
//! <root>/<group as path>/<name>/<version>/…        a version: see `layout`
//! <root>/<group as path>/<name>/maven-metadata.xml
//! <root>/index.json                                the index, if one was published
//! ```
//!
//! Artifacts of `mvn deploy` are supported too and described by their POM. Maven has no listing over HTTP, so
//! packages are named by the configuration or by an index. A release takes eight requests, its document two
//! more; none of them fetches the content.
//!
//! An HTTP server replaces one file at a time, so a version is found once its last file exists. If two
//! publishers start at the same time, a server that supports `If-None-Match` (RFC 9110, section 13.1.2) rejects
//! one of them. On others the later one wins, and the other gets an error if its files were replaced by the time it
//! finishes.

mod fetch;
mod metadata;
mod publish;
mod read;
mod server;
mod sign;

use std::path::PathBuf;

use async_trait::async_trait;
use url::Url;

use super::folder::{self, Folder};
use super::{
    Capabilities, Deleted, Error, IndexFile, Kind, Names, PartialDownload, Release, Repository,
    Result, Upload,
};
use extension_registry_package_layout::is_word;
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::Transport;
use extension_registry_package_trust::signature::Signature;
use server::Server;

/// Settings of a [`Maven`] repository.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in the configuration.
    pub id: String,
    /// Its location.
    pub place: Place,
    /// Maven group of its packages: `io.fuseml.extensions`.
    pub group: String,
    /// Names of packages, for an HTTP server, which lists none. A folder needs none.
    pub names: Vec<String>,
}

/// Location of a Maven repository.
#[derive(Clone, Debug)]
pub enum Place {
    /// A local folder.
    Folder(PathBuf),
    /// An HTTP server.
    Http(Url),
}

/// A Maven repository.
#[derive(Debug)]
pub struct Maven(Inner);

#[derive(Debug)]
enum Inner {
    Folder(Folder),
    Remote(Remote),
}

/// A repository on an HTTP server.
#[derive(Debug)]
struct Remote {
    server: Server,
    group: String,
    names: Vec<String>,
}

impl Maven {
    /// Creates a repository without sending a request. A folder needs no transport.
    ///
    /// # Errors
    /// Returns an error if the group or a name cannot be part of a path, or the address or the kind of
    /// credentials is not supported.
    pub fn new(
        settings: Settings,
        transport: Option<Transport>,
        credentials: Credentials,
    ) -> Result<Self> {
        let Settings {
            id,
            place,
            group,
            mut names,
        } = settings;
        let unsupported = |what: String, hint: &str| Error::Unsupported {
            repository: id.clone(),
            what,
            hint: hint.to_owned(),
        };
        if !group.split('.').all(is_word) {
            let what = format!("use the group `{}`", group.escape_debug());
            let hint = "set `group` to words separated by dots, e.g. io.fuseml.extensions";
            return Err(unsupported(what, hint));
        }
        let root = match place {
            Place::Folder(root) => {
                let folder = Folder::maven(folder::Settings { id, root }, &group);
                return Ok(Self(Inner::Folder(folder)));
            }
            Place::Http(root) => root,
        };
        if let Some(wrong) = names.iter().find(|name| !is_word(name)) {
            let what = format!("contain a package named `{}`", wrong.escape_debug());
            let hint = "use letters, digits and `.`, `_`, `+`, `-` in package names";
            return Err(unsupported(what, hint));
        }
        let Some(transport) = transport else {
            return Err(unsupported("be accessed without HTTP".to_owned(), ""));
        };
        names.sort();
        names.dedup();
        let server = Server::new(id, root, transport, credentials)?;
        Ok(Self(Inner::Remote(Remote {
            server,
            group,
            names,
        })))
    }

    fn inner(&self) -> &dyn Repository {
        match &self.0 {
            Inner::Folder(folder) => folder,
            Inner::Remote(remote) => remote,
        }
    }
}

#[async_trait]
impl Repository for Maven {
    fn id(&self) -> &str {
        self.inner().id()
    }

    fn kind(&self) -> Kind {
        Kind::Maven
    }

    fn place(&self) -> String {
        self.inner().place()
    }

    async fn probe(&self) -> Result<Capabilities> {
        self.inner().probe().await
    }

    async fn names(&self, text: Option<&str>) -> Result<Names> {
        self.inner().names(text).await
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        self.inner().versions(name).await
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        self.inner().release(name, version).await
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        self.inner().document(release).await
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        self.inner().signatures(release).await
    }

    async fn fetch(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        self.inner().fetch(release, download_file).await
    }

    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        self.inner().publish(upload, force, progress).await
    }

    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()> {
        self.inner().sign(release, signature).await
    }

    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        self.inner().delete(name, version).await
    }

    async fn index(&self) -> Result<Option<IndexFile>> {
        self.inner().index().await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        self.inner().put_index(index).await
    }
}

#[async_trait]
impl Repository for Remote {
    fn id(&self) -> &str {
        &self.server.id
    }

    fn kind(&self) -> Kind {
        Kind::Maven
    }

    fn place(&self) -> String {
        self.server.place()
    }

    async fn probe(&self) -> Result<Capabilities> {
        self.probed().await
    }

    async fn names(&self, _text: Option<&str>) -> Result<Names> {
        self.named().await
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        self.listed(name).await
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        self.read_release(name, version).await
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        self.read_document(release).await
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        self.read_signatures(release).await
    }

    async fn fetch(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        self.fetch_content(release, download_file).await
    }

    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        self.publish_version(upload, force, progress).await
    }

    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()> {
        self.add_signature(release, signature).await
    }

    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        self.delete_version(name, version).await
    }

    async fn index(&self) -> Result<Option<IndexFile>> {
        self.read_index().await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        self.write_index(index).await
    }
}
