//! Builds the published form of a package from a folder: the manifest as JSON, the content, the document.

mod advice;
pub mod check;
mod renumber;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::Explain;
use extension_registry_yaml::Diagnostics;

use crate::bundle::{Limits, PackError, pack};
use crate::digest::Digest;
use crate::manifest::{self, Manifest};
pub use advice::advice;
pub use renumber::renumber;

use crate::upload::{Document, DocumentFormat, Upload};

/// Default paths of the document.
const DOCUMENTS: [&str; 4] = [
    "README.md",
    "README.adoc",
    "docs/README.md",
    "docs/README.adoc",
];

/// Why a package cannot be built.
#[derive(thiserror::Error, Debug)]
pub enum BuildError {
    /// The folder cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The manifest is invalid.
    #[error("invalid package manifest {path}")]
    Manifest {
        /// Path of the manifest.
        path: PathBuf,
        /// The problems, with their positions.
        diagnostics: Diagnostics,
    },
    /// The manifest refers to a missing file.
    #[error("{path} not found in the package, but listed in the manifest as {what}")]
    Missing {
        /// Path of the file.
        path: String,
        /// Its role: `a template`, `docs`.
        what: &'static str,
    },
    /// A file cannot be written.
    #[error("failed to write {path}: {error}")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

impl Explain for BuildError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Pack(error) => error.hints(),
            Self::Missing { .. } => vec!["add it, or remove it from the manifest".to_owned()],
            Self::Manifest { .. } | Self::File { .. } => Vec::new(),
        }
    }
}

/// Reads the manifest of a folder.
///
/// # Errors
/// Returns an error if it is missing or invalid.
pub fn manifest(folder: &Path) -> Result<(Manifest, Diagnostics), BuildError> {
    let path = folder.join(manifest::FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PackError::NoManifest(folder.to_owned()).into());
        }
        Err(error) => return Err(PackError::Read { path, error }.into()),
    };
    match manifest::read(&text) {
        (Some(manifest), diagnostics) => Ok((manifest, diagnostics)),
        (None, diagnostics) => Err(BuildError::Manifest { path, diagnostics }),
    }
}

/// Builds the package of a folder. Its content is written to the file `target`.
///
/// # Errors
/// Returns an error if the package is invalid, or the file cannot be written.
pub fn build(folder: &Path, target: &Path, limits: Limits) -> Result<Upload, BuildError> {
    let (manifest, _) = self::manifest(folder)?;
    for template in &manifest.templates {
        present(folder, &template.file, "a template")?;
    }
    let file = fs::File::create(target).map_err(|error| BuildError::File {
        path: target.to_owned(),
        error,
    })?;
    let bundle = pack(folder, io::BufWriter::new(file), limits)?;
    let digest = bundle.digest;
    Ok(Upload {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        configuration: manifest.to_json(),
        content: target.to_owned(),
        digest,
        size: bundle.size,
        document: document(folder, &manifest, digest)?,
        manifest,
    })
}

/// Reads the document of a package. Its first line is set to the digest of the content.
fn document(
    folder: &Path,
    manifest: &Manifest,
    content: Digest,
) -> Result<Option<Document>, BuildError> {
    let mut files = Vec::new();
    for path in [&manifest.docs.readme, &manifest.docs.details]
        .into_iter()
        .flatten()
    {
        present(folder, path, "docs")?;
        files.push(path.as_str());
    }
    if files.is_empty() {
        let found = DOCUMENTS.iter().find(|path| folder.join(path).is_file());
        files.extend(found);
    }
    let Some(first) = files.first() else {
        return Ok(None);
    };
    let is_adoc = match manifest.docs.format.as_deref() {
        Some(format) => format == "asciidoc",
        None => Path::new(first)
            .extension()
            .is_some_and(|ending| ending == "adoc"),
    };
    let (format, line) = if is_adoc {
        (
            DocumentFormat::AsciiDoc,
            format!("// content-sha256: {content}\n"),
        )
    } else {
        (
            DocumentFormat::Markdown,
            format!("<!-- content-sha256: {content} -->\n"),
        )
    };
    let mut bytes = line.into_bytes();
    for (index, file) in files.iter().enumerate() {
        let path = folder.join(file);
        let text = fs::read(&path).map_err(|error| PackError::Read { path, error })?;
        if index > 0 {
            bytes.extend_from_slice(b"\n\n");
        }
        bytes.extend_from_slice(&text);
    }
    Ok(Some(Document { bytes, format }))
}

/// Returns the content digest that a document names; None if it names none.
#[must_use]
pub fn described(document: &[u8]) -> Option<Digest> {
    let line = document.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (_, rest) = line.split_once("content-sha256:")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn present(folder: &Path, path: &str, what: &'static str) -> Result<(), BuildError> {
    if folder.join(path).is_file() {
        return Ok(());
    }
    Err(BuildError::Missing {
        path: path.to_owned(),
        what,
    })
}
