//! Where packages come from: one trait for every kind of repository.
//!
//! A repository delivers bytes and knows nothing of what is in them (seed 001, section 6.A). What it
//! keeps of a version of a package is a [`Release`]: the configuration (the manifest as JSON), the content,
//! sometimes a document, and signatures. Everything that judges stands above: trust, the cache, the catalog.
//!
//! The set of kinds is closed: a new one is a file here.

mod around;
mod download;
mod error;
pub mod folder;
pub mod gitea;
mod layout;
pub mod maven;
pub mod mirrored;
pub mod oci;
mod origin;
mod sink;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use around::Around;
pub use error::Error;
pub use sink::Sink;

use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::signature::Signature;

/// What an answer of a repository is, or why there is none.
pub type Result<T> = std::result::Result<T, Error>;

/// A repository of packages.
#[async_trait]
pub trait Repository: Send + Sync + std::fmt::Debug {
    /// Its name in the configuration.
    fn id(&self) -> &str;

    /// What kind it is.
    fn kind(&self) -> Kind;

    /// Where it is, for people: a path or an address, without credentials.
    fn place(&self) -> String;

    /// Asks what it can do. What nobody can know before trying is true.
    async fn probe(&self) -> Result<Capabilities>;

    /// Names of packages, sorted. A text narrows them where the repository can search; one that cannot
    /// gives all.
    async fn names(&self, text: Option<&str>) -> Result<Names>;

    /// Versions of a package, in no order; empty where there is no such package. What is no semantic version
    /// is left out.
    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>>;

    /// Whether a version of a package is there (seed 003, "exists").
    ///
    /// # Errors
    /// When the repository does not answer.
    async fn exists(&self, name: &str, version: &semver::Version) -> Result<bool> {
        match self.versions(name).await {
            Ok(versions) => Ok(versions.contains(version)),
            // A folder that publishing makes.
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What it keeps of one version, without its content.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it has no such version.
    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release>;

    /// The document of a release. Its content is not fetched for it.
    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>>;

    /// Signatures of a release, whoever made them.
    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>>;

    /// Brings the content of a release. A sink that has some of it already is continued where the repository
    /// can, else begun anew. The digest is checked against that of the release, where it says one.
    async fn fetch(&self, release: &Release, sink: &mut Sink<'_>) -> Result<()>;

    /// Publishes a version, and its document.
    ///
    /// # Errors
    /// [`Error::Exists`] where it is there already and `force` is not set; also if somebody else was faster.
    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release>;

    /// Adds a signature to a release. The same one a second time changes nothing.
    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()>;

    /// Deletes a version with its document and its signatures, as far as the repository lets anybody.
    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted>;

    /// The index of its packages, where somebody put one there.
    async fn index(&self) -> Result<Option<IndexFile>>;

    /// The index that the next one comes after: its own, and not what a copy has of it.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn own_index(&self) -> Result<Option<IndexFile>> {
        self.index().await
    }

    /// Puts an index in the place of the one that is there.
    async fn put_index(&self, index: &IndexFile) -> Result<()>;

    /// Extensions of the protocol that it advertises. Only OCI has such.
    async fn extensions(&self) -> Extensions {
        Extensions::default()
    }

    /// What was noticed since the last time, and hindered nothing: what a server says beside its answers, what was
    /// passed over. Each names the repository, and comes once.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A kind of repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A folder of this machine.
    Folder,
    /// A Maven repository, in a folder or over HTTP.
    Maven,
    /// An OCI registry.
    Oci,
    /// Generic packages of Gitea or Forgejo.
    Gitea,
}

impl Kind {
    /// Its name in configuration and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Maven => "maven",
            Self::Oci => "oci",
            Self::Gitea => "gitea",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a repository can do, as it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of its own"
)]
pub struct Capabilities {
    /// Names can be listed.
    pub list: bool,
    /// The repository searches by itself.
    pub search: bool,
    /// Versions can be published.
    pub publish: bool,
    /// Versions can be deleted.
    pub delete: bool,
    /// A transfer can go on where it was cut.
    pub resume: bool,
    /// Signatures are found by the referrers interface.
    pub referrers: bool,
}

/// Extensions of the protocol that a registry and its repositories advertise, `_oci/ext/discover`.
#[derive(Debug, Default)]
pub struct Extensions {
    /// All that were found. Each says where.
    pub found: Vec<Extension>,
    /// Who did not say, and why: a repository; None is the whole registry.
    pub failures: Vec<(Option<String>, Error)>,
}

impl Extensions {
    /// Adds what one of them answered.
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
    /// Its name: `_zot`.
    pub name: String,
    /// Where it is described, if that is an address of the web.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Paths from the root of the server: `/v2/_zot/ext/search`.
    pub endpoints: Vec<String>,
    /// The repository that answers so; None is the whole registry.
    pub repository: Option<String>,
}

/// Names of packages, and how they were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The names, sorted.
    pub names: Vec<String>,
    /// The way that was taken.
    pub way: Way,
    /// What is there and cannot be read, in words. It hides nothing else.
    pub faults: Vec<String>,
}

/// A way to find packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The repository searched, by an extension that it advertises or an interface of its own.
    Search,
    /// An index that somebody put there.
    Index,
    /// A list of everything: `_catalog`, folders.
    Catalog,
    /// Names that the configuration says.
    Named,
}

impl Way {
    /// Its name in output.
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

/// A version of a package, as a repository keeps it: all but its bytes.
#[derive(Clone, Debug)]
pub struct Release {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
    /// What describes it.
    pub description: Description,
    /// Its content.
    pub content: Blob,
    /// Its document, where there is one.
    pub document: Option<Blob>,
    /// Where it is in this repository: a path, a reference with digest.
    pub locator: String,
    /// The manifest around it, in an OCI registry.
    pub manifest: Option<Around>,
    /// When it was published, where the repository says so (RFC 3339).
    pub published: Option<String>,
}

/// What describes a release.
#[derive(Clone, Debug)]
pub enum Description {
    /// The configuration of a package of ours: JSON that `manifest::read` reads, with its digest.
    Configuration {
        /// The JSON, as it is stored.
        bytes: Vec<u8>,
        /// Its digest.
        digest: Digest,
    },
    /// A package that was made for something else: what the repository itself says of it, as a POM does.
    Foreign(Box<Manifest>),
}

/// Bytes that a repository keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob {
    /// Their digest, as the repository says it.
    pub digest: Option<Digest>,
    /// How many there are.
    pub size: Option<u64>,
    /// Name of the file, where the repository has files.
    pub file: Option<String>,
}

/// What is published: made of a folder by `package::build`.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
    /// The manifest, for repositories that say some of it in a form of their own (annotations, a POM).
    pub manifest: Manifest,
    /// The manifest as JSON.
    pub configuration: Vec<u8>,
    /// A file with the content.
    pub content: std::path::PathBuf,
    /// Digest of the content.
    pub digest: Digest,
    /// Bytes of the content.
    pub size: u64,
    /// The document.
    pub document: Option<Document>,
}

/// A text about a package that is read without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub bytes: Vec<u8>,
    /// How it is written.
    pub format: DocumentFormat,
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    /// `CommonMark`.
    Markdown,
    /// `AsciiDoc` (seed 001, section 6.B).
    AsciiDoc,
}

impl DocumentFormat {
    /// Ending of a file, without a dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::AsciiDoc => "adoc",
        }
    }

    /// Its media type (RFC 7763 for Markdown).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::AsciiDoc => "text/asciidoc",
        }
    }
}

/// What a deletion left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// What was deleted, in words.
    pub gone: Vec<String>,
    /// What is still there, and why.
    pub left: Vec<String>,
}

/// An index of packages, with its signatures. Its bytes are read by `index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// The JSON.
    pub bytes: Vec<u8>,
    /// Signatures over these bytes: their payload is the JSON itself.
    pub signatures: Vec<Signature>,
}
