//! Where things are. Names and versions come from strangers: a path is made only of what was looked at, so
//! none leaves the root.

use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::manifest::{Kind, name};

use super::error::CacheError;

/// What describes an entry; who renames it into its folder makes the entry.
pub(super) const ENTRY: &str = "entry.json";
/// The manifest, as JSON.
pub(super) const CONFIGURATION: &str = "manifest.json";
/// The manifest of an OCI registry around it, where it came from one.
pub(super) const AROUND: &str = "oci-manifest.json";
/// Signatures, where there are some.
pub(super) const SIGNATURES: &str = "signatures.json";
/// An empty file: its time of change is the last use. `entry.json` never changes with it, so the index knows
/// from its time whether it read this one.
pub(super) const LAST_USED: &str = "last-used";
/// The content, unpacked.
pub(super) const UNPACKED: &str = "unpacked";

/// Types whose packages are kept.
pub(super) const KINDS: [Kind; 4] = [Kind::Record, Kind::Provider, Kind::Taskserv, Kind::Cluster];

/// What servers answered to small questions, to ask only whether it changed.
pub(crate) const ANSWERS: &str = "http";
/// What sources listed lately.
pub(crate) const LISTINGS: &str = "listings";

/// Longest version: that of a tag (distribution-spec, "Pulling manifests"), and a name of a file is longer.
const LONGEST_VERSION: usize = 128;
/// Longest name of a file; most file systems take 255 bytes.
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

    /// Folder of all packages of a type.
    pub(super) fn kind(&self, kind: &Kind) -> Result<PathBuf, CacheError> {
        match kind {
            Kind::Unsupported(name) => Err(CacheError::Kind(name.chars().take(80).collect())),
            kind => Ok(self.extensions().join(kind.name())),
        }
    }

    /// Folder of all versions of a package.
    pub(super) fn package(&self, kind: &Kind, name: &str) -> Result<PathBuf, CacheError> {
        if let Some(why) = name::fault(name) {
            let name = name.chars().take(120).collect();
            return Err(CacheError::Name { name, why });
        }
        Ok(self.kind(kind)?.join(name))
    }

    /// Folder of a version.
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

/// Looks at the name of the content's file, which its maker chose.
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
        "it has 1 to 250 bytes"
    } else if file.contains(['/', '\\']) || file.contains(char::is_control) {
        "it has no separators of paths and no control characters"
    } else if file.starts_with('.') {
        "it does not begin with a dot"
    } else if taken.iter().any(|taken| taken.eq_ignore_ascii_case(file)) {
        "the cache has a file of this name itself"
    } else {
        return Ok(());
    };
    let file = file.chars().take(120).collect();
    Err(CacheError::FileName { file, why })
}
