//! Generic packages of Gitea or Forgejo: one for each package, with the files of the shared layout (Gitea's
//! `docs/usage/packages/generic`, `routers/api/packages/api.go`).
//!
//! ```text
//! /api/packages/OWNER/generic/NAME/VERSION/NAME-VERSION.tar.gz          and the other files
//! /api/packages/OWNER/generic/NAME/VERSION/NAME-VERSION.sha256          their digests
//! /api/packages/OWNER/generic/extension-index/v1/index.json             and its signatures
//! /api/packages/OWNER/generic/extension__unfinished/NAME__VERSION/…     while a version is being published
//! ```
//!
//! Gitea restricts its listings, which include digests, to users with a token, although anyone may download.
//! Without a token a known version can still be read: its digests are in the file `.sha256`.
//!
//! A listing takes one request for 50 versions. A release takes two requests, its document one more; neither
//! fetches the content.

mod download;
mod files;
mod index;
mod listing;
mod publish;
mod server;
mod signatures;
mod unfinished;

use std::collections::BTreeSet;

use async_trait::async_trait;
use extension_registry_core::diagnostic::Note;
use reqwest::StatusCode;
use url::Url;

use self::files::VersionFiles;
use self::server::{Access, Server};
use super::{
    Capabilities, Deleted, Description, DiscoveryMethod, Error, IndexFile, Kind, Names,
    PartialDownload, Release, Repository, Result, Upload,
};
use crate::found::{self, absent};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout::{CONFIGURATION, DOCUMENT, is_word};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::{Call, Transport};
use extension_registry_package_trust::signature::Signature;

/// Settings of a [`Gitea`] repository.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the repository in the configuration.
    pub id: String,
    /// Address of Gitea: `https://gitea.example.com/`.
    pub url: Url,
    /// The user or organization that owns the packages.
    pub owner: String,
    /// Names of packages, for users that may not list them.
    pub names: Vec<String>,
}

/// The generic packages of one owner.
#[derive(Debug)]
pub struct Gitea {
    server: Server,
    names: Vec<String>,
}

impl Gitea {
    /// Creates a repository without sending a request.
    ///
    /// # Errors
    /// Returns an error if the address, the owner or a name is invalid, or Gitea does not support the kind of
    /// credentials.
    pub fn new(settings: Settings, transport: Transport, credentials: Credentials) -> Result<Self> {
        let mut names = settings.names;
        let wrong = names.iter().find(|name| !is_word(name));
        if let Some(name) = wrong {
            return Err(Error::Unsupported {
                repository: settings.id,
                what: format!("contain a package named `{}`", name.escape_debug()),
                hint: "use letters, digits and `.`, `_`, `+`, `-` in package names".to_owned(),
            });
        }
        names.sort();
        names.dedup();
        let server = Server::new(
            settings.id,
            settings.url,
            settings.owner,
            transport,
            credentials,
        )?;
        Ok(Self { server, names })
    }

    fn absent(&self, name: &str, version: &semver::Version) -> Error {
        absent(&self.server.id, name, version)
    }

    /// Returns the names from the configuration, for users that may not list.
    fn named(&self, denied: Error) -> Result<Names> {
        if self.names.is_empty() || !matches!(denied, Error::Denied { .. }) {
            return Err(denied);
        }
        Ok(Names {
            names: self.names.clone(),
            method: DiscoveryMethod::Named,
            faults: Vec::new(),
        })
    }
}

#[async_trait]
impl Repository for Gitea {
    fn id(&self) -> &str {
        &self.server.id
    }

    fn kind(&self) -> Kind {
        Kind::Gitea
    }

    fn place(&self) -> String {
        self.server.place()
    }

    async fn probe(&self) -> Result<Capabilities> {
        let what = "list packages";
        let url = self
            .server
            .list(&[], &[("type", "generic"), ("limit", "1")]);
        let answer = self.server.send(what, Call::get(url)).await?;
        let list = match answer.status() {
            StatusCode::OK => true,
            // Listing needs a token, but other operations may work without one.
            StatusCode::UNAUTHORIZED if self.server.is_anonymous() => false,
            StatusCode::FORBIDDEN => false,
            status => return Err(self.server.refused(what, Access::Read, status)),
        };
        let may_write = !self.server.is_anonymous();
        Ok(Capabilities {
            list,
            search: list,
            publish: may_write,
            delete: may_write,
            resume: true,
            referrers: false,
        })
    }

    async fn names(&self, text: Option<&str>) -> Result<Names> {
        let text = text.filter(|text| !text.is_empty());
        let entries = match listing::all(&self.server, text).await {
            Ok(entries) => entries,
            Err(error) => return self.named(error),
        };
        let unfinished = match text {
            // Unfinished versions are marked under another name, which a search does not find.
            Some(_) => unfinished::listed(&self.server).await?,
            None => unfinished::among(&entries),
        };
        let mut faults = Vec::new();
        let mut hidden = BTreeSet::new();
        for (name, version) in unfinished {
            let looked_for = text.is_none_or(|text| name.contains(&text.to_lowercase()));
            if looked_for && !self.is_whole(&name, &version).await? {
                let message = format!(
                    "version {version} of {name} is incomplete: its upload was interrupted or is in progress"
                );
                let hint = "publish it again with --force, or delete it";
                faults.push(Note::new(message).hint(hint));
                hidden.insert((name, version.to_string()));
            }
        }
        let mut names = BTreeSet::new();
        let mut strange = BTreeSet::new();
        for (name, version) in entries {
            if !listing::is_package(&name) || hidden.contains(&(name.clone(), version.clone())) {
                continue;
            }
            if semver::Version::parse(&version).is_ok() {
                names.insert(name);
            } else {
                strange.insert(name);
            }
        }
        for name in strange.difference(&names) {
            faults.push(Note::new(format!(
                "no version of the generic package {} is a semantic version",
                name.escape_debug()
            )));
        }
        Ok(Names {
            names: names.into_iter().collect(),
            method: if text.is_some() {
                DiscoveryMethod::Search
            } else {
                DiscoveryMethod::Catalog
            },
            faults,
        })
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        if !listing::is_package(name) {
            return Ok(Vec::new());
        }
        let mut versions = listing::versions(&self.server, name).await?;
        if versions.is_empty() {
            return Ok(Vec::new());
        }
        for (of, version) in unfinished::listed(&self.server).await? {
            if of == name && versions.contains(&version) && !self.is_whole(name, &version).await? {
                versions.remove(&version);
            }
        }
        Ok(versions.into_iter().collect())
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        let found = self.files(name, version).await?;
        let Some(files) = found.filter(|files| !files.is_empty()) else {
            return Err(self.absent(name, version));
        };
        let what = format!("read version {version} of {name}");
        let file = files.configuration();
        let call = Call::get(self.server.file(name, &version.to_string(), &file));
        let answer = if files.blob(&file).is_some() {
            self.server.found(&what, call).await?
        } else {
            None
        };
        let Some(answer) = answer else {
            return Err(self.half(name, version, &file));
        };
        let published = answer.header("last-modified").and_then(found::date);
        let bytes = self.server.bytes(&what, answer, CONFIGURATION).await?;
        let digest = Digest::of(&bytes);
        self.server.same(
            &file,
            files.blob(&file).and_then(|blob| blob.digest),
            digest,
        )?;
        let Some(content) = files.content() else {
            return Err(self.half(name, version, &files.content_name("tar.gz")));
        };
        Ok(Release {
            name: name.to_owned(),
            version: version.clone(),
            description: Description::Configuration { bytes, digest },
            content,
            document: files.document(),
            locator: format!("{name}/{version}"),
            manifest: None,
            published,
        })
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        let Some(blob) = &release.document else {
            return Ok(None);
        };
        let Some(file) = &blob.file else {
            return Ok(None);
        };
        let what = format!("read the document of {}", release.name);
        let url = self
            .server
            .file(&release.name, &release.version.to_string(), file);
        let bytes = self.server.read(&what, url, DOCUMENT).await?;
        if let Some(bytes) = &bytes {
            self.server.same(file, blob.digest, Digest::of(bytes))?;
        }
        Ok(bytes)
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        self.signatures_of(release).await
    }

    async fn fetch(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        download::fetch(&self.server, release, download_file).await
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
        if !listing::is_package(name) {
            return Err(self.absent(name, version));
        }
        let what = format!("delete version {version} of {name}");
        let files = self.files(name, version).await?;
        let url = self.server.version(name, &version.to_string());
        let is_gone = self.server.delete(&what, url).await?;
        // Delete the mark of an unfinished upload too.
        let was_begun = unfinished::forget(&self.server, name, version).await?;
        let mut gone = Vec::new();
        if is_gone {
            gone.push(format!("version {version} of {name}"));
            gone.extend(files.iter().flat_map(VersionFiles::names));
        } else if was_begun {
            gone.push(format!(
                "the unfinished upload of version {version} of {name}"
            ));
        } else {
            return Err(self.absent(name, version));
        }
        Ok(Deleted {
            gone,
            left: Vec::new(),
        })
    }

    async fn index(&self) -> Result<Option<IndexFile>> {
        index::read(&self.server).await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        index::put(&self.server, index).await
    }
}

impl Gitea {
    /// Returns the files of a version; None if there is no such version.
    async fn files(&self, name: &str, version: &semver::Version) -> Result<Option<VersionFiles>> {
        if !listing::is_package(name) {
            return Ok(None);
        }
        files::read(&self.server, name, version).await
    }

    /// Returns whether the last file of a version was published.
    async fn is_whole(&self, name: &str, version: &semver::Version) -> Result<bool> {
        let what = format!("check version {version} of {name}");
        let file = files::Files::of(name, version).configuration();
        let url = self.server.file(name, &version.to_string(), &file);
        let found = self.server.found(&what, Call::get(url)).await?;
        Ok(found.is_some())
    }

    fn half(&self, name: &str, version: &semver::Version, file: &str) -> Error {
        Error::Broken {
            repository: self.server.id.clone(),
            what: format!("version {version} of {name}"),
            why: format!(
                "file {file} is missing: the upload was interrupted or is in progress, or this is an unrelated generic package"
            ),
            hint: "publish the version again with --force, or delete it".to_owned(),
        }
    }
}
