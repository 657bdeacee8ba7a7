//! What the cache knows of a version: `entry.json`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::manifest::Kind;
use crate::repository::DocumentFormat;

use super::place::{self, AROUND, CONFIGURATION, ENTRY, UNPACKED};

/// The form of `entry.json`. One of another form is not read.
const FORM: u32 = 2;
/// More bytes than any entry has.
const LONGEST: u64 = 1 << 20;

/// A version of a package in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its type.
    pub kind: Kind,
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Id of the repository that it came from.
    pub repository: String,
    /// Where it was there.
    pub locator: String,
    /// The manifest around it, if it came from an OCI registry.
    pub manifest: Option<Stored>,
    /// Its content.
    pub content: Stored,
    /// The manifest as JSON.
    pub configuration: Stored,
    /// Whether the package was made for something else: its configuration was then made here, of what the
    /// repository said, and nobody signed it.
    pub is_foreign: bool,
    /// Its document, where there is one.
    pub document: Option<Stored>,
    /// Names of the keys that it was trusted for when it was stored.
    pub trusted_by: Vec<String>,
    /// When it was published, where the repository said so (RFC 3339).
    pub published: Option<String>,
    /// When it was stored.
    pub stored: Timestamp,
    pub(super) folder: PathBuf,
}

/// A file of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its name in the folder of the entry.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

impl Entry {
    /// Its folder: `extensions/{type}/{name}/{version}` (R47).
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its content. [`Cache::verify`](super::Cache::verify) reads whether it is what was stored.
    #[must_use]
    pub fn content_path(&self) -> PathBuf {
        self.folder.join(&self.content.file)
    }

    /// The manifest as JSON.
    #[must_use]
    pub fn configuration_path(&self) -> PathBuf {
        self.folder.join(&self.configuration.file)
    }

    /// Digest of the configuration, where it is one of ours and not one that was made here.
    #[must_use]
    pub fn own_configuration(&self) -> Option<Digest> {
        (!self.is_foreign).then_some(self.configuration.digest)
    }

    /// Digest of the document, where there is one.
    #[must_use]
    pub fn document_digest(&self) -> Option<Digest> {
        self.document.as_ref().map(|document| document.digest)
    }

    /// The manifest around it, if it came from an OCI registry.
    #[must_use]
    pub fn around_path(&self) -> Option<PathBuf> {
        let manifest = self.manifest.as_ref()?;
        Some(self.folder.join(&manifest.file))
    }

    /// Its document, where there is one.
    #[must_use]
    pub fn document_path(&self) -> Option<PathBuf> {
        let document = self.document.as_ref()?;
        Some(self.folder.join(&document.file))
    }

    /// How its document is written.
    #[must_use]
    pub fn document_format(&self) -> Option<DocumentFormat> {
        let document = self.document.as_ref()?;
        [DocumentFormat::Markdown, DocumentFormat::AsciiDoc]
            .into_iter()
            .find(|format| document_file(*format) == document.file)
    }

    /// Whether its content is unpacked already.
    #[must_use]
    pub fn is_unpacked(&self) -> bool {
        self.folder.join(UNPACKED).is_dir()
    }

    /// Bytes of its files, as if nothing was shared and nothing unpacked.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files().map(|file| file.size).sum()
    }

    /// Its files, whose digests are known.
    pub(super) fn files(&self) -> impl Iterator<Item = &Stored> {
        [&self.content, &self.configuration]
            .into_iter()
            .chain(&self.document)
            .chain(&self.manifest)
    }

    /// Whether another one has the same files.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.files().eq(other.files())
    }
}

/// Name of the document's file.
pub(super) fn document_file(format: DocumentFormat) -> String {
    format!("docs.{}", format.ending())
}

/// Which version of which package: the path of an entry, before anybody read what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Type.
    pub kind: Kind,
    /// Name.
    pub name: String,
    /// Version.
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

/// An entry as it is written.
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
    /// The entry of this key, in this folder; else what is wrong with it. What is written on the disk may have
    /// been changed there, so it is looked at like what comes from elsewhere.
    pub(super) fn entry(self, key: &Key, folder: &Path) -> Result<Entry, String> {
        if self.form != FORM {
            return Err(format!("it is of form {}, and this is {FORM}", self.form));
        }
        let is_its_place = self.kind == key.kind.name()
            && self.name == key.name
            && self.version == key.version.to_string();
        if !is_its_place {
            let what = format!("{} {} {}", self.kind, self.name, self.version);
            let what: String = what.chars().take(250).collect();
            return Err(format!("it describes {what}"));
        }
        place::content_file(&self.content.file).map_err(|error| error.to_string())?;
        if self.configuration.file != CONFIGURATION {
            return Err("its configuration is another file".to_owned());
        }
        if (self.manifest.as_ref()).is_some_and(|manifest| manifest.file != AROUND) {
            return Err("the manifest around it is another file".to_owned());
        }
        let is_document = |file: &str| {
            [DocumentFormat::Markdown, DocumentFormat::AsciiDoc]
                .into_iter()
                .any(|format| document_file(format) == file)
        };
        if (self.document.as_ref()).is_some_and(|document| !is_document(&document.file)) {
            return Err("its document is another file".to_owned());
        }
        let stored = (self.stored.parse())
            .map_err(|_| "the time at which it was stored is none".to_owned())?;
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

/// What was found where an entry belongs.
pub(super) enum Found {
    /// It.
    Entry(Box<Entry>),
    /// Nothing.
    Nothing,
    /// Something else, and why.
    Broken(String),
}

/// Reads the entry of a key.
///
/// Somebody may put another one in its place meanwhile: what looks broken is looked at a second time.
pub(super) fn read(
    key: &Key,
    folder: &Path,
    check: impl Fn(&Entry) -> Result<(), String>,
) -> Found {
    let mut found = attempt(key, folder, &check);
    if matches!(found, Found::Broken(_)) {
        found = attempt(key, folder, &check);
    }
    found
}

fn attempt(key: &Key, folder: &Path, check: impl Fn(&Entry) -> Result<(), String>) -> Found {
    let text = match text(&folder.join(ENTRY)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if folder.symlink_metadata().is_err() {
                return Found::Nothing;
            }
            return Found::Broken(format!("it has no {ENTRY}"));
        }
        Err(error) => return Found::Broken(format!("{ENTRY} cannot be read: {error}")),
    };
    let row: Row = match serde_json::from_slice(&text) {
        Ok(row) => row,
        Err(error) => return Found::Broken(format!("{ENTRY} is none: {error}")),
    };
    match row.entry(key, folder) {
        Ok(entry) => match check(&entry) {
            Ok(()) => Found::Entry(Box::new(entry)),
            Err(why) => Found::Broken(why),
        },
        Err(why) => Found::Broken(format!("{ENTRY}: {why}")),
    }
}

fn text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// Whether the files of an entry are as long as they were. That costs no reading.
pub(super) fn has_its_sizes(entry: &Entry) -> Result<(), String> {
    for file in entry.files() {
        let size = match fs::metadata(entry.folder.join(&file.file)) {
            Ok(found) => found.len(),
            Err(error) => return Err(format!("{}: {error}", file.file)),
        };
        if size != file.size {
            return Err(format!(
                "{} has {size} bytes where {} were stored",
                file.file, file.size
            ));
        }
    }
    Ok(())
}
