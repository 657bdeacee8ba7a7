//! Copies packages from one repository to another, with their documents and signatures, for example for
//! air-gapped machines.

use std::io;

use extension_registry_core::diagnostic::Explain;

use crate::cache::{Cache, CacheError};
use crate::deliver::Delivery;
use crate::progress::Progress;
use crate::repository::{Document, DocumentFormat, Error, Release, Repository, Upload};

/// Result of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The package was copied.
    New,
    /// The package already existed; missing signatures were added.
    Known,
}

/// Why a package was not copied.
#[derive(thiserror::Error, Debug)]
pub enum MirrorError {
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] Error),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The version exists with other content.
    #[error("{title} already exists in {repository} with different content: {there}, not {here}")]
    Other {
        /// Name of the repository.
        repository: String,
        /// Name and version: `mlflow 1.2.0`.
        title: String,
        /// Content in the repository.
        there: String,
        /// Content to copy.
        here: String,
    },
    /// The package is foreign and has no configuration to copy.
    #[error("cannot copy {0}: it is not a native package")]
    Foreign(String),
    /// A file of the cache cannot be read.
    #[error("failed to read {path}: {error}")]
    Read {
        /// Path of the file.
        path: std::path::PathBuf,
        /// The cause.
        error: io::Error,
    },
}

impl Explain for MirrorError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Repository(error) => error.hints(),
            Self::Cache(error) => error.hints(),
            Self::Other { .. } => vec!["pass --force to replace it".to_owned()],
            Self::Foreign(_) => {
                vec!["use the tools of its repository to copy it".to_owned()]
            }
            Self::Read { .. } => Vec::new(),
        }
    }
}

/// Copies a delivered package to a repository.
///
/// # Errors
/// Returns an error if it cannot be published, or the version exists with other content.
pub async fn copy(
    delivery: &Delivery,
    cache: &Cache,
    target: &dyn Repository,
    force: bool,
    progress: &dyn Progress,
) -> Result<Copied, MirrorError> {
    let entry = &delivery.entry;
    let title = format!("{} {}", entry.name, entry.version);
    let upload = upload(delivery)?;
    let there = match target.release(&entry.name, &entry.version).await {
        Ok(release) => Some(release),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (release, copied) = match there {
        Some(release) if release.content.digest == Some(entry.content.digest) => {
            (release, Copied::Known)
        }
        Some(release) if !force => {
            let there = release.content.digest;
            return Err(MirrorError::Other {
                repository: target.id().to_owned(),
                title,
                there: there.map_or_else(|| "unknown".to_owned(), |digest| digest.to_string()),
                here: entry.content.digest.to_string(),
            });
        }
        there => {
            let release = target.publish(&upload, there.is_some(), progress).await?;
            (release, Copied::New)
        }
    };
    sign(delivery, cache, target, &release).await?;
    Ok(copied)
}

async fn sign(
    delivery: &Delivery,
    cache: &Cache,
    target: &dyn Repository,
    release: &Release,
) -> Result<(), MirrorError> {
    let known = target.signatures(release).await?;
    for signature in cache.signatures(&delivery.entry)? {
        if !known.contains(&signature) {
            target.sign(release, &signature).await?;
        }
    }
    Ok(())
}

/// Returns what [`copy`] publishes of a delivered package.
///
/// # Errors
/// Returns an error if the package is foreign, or a file of the cache cannot be read.
pub fn upload(delivery: &Delivery) -> Result<Upload, MirrorError> {
    let entry = &delivery.entry;
    if entry.is_foreign {
        let title = format!("{} {}", entry.name, entry.version);
        return Err(MirrorError::Foreign(title));
    }
    let read = |path: std::path::PathBuf| {
        std::fs::read(&path).map_err(|error| MirrorError::Read { path, error })
    };
    let document = match (entry.document_path(), entry.document_format()) {
        (Some(path), format) => Some(Document {
            bytes: read(path)?,
            format: format.unwrap_or(DocumentFormat::Markdown),
        }),
        (None, _) => None,
    };
    Ok(Upload {
        name: entry.name.clone(),
        version: entry.version.clone(),
        manifest: delivery.manifest.clone(),
        configuration: read(entry.configuration_path())?,
        content: entry.content_path(),
        digest: entry.content.digest,
        size: entry.content.size,
        document,
    })
}
