//! A package as it is published, and its document.

use std::path::Path;

use crate::digest::Digest;
use crate::manifest::Manifest;

/// A package to publish, built from a folder by `package::build`.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: semver::Version,
    /// The manifest, for repositories with metadata of their own (annotations, a POM).
    pub manifest: Manifest,
    /// The manifest as JSON.
    pub configuration: Vec<u8>,
    /// Path of the content.
    pub content: std::path::PathBuf,
    /// Digest of the content.
    pub digest: Digest,
    /// Size of the content in bytes.
    pub size: u64,
    /// Document of the package.
    pub document: Option<Document>,
}

/// Documentation of a package that can be read without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: DocumentFormat,
}

/// Format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    /// `CommonMark`.
    Markdown,
    /// `AsciiDoc`.
    AsciiDoc,
}

impl DocumentFormat {
    /// Returns the format of a document, by the name of its file or, without one, by its text.
    #[must_use]
    pub fn of(file: Option<&str>, bytes: &[u8]) -> Self {
        let is_adoc = match file {
            Some(file) => Path::new(file)
                .extension()
                .is_some_and(|ending| ending == "adoc"),
            None => bytes.starts_with(b"//") || bytes.starts_with(b"= "),
        };
        if is_adoc {
            Self::AsciiDoc
        } else {
            Self::Markdown
        }
    }

    /// Returns the file extension, without a dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::AsciiDoc => "adoc",
        }
    }

    /// Returns the media type (RFC 7763 for Markdown).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::AsciiDoc => "text/asciidoc",
        }
    }
}
