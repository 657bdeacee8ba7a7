//! Names of the files that a version of a package is kept in, wherever a repository has files: folders, Maven,
//! generic packages of Gitea.
//!
//! ```text
//! NAME-VERSION.tar.gz                     content; a template that is one file has `.yaml`
//! NAME-VERSION.json                       configuration: the manifest as JSON
//! NAME-VERSION.pom                        what Maven reads; folders and Maven alone
//! NAME-VERSION-docs.md                    document, or `.adoc`
//! NAME-VERSION.statement.json             what is signed
//! NAME-VERSION.statement.json.1.minisig   its signatures, from 1
//! ```
//!
//! In folders and Maven each file has its checksums beside it: `.md5`, `.sha1`, `.sha256`.

pub(super) mod checksum;
pub(super) mod found;
pub(super) mod metadata;
pub(super) mod pom;
pub(super) mod range;
pub(super) mod xml;

use crate::manifest::Packaging;
use crate::repository::DocumentFormat;

/// The index of a repository. Its signatures have the name that [`signature`] gives.
pub(super) const INDEX: &str = "index.json";
/// The longest index that is read.
pub(super) const INDEX_LONGEST: u64 = 64 << 20;
/// The longest configuration that is read.
pub(super) const CONFIGURATION: u64 = 4 << 20;
/// The longest document that is read.
pub(super) const DOCUMENT: u64 = 16 << 20;
/// The longest statement or signature that is read.
pub(super) const SIGNATURE: u64 = 64 << 10;
/// Endings of contents that this program unpacks.
pub(super) const CONTENTS: [&str; 2] = ["tar.gz", "yaml"];
/// How many signatures are looked for. More are none of ours.
pub(super) const SIGNATURES: usize = 100;

/// The names of the files of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    stem: String,
}

impl Files {
    /// Of this version. The version stands in names as it is, `+` too.
    pub(super) fn of(name: &str, version: &semver::Version) -> Self {
        Self {
            stem: format!("{name}-{version}"),
        }
    }

    /// The content, with an [`ending`].
    pub(super) fn content(&self, ending: &str) -> String {
        format!("{}.{ending}", self.stem)
    }

    /// The manifest as JSON.
    pub(super) fn configuration(&self) -> String {
        format!("{}.json", self.stem)
    }

    /// The POM.
    pub(super) fn pom(&self) -> String {
        format!("{}.pom", self.stem)
    }

    /// The document.
    pub(super) fn document(&self, format: DocumentFormat) -> String {
        format!("{}-docs.{}", self.stem, format.ending())
    }

    /// What is signed.
    pub(super) fn statement(&self) -> String {
        format!("{}.statement.json", self.stem)
    }

    /// Its signatures, one number each, from 1.
    pub(super) fn signature(&self, number: usize) -> String {
        signature(&self.statement(), number)
    }

    /// Which of these files are a content: what has the name of the version, and is none of the others. The forms
    /// that this program unpacks come first.
    pub(super) fn contents<'l>(&self, list: &'l [String]) -> Vec<&'l str> {
        let mut contents: Vec<&str> = list
            .iter()
            .map(String::as_str)
            .filter(|file| self.ending_of(file).is_some_and(is_content))
            .collect();
        let first = CONTENTS.map(|ending| self.content(ending));
        contents.sort_by_key(|file| {
            first
                .iter()
                .position(|one| one == file)
                .unwrap_or(first.len())
        });
        contents
    }

    /// How the name of a file ends, after that of the version and a dot.
    pub(super) fn ending_of<'f>(&self, file: &'f str) -> Option<&'f str> {
        let ending = file.strip_prefix(&self.stem)?.strip_prefix('.')?;
        is_word(ending).then_some(ending)
    }
}

/// Whether a file with this ending can be a content, and none of the other files of a version.
pub(super) fn is_content(ending: &str) -> bool {
    let last = ending.rsplit('.').next().unwrap_or_default();
    is_word(ending)
        && !ending.starts_with("statement.")
        && !matches!(last, "json" | "pom" | "minisig" | "asc")
        && !matches!(last, "md5" | "sha1" | "sha256" | "sha512")
}

/// Whether a file can be one of a version.
pub(super) fn is_file_of(file: &str, name: &str, version: &semver::Version) -> bool {
    is_word_of(file, 512) && file.starts_with(&Files::of(name, version).stem)
}

/// The numbers of the signatures of a file, sorted.
pub(super) fn signature_numbers(file: &str, list: &[String]) -> Vec<usize> {
    let number = |name: &String| {
        let rest = name.strip_prefix(file)?.strip_prefix('.')?;
        let number: usize = rest.strip_suffix(".minisig")?.parse().ok()?;
        (signature(file, number) == *name && (1..=SIGNATURES).contains(&number)).then_some(number)
    };
    let mut numbers: Vec<usize> = list.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// The signatures of a file, one number each, from 1.
pub(super) fn signature(file: &str, number: usize) -> String {
    format!("{file}.{number}.minisig")
}

/// How the name of a content ends, without the dot.
pub(super) fn ending(packaging: &Packaging) -> &str {
    match packaging {
        Packaging::Bundle => "tar.gz",
        Packaging::Template => "yaml",
        Packaging::Unsupported(name) if is_word(name) => name,
        Packaging::Unsupported(_) => "bin",
    }
}

/// Whether a text can be a part of a path as it is, on every system and in every address. It begins with no dot, so
/// it is neither hidden nor a way up.
pub(super) fn is_word(text: &str) -> bool {
    is_word_of(text, 128)
}

fn is_word_of(text: &str, longest: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    !text.is_empty()
        && text.len() <= longest
        && !text.starts_with('.')
        && text.bytes().all(is_plain)
}
