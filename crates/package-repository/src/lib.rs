//! Repositories of packages: one trait for all kinds.
//!
//! A repository delivers bytes and does not interpret them. What it stores of a version of a package is a
//! [`Release`]: the configuration (the manifest as JSON), the content, optionally a document, and signatures.
//! Trust, caching and selection belong to the layers above.
//!
//! The set of kinds is closed: a new kind is a new module here.
//!
//! ```text
//! Repository ──> folder, maven, oci, gitea; mirrored wraps one
//!     └──release──> Release ──Spec::of──> Spec: the metadata, without the content
//! ```

mod download;
mod error;
pub mod folder;
mod found;
pub mod gitea;
pub mod maven;
pub mod mirrored;
pub mod oci;
mod oci_manifest;
mod origin;
pub mod spec;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use error::Error;
pub use oci_manifest::OciManifest;

pub use extension_registry_package_format::upload::{Document, DocumentFormat, Upload};
pub use extension_registry_package_transport::partial_download::PartialDownload;
pub use extension_registry_package_trust::signature::IndexFile;

use extension_registry_core::diagnostic::Note;
use extension_registry_core::listed;
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::Manifest;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_trust::signature::Signature;

/// Result of an operation of a repository.
pub type Result<T> = std::result::Result<T, Error>;

/// A repository of packages.
#[async_trait]
pub trait Repository: Send + Sync + std::fmt::Debug {
    /// Returns its name in the configuration.
    fn id(&self) -> &str;

    /// Returns its kind.
    fn kind(&self) -> Kind;

    /// Returns its location for display: a path or an address, without credentials.
    fn place(&self) -> String;

    /// Queries its capabilities. A capability that is only known by trying is reported as true.
    async fn probe(&self) -> Result<Capabilities>;

    /// Lists names of packages, sorted. A repository that can search filters them by the text; others return
    /// all.
    async fn names(&self, text: Option<&str>) -> Result<Names>;

    /// Lists the versions of a package, unordered; empty if there is no such package. Names that are not
    /// semantic versions are skipped.
    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>>;

    /// Returns whether a version of a package exists.
    ///
    /// # Errors
    /// Returns an error if the repository cannot be queried.
    async fn exists(&self, name: &str, version: &semver::Version) -> Result<bool> {
        match self.versions(name).await {
            Ok(versions) => Ok(versions.contains(version)),
            // The folder is created by the first publish.
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads a version without its content.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such version.
    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release>;

    /// Reads the document of a release without fetching its content.
    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>>;

    /// Reads all signatures of a release.
    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>>;

    /// Reads the manifests that refer to a release, as stored. Only OCI registries have any.
    ///
    /// # Errors
    /// Returns an error if the repository cannot be queried.
    async fn referrers(&self, _release: &Release) -> Result<Vec<Referrer>> {
        Ok(Vec::new())
    }

    /// Downloads a blob that the manifest of a release, or of a referrer, names. Only OCI registries have manifests.
    ///
    /// # Errors
    /// Returns an error if there is no such blob, or it has another digest or size.
    async fn blob(
        &self,
        release: &Release,
        (digest, _size): (Digest, u64),
        _partial_download: &mut PartialDownload<'_>,
    ) -> Result<()> {
        Err(Error::NotFound {
            repository: self.id().to_owned(),
            what: format!("{} of {}", digest.oci(), release.name),
            hint: String::new(),
        })
    }

    /// Downloads the content of a release. A partial download is resumed if the repository supports it, or
    /// restarted. The digest is checked against that of the release, if it has one.
    async fn fetch(
        &self,
        release: &Release,
        partial_download: &mut PartialDownload<'_>,
    ) -> Result<()>;

    /// Publishes a version with its document.
    ///
    /// # Errors
    /// Returns [`Error::Exists`] if it exists and `force` is not set, also if another publisher was faster.
    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release>;

    /// Adds a signature to a release. Adding the same one again changes nothing.
    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()>;

    /// Deletes a version with its document and its signatures, as far as the repository permits.
    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted>;

    /// Reads the index of its packages, if one was published.
    async fn index(&self) -> Result<Option<IndexFile>>;

    /// Reads the index that the next one must succeed: its own, not that of a mirror.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    async fn own_index(&self) -> Result<Option<IndexFile>> {
        self.index().await
    }

    /// Publishes an index, replacing the previous one.
    async fn put_index(&self, index: &IndexFile) -> Result<()>;

    /// Lists the protocol extensions that it advertises. Only OCI registries have any.
    async fn extensions(&self) -> Extensions {
        Extensions::default()
    }

    /// Drains the warnings recorded since the last call, such as deprecation notices of the server and skipped
    /// entries. Each names the repository and is reported once.
    fn warnings(&self) -> Vec<Note> {
        Vec::new()
    }
}

listed! {
    /// A kind of repository.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Kind {
        /// An OCI registry.
        Oci,
        /// Generic packages of Gitea or Forgejo.
        Gitea,
        /// A Maven repository, in a folder or over HTTP.
        Maven,
        /// A local folder.
        Folder,
    }
}

impl Kind {
    /// Returns its name in configuration and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Oci => "oci",
            Self::Gitea => "gitea",
            Self::Maven => "maven",
            Self::Folder => "folder",
        }
    }

    /// Returns the kind of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Capabilities that a repository reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent capability"
)]
pub struct Capabilities {
    /// Names can be listed.
    pub list: bool,
    /// The repository supports search.
    pub search: bool,
    /// Versions can be published.
    pub publish: bool,
    /// Versions can be deleted.
    pub delete: bool,
    /// Interrupted transfers can be resumed.
    pub resume: bool,
    /// Signatures are found by the referrers API.
    pub referrers: bool,
}

/// Protocol extensions that a registry and its repositories advertise at `_oci/ext/discover`.
#[derive(Debug, Default)]
pub struct Extensions {
    /// All extensions that were found.
    pub found: Vec<Extension>,
    /// Failed queries and their errors: of a repository, or None for the whole registry.
    pub failures: Vec<(Option<String>, Error)>,
}

impl Extensions {
    /// Adds the result of one query.
    fn add(&mut self, place: Option<String>, outcome: Result<Vec<Extension>>) {
        match outcome {
            Ok(found) => self.found.extend(found),
            Err(error) => self.failures.push((place, error)),
        }
    }
}

/// An extension of the OCI protocol (distribution-spec, "extensions/_oci.md").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// Name of the extension: `_zot`.
    pub name: String,
    /// Address of its documentation, if it is a web address.
    pub url: String,
    /// Short description.
    pub description: String,
    /// Paths from the root of the server: `/v2/_zot/ext/search`.
    pub endpoints: Vec<String>,
    /// The repository that advertises it; None for the whole registry.
    pub repository: Option<String>,
}

/// Names of packages, and how they were discovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The names, sorted.
    pub names: Vec<String>,
    /// The discovery method.
    pub method: DiscoveryMethod,
    /// Warnings about entries that cannot be read; they do not hide others.
    pub faults: Vec<Note>,
}

/// How packages are discovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiscoveryMethod {
    /// Server-side search, by an advertised extension or an API of the server.
    Search,
    /// A published index.
    Index,
    /// A full listing: `_catalog`, folders.
    Catalog,
    /// Names from the configuration.
    Named,
}

impl DiscoveryMethod {
    /// Returns its name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Index => "index",
            Self::Catalog => "catalog",
            Self::Named => "named",
        }
    }
}

/// A version of a package in a repository, without its content.
#[derive(Clone, Debug)]
pub struct Release {
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: semver::Version,
    /// Description of the package.
    pub description: Description,
    /// Content of the package.
    pub content: Blob,
    /// Document of the package.
    pub document: Option<Blob>,
    /// Location in this repository: a path, or a reference with a digest.
    pub locator: String,
    /// Its manifest, in an OCI registry.
    pub manifest: Option<OciManifest>,
    /// Publication time, if the repository reports it (RFC 3339).
    pub published: Option<String>,
}

/// A manifest that refers to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The manifest, as received.
    pub manifest: OciManifest,
    /// Its tag. The classic signatures of cosign are found by their tag only.
    pub tag: Option<String>,
    /// Whether its type is that of a signature.
    pub is_signature: bool,
}

/// Description of a release.
#[derive(Clone, Debug)]
pub enum Description {
    /// The configuration of a native package: JSON for `manifest::read`, with its digest.
    Configuration {
        /// The JSON, as stored.
        bytes: Vec<u8>,
        /// Digest of the JSON.
        digest: Digest,
    },
    /// A foreign package, described by metadata of the repository such as a POM.
    Foreign(Box<Manifest>),
}

/// A file or blob of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob {
    /// Digest, as reported by the repository.
    pub digest: Option<Digest>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Name of the file, if the repository stores files.
    pub file: Option<String>,
}

/// Result of a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// What was deleted, for display.
    pub gone: Vec<String>,
    /// What could not be deleted, and why.
    pub left: Vec<Note>,
}
