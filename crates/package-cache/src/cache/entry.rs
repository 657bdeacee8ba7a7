//! Metadata of a version in the cache: `entry.json`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_format::upload::DocumentFormat;

use super::files::is_missing;
use super::layout::{self, CONFIGURATION, ENTRY, OCI_MANIFEST, UNPACKED};

/// Format version of `entry.json`. Other versions are not read.
const FORM: u32 = 2;
/// Maximum size of `entry.json`.
const LONGEST: u64 = 1 << 20;

/// A version of a package in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type of the package.
    pub kind: Kind,
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: Version,
    /// Repository that it was fetched from.
    pub repository: String,
    /// Location in the repository.
    pub locator: String,
    /// Its OCI manifest, if it came from an OCI registry.
    pub manifest: Option<Stored>,
    /// The content.
    pub content: Stored,
    /// The manifest as JSON.
    pub configuration: Stored,
    /// Whether the package is foreign: its configuration was generated from repository metadata, and is not
    /// signed.
    pub is_foreign: bool,
    /// The document.
    pub document: Option<Stored>,
    /// Names of the keys that were trusted when it was stored.
    pub trusted_by: Vec<String>,
    /// Publication time, if the repository reported it (RFC 3339).
    pub published: Option<String>,
    /// Time at which it was stored.
    pub stored: Timestamp,
    pub(super) folder: PathBuf,
}

/// A file of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Name in the folder of the entry.
    pub file: String,
    /// Digest of the file.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
}

impl Entry {
    /// Returns its folder: `extensions/{type}/{name}/{version}`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of its content. [`Cache::verify`](super::Cache::verify) checks that it is unchanged.
    #[must_use]
    pub fn content_path(&self) -> PathBuf {
        self.folder.join(&self.content.file)
    }

    /// Returns the path of the manifest as JSON.
    #[must_use]
    pub fn configuration_path(&self) -> PathBuf {
        self.folder.join(&self.configuration.file)
    }

    /// Returns the digest of the configuration, unless it was generated for a foreign package.
    #[must_use]
    pub fn own_configuration(&self) -> Option<Digest> {
        (!self.is_foreign).then_some(self.configuration.digest)
    }

    /// Returns the digest of the document.
    #[must_use]
    pub fn document_digest(&self) -> Option<Digest> {
        self.document.as_ref().map(|document| document.digest)
    }

    /// Returns the path of the OCI manifest, if it came from an OCI registry.
    #[must_use]
    pub fn oci_manifest_path(&self) -> Option<PathBuf> {
        let manifest = self.manifest.as_ref()?;
        Some(self.folder.join(&manifest.file))
    }

    /// Returns the path of the document.
    #[must_use]
    pub fn document_path(&self) -> Option<PathBuf> {
        let document = self.document.as_ref()?;
        Some(self.folder.join(&document.file))
    }

    /// Returns the format of the document.
    #[must_use]
    pub fn document_format(&self) -> Option<DocumentFormat> {
        let document = self.document.as_ref()?;
        [DocumentFormat::Markdown, DocumentFormat::AsciiDoc]
            .into_iter()
            .find(|format| document_file(*format) == document.file)
    }

    /// Returns whether its content is already unpacked.
    #[must_use]
    pub fn is_unpacked(&self) -> bool {
        self.folder.join(UNPACKED).is_dir()
    }

    /// Returns the total size of its files, without accounting for sharing and unpacked content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files().map(|file| file.size).sum()
    }

    /// Iterates over its files with known digests.
    pub(super) fn files(&self) -> impl Iterator<Item = &Stored> {
        [&self.content, &self.configuration]
            .into_iter()
            .chain(&self.document)
            .chain(&self.manifest)
    }

    /// Returns whether another entry has the same files.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.files().eq(other.files())
    }
}

/// Returns the file name of the document.
pub(super) fn document_file(format: DocumentFormat) -> String {
    format!("docs.{}", format.ending())
}

/// Key of an entry: type, name and version, which determine its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Type of the package.
    pub kind: Kind,
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: Version,
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} {} {}",
            self.kind.name(),
            self.name,
            self.version
        )
    }
}

/// Serialized form of an entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    form: u32,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    version: String,
    repository: String,
    locator: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<Stored>,
    content: Stored,
    configuration: Stored,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    foreign: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<Stored>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    trusted_by: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    stored: String,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        Self {
            form: FORM,
            kind: entry.kind.name().to_owned(),
            name: entry.name.clone(),
            version: entry.version.to_string(),
            repository: entry.repository.clone(),
            locator: entry.locator.clone(),
            manifest: entry.manifest.clone(),
            content: entry.content.clone(),
            configuration: entry.configuration.clone(),
            foreign: entry.is_foreign,
            document: entry.document.clone(),
            trusted_by: entry.trusted_by.clone(),
            published: entry.published.clone(),
            stored: entry.stored.to_string(),
        }
    }
}

impl Row {
    /// Converts to the entry of this key, in this folder. Files on disk may have been modified, so they are
    /// validated like untrusted input.
    pub(super) fn entry(self, key: &Key, folder: &Path) -> Result<Entry, String> {
        if self.form != FORM {
            return Err(format!(
                "unsupported format version {}: expected {FORM}",
                self.form
            ));
        }
        let is_its_place = self.kind == key.kind.name()
            && self.name == key.name
            && self.version == key.version.to_string();
        if !is_its_place {
            let what = format!("{} {} {}", self.kind, self.name, self.version);
            let what: String = what.chars().take(250).collect();
            return Err(format!("it describes {what}"));
        }
        layout::content_file(&self.content.file).map_err(|error| error.to_string())?;
        if self.configuration.file != CONFIGURATION {
            return Err("unexpected file name for the configuration".to_owned());
        }
        if (self.manifest.as_ref()).is_some_and(|manifest| manifest.file != OCI_MANIFEST) {
            return Err("unexpected file name for the OCI manifest".to_owned());
        }
        let is_document = |file: &str| {
            [DocumentFormat::Markdown, DocumentFormat::AsciiDoc]
                .into_iter()
                .any(|format| document_file(format) == file)
        };
        if (self.document.as_ref()).is_some_and(|document| !is_document(&document.file)) {
            return Err("unexpected file name for the document".to_owned());
        }
        let stored = (self.stored.parse()).map_err(|_| "invalid `stored` timestamp".to_owned())?;
        Ok(Entry {
            kind: key.kind.clone(),
            name: self.name,
            version: key.version.clone(),
            repository: self.repository,
            locator: self.locator,
            manifest: self.manifest,
            content: self.content,
            configuration: self.configuration,
            is_foreign: self.foreign,
            document: self.document,
            trusted_by: self.trusted_by,
            published: self.published,
            stored,
            folder: folder.to_owned(),
        })
    }
}

/// Result of reading an entry.
pub(super) enum ReadResult {
    /// A valid entry.
    Entry(Box<Entry>),
    /// No entry.
    Nothing,
    /// A corrupt entry, and the cause.
    Broken(String),
}

/// Reads the entry of a key.
///
/// The entry may be replaced concurrently, so a seemingly corrupt one is read a second time.
pub(super) fn read(
    key: &Key,
    folder: &Path,
    check: impl Fn(&Entry) -> Result<(), String>,
) -> ReadResult {
    let mut found = attempt(key, folder, &check);
    if matches!(found, ReadResult::Broken(_)) {
        found = attempt(key, folder, &check);
    }
    found
}

fn attempt(key: &Key, folder: &Path, check: impl Fn(&Entry) -> Result<(), String>) -> ReadResult {
    let text = match text(&folder.join(ENTRY)) {
        Ok(text) => text,
        Err(error) if is_missing(&error) => {
            if folder.symlink_metadata().is_err() {
                return ReadResult::Nothing;
            }
            return ReadResult::Broken(format!("missing {ENTRY}"));
        }
        Err(error) => return ReadResult::Broken(format!("failed to read {ENTRY}: {error}")),
    };
    let row: Row = match serde_json::from_slice(&text) {
        Ok(row) => row,
        Err(error) => return ReadResult::Broken(format!("invalid {ENTRY}: {error}")),
    };
    match row.entry(key, folder) {
        Ok(entry) => match check(&entry) {
            Ok(()) => ReadResult::Entry(Box::new(entry)),
            Err(why) => ReadResult::Broken(why),
        },
        Err(why) => ReadResult::Broken(format!("{ENTRY}: {why}")),
    }
}

fn text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// Checks the sizes of the files of an entry, without reading them.
pub(super) fn check_sizes(entry: &Entry) -> Result<(), String> {
    for file in entry.files() {
        let size = match fs::metadata(entry.folder.join(&file.file)) {
            Ok(found) => found.len(),
            Err(error) => return Err(format!("{}: {error}", file.file)),
        };
        if size != file.size {
            return Err(format!(
                "size mismatch for {}: got {size} bytes, expected {}",
                file.file, file.size
            ));
        }
    }
    Ok(())
}
