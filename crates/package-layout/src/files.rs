//! File names of a version of a package, shared by all repositories that store files: folders, Maven, generic
//! packages of Gitea.
//!
//! ```text
//! NAME-VERSION.tar.gz                     content; `.yaml` for a template that is one file
//! NAME-VERSION.json                       configuration: the manifest as JSON
//! NAME-VERSION.pom                        POM for Maven; folders and Maven only
//! NAME-VERSION-docs.md                    document, or `.adoc`
//! NAME-VERSION.statement.json             signed statement
//! NAME-VERSION.statement.json.1.minisig   its signatures, from 1
//! ```
//!
//! In folders and Maven each file has checksum files: `.md5`, `.sha1`, `.sha256`.

use extension_registry_package_format::manifest::Packaging;
use extension_registry_package_format::upload::DocumentFormat;

/// The index of a repository. Its signatures are named by [`signature`].
pub const INDEX: &str = "index.json";
/// Maximum size of an index.
pub const INDEX_LONGEST: u64 = 64 << 20;
/// Maximum size of a configuration.
pub const CONFIGURATION: u64 = 4 << 20;
/// Maximum size of a document.
pub const DOCUMENT: u64 = 16 << 20;
/// Maximum size of a statement or signature.
pub const SIGNATURE: u64 = 64 << 10;
/// File extensions of supported contents.
pub const CONTENTS: [&str; 2] = ["tar.gz", "yaml"];
/// Maximum number of signatures that are read.
pub const SIGNATURES: usize = 100;

/// File names of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    stem: String,
}

impl Files {
    /// Creates the names of a version, which is written verbatim, including `+`.
    #[must_use]
    pub fn of(name: &str, version: &semver::Version) -> Self {
        Self {
            stem: format!("{name}-{version}"),
        }
    }

    /// Returns the name of the content, with an [`ending`].
    #[must_use]
    pub fn content(&self, ending: &str) -> String {
        format!("{}.{ending}", self.stem)
    }

    /// Returns the name of the manifest as JSON.
    #[must_use]
    pub fn configuration(&self) -> String {
        format!("{}.json", self.stem)
    }

    /// Returns the name of the POM.
    #[must_use]
    pub fn pom(&self) -> String {
        format!("{}.pom", self.stem)
    }

    /// Returns the name of the document.
    #[must_use]
    pub fn document(&self, format: DocumentFormat) -> String {
        format!("{}-docs.{}", self.stem, format.ending())
    }

    /// Returns the name of the signed statement.
    #[must_use]
    pub fn statement(&self) -> String {
        format!("{}.statement.json", self.stem)
    }

    /// Returns the name of a signature, numbered from 1.
    #[must_use]
    pub fn signature(&self, number: usize) -> String {
        signature(&self.statement(), number)
    }

    /// Returns the files that may be the content: those named after the version that are none of the others.
    /// Supported formats come first.
    pub fn contents<'l>(&self, list: &'l [String]) -> Vec<&'l str> {
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

    /// Returns the part of a file name after the version and a dot.
    #[must_use]
    pub fn ending_of<'f>(&self, file: &'f str) -> Option<&'f str> {
        let ending = file.strip_prefix(&self.stem)?.strip_prefix('.')?;
        is_word(ending).then_some(ending)
    }
}

/// Returns whether a file with this extension may be the content of a version.
#[must_use]
pub fn is_content(ending: &str) -> bool {
    let last = ending.rsplit('.').next().unwrap_or_default();
    is_word(ending)
        && !ending.starts_with("statement.")
        && !matches!(last, "json" | "pom" | "minisig" | "asc")
        && !matches!(last, "md5" | "sha1" | "sha256" | "sha512")
}

/// Returns whether a file is compressed, by its name.
#[must_use]
pub fn is_compressed(file: &str) -> bool {
    file.ends_with("gz")
}

/// Returns whether a file may belong to a version.
#[must_use]
pub fn is_file_of(file: &str, name: &str, version: &semver::Version) -> bool {
    is_word_of(file, 512) && file.starts_with(&Files::of(name, version).stem)
}

/// Returns the numbers of the signatures of a file, sorted.
#[must_use]
pub fn signature_numbers(file: &str, list: &[String]) -> Vec<usize> {
    let number = |name: &String| {
        let rest = name.strip_prefix(file)?.strip_prefix('.')?;
        let number: usize = rest.strip_suffix(".minisig")?.parse().ok()?;
        (signature(file, number) == *name && (1..=SIGNATURES).contains(&number)).then_some(number)
    };
    let mut numbers: Vec<usize> = list.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Returns the name of a signature of a file, numbered from 1.
#[must_use]
pub fn signature(file: &str, number: usize) -> String {
    format!("{file}.{number}.minisig")
}

/// Returns the file extension of a content, without the dot.
#[must_use]
pub fn ending(packaging: &Packaging) -> &str {
    match packaging {
        Packaging::Bundle => "tar.gz",
        Packaging::Template => "yaml",
        Packaging::Unsupported(name) if is_word(name) => name,
        Packaging::Unsupported(_) => "bin",
    }
}

/// Returns whether a text can be a path segment on every system and in every URL. It has no leading dot, so it
/// is neither hidden nor a parent reference.
#[must_use]
pub fn is_word(text: &str) -> bool {
    is_word_of(text, 128)
}

fn is_word_of(text: &str, longest: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    !text.is_empty()
        && text.len() <= longest
        && !text.starts_with('.')
        && text.bytes().all(is_plain)
}
