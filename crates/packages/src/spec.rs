//! What is known of a package before it is fetched (seed 001, section 6.A, `ExtensionSpec`): the same shape
//! from each kind of repository.

use crate::digest::Digest;
use crate::manifest::{self, Manifest};
use crate::repository::{Description, Error, Kind, Release, Repository};

/// A version of a package in a repository, without its content.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Name of the repository.
    pub repository: String,
    /// Kind of the repository.
    pub repository_kind: Kind,
    /// What the repository keeps of it.
    pub release: Release,
}

impl Spec {
    /// Reads what a repository keeps.
    ///
    /// # Errors
    /// When the configuration is none, or that of another package or version: a tag or a path may say what it
    /// likes.
    pub fn of(repository: &dyn Repository, release: Release) -> Result<Self, Error> {
        let broken = |why: String| Error::Broken {
            repository: repository.id().to_owned(),
            what: format!("{} {}", release.name, release.version),
            why,
            hint: "tell whoever publishes there".to_owned(),
        };
        let manifest = match &release.description {
            Description::Foreign(manifest) => (**manifest).clone(),
            Description::Configuration { bytes, .. } => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| broken("its configuration is no text".to_owned()))?;
                let (manifest, complaints) = manifest::read(text);
                let Some(manifest) = manifest else {
                    let first = complaints.list.iter().find(|one| one.is_error);
                    let why = first.map_or_else(String::new, |one| {
                        format!(": `{}` {}", one.field, one.message)
                    });
                    return Err(broken(format!("its configuration cannot be read{why}")));
                };
                manifest
            }
        };
        if manifest.name != release.name || manifest.version != release.version {
            let why = format!(
                "inside it is {} {}: somebody gave it another name",
                manifest.name, manifest.version
            );
            return Err(broken(why));
        }
        Ok(Self {
            manifest,
            repository: repository.id().to_owned(),
            repository_kind: repository.kind(),
            release,
        })
    }

    /// Digest of the configuration, where it is one of ours.
    #[must_use]
    pub fn configuration(&self) -> Option<Digest> {
        match &self.release.description {
            Description::Configuration { digest, .. } => Some(*digest),
            Description::Foreign(_) => None,
        }
    }

    /// Digest of the document, where there is one and the repository knows it.
    #[must_use]
    pub fn document(&self) -> Option<Digest> {
        self.release.document.as_ref()?.digest
    }

    /// `mlflow 1.19.0`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.manifest.name, self.manifest.version)
    }
}
