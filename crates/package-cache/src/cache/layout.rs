//! Paths of the cache. Names and versions are untrusted: paths are built only from validated parts, so none
//! leaves the root.

use std::path::{Path, PathBuf};

use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::{Kind, name};

use super::error::CacheError;

/// Metadata of an entry; renaming it into the folder completes the entry.
pub(super) const ENTRY: &str = "entry.json";
/// The manifest as JSON.
pub(super) const CONFIGURATION: &str = "manifest.json";
/// The OCI manifest, for packages from an OCI registry.
pub(super) const OCI_MANIFEST: &str = "oci-manifest.json";
/// The signatures.
pub(super) const SIGNATURES: &str = "signatures.json";
/// An empty file whose mtime is the last use. It is separate from `entry.json`, so that the stamp of the latter
/// stays valid for the index.
pub(super) const LAST_USED: &str = "last-used";
/// The unpacked content.
pub(super) const UNPACKED: &str = "unpacked";

/// Types of packages that are cached.
pub(super) const KINDS: [Kind; 4] = [Kind::Record, Kind::Provider, Kind::Taskserv, Kind::Cluster];

/// Folder of the HTTP cache.
pub const HTTP_CACHE: &str = "http";
/// Folder of cached listings.
pub(crate) const LISTINGS: &str = "listings";

/// Maximum length of a version: that of an OCI tag (distribution-spec, "Pulling manifests").
const LONGEST_VERSION: usize = 128;
/// Maximum length of a file name; most file systems allow 255 bytes.
const LONGEST_FILE: usize = 250;

/// Paths below the root.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn extensions(&self) -> PathBuf {
        self.root.join("extensions")
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        self.blobs().join(digest.to_string())
    }

    pub(super) fn partial(&self) -> PathBuf {
        self.root.join("partial")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.root.join("index.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn last_pruned(&self) -> PathBuf {
        self.root.join("last-pruned")
    }

    /// Returns the folder of all packages of a type.
    pub(super) fn kind(&self, kind: &Kind) -> Result<PathBuf, CacheError> {
        match kind {
            Kind::Unsupported(name) => Err(CacheError::Kind(name.chars().take(80).collect())),
            kind => Ok(self.extensions().join(kind.name())),
        }
    }

    /// Returns the folder of all versions of a package.
    pub(super) fn package(&self, kind: &Kind, name: &str) -> Result<PathBuf, CacheError> {
        if let Some(why) = name::fault(name) {
            let name = name.chars().take(120).collect();
            return Err(CacheError::Name { name, why });
        }
        Ok(self.kind(kind)?.join(name))
    }

    /// Returns the folder of a version.
    pub(super) fn version(
        &self,
        kind: &Kind,
        name: &str,
        version: &semver::Version,
    ) -> Result<PathBuf, CacheError> {
        let package = self.package(kind, name)?;
        let text = version.to_string();
        if text.len() > LONGEST_VERSION {
            return Err(CacheError::Version(text.chars().take(40).collect()));
        }
        Ok(package.join(text))
    }
}

/// Validates the file name of a content, which its publisher chose.
pub(super) fn content_file(file: &str) -> Result<(), CacheError> {
    let taken = [
        ENTRY,
        CONFIGURATION,
        SIGNATURES,
        LAST_USED,
        UNPACKED,
        "docs.md",
        "docs.adoc",
    ];
    let why = if file.is_empty() || file.len() > LONGEST_FILE {
        "must be 1 to 250 bytes long"
    } else if file.contains(['/', '\\']) || file.contains(char::is_control) {
        "must not contain path separators or control characters"
    } else if file.starts_with('.') {
        "must not begin with a dot"
    } else if taken.iter().any(|taken| taken.eq_ignore_ascii_case(file)) {
        "the name is reserved"
    } else {
        return Ok(());
    };
    let file = file.chars().take(120).collect();
    Err(CacheError::FileName { file, why })
}
