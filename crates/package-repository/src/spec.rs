//! Metadata of a package, known before its content is fetched and the same for each kind of repository.

use crate::{Description, Error, Kind, Release, Repository};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_format::manifest::{self, Manifest};

/// A version of a package in a repository, without its content.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Manifest of the package.
    pub manifest: Manifest,
    /// Name of the repository.
    pub repository: String,
    /// Kind of the repository.
    pub repository_kind: Kind,
    /// The release as the repository stores it.
    pub release: Release,
}

impl Spec {
    /// Reads the metadata of a release.
    ///
    /// # Errors
    /// Returns an error if the configuration is invalid, or names another package or version than the tag or
    /// path does.
    pub fn of(repository: &dyn Repository, release: Release) -> Result<Self, Error> {
        let broken = |why: String| Error::Broken {
            repository: repository.id().to_owned(),
            what: format!("{} {}", release.name, release.version),
            why,
            hint: "contact the publisher of the package".to_owned(),
        };
        let manifest = match &release.description {
            Description::Foreign(manifest) => (**manifest).clone(),
            Description::Configuration { bytes, .. } => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| broken("the configuration is not valid UTF-8".to_owned()))?;
                let (manifest, diagnostics) = manifest::read(text);
                let Some(manifest) = manifest else {
                    let first = diagnostics.list.iter().find(|one| one.is_error);
                    let why = first.map_or_else(String::new, |one| match &*one.field {
                        "" => format!(": {}", one.message),
                        field => format!(": `{field}` {}", one.message),
                    });
                    return Err(broken(format!("the configuration is invalid{why}")));
                };
                manifest
            }
        };
        if manifest.name != release.name || manifest.version != release.version {
            let why = format!(
                "the configuration names {} {} instead",
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

    /// Returns the digest of the configuration, unless the package is in a foreign format.
    #[must_use]
    pub fn configuration(&self) -> Option<Digest> {
        match &self.release.description {
            Description::Configuration { digest, .. } => Some(*digest),
            Description::Foreign(_) => None,
        }
    }

    /// Returns the digest of the document, if there is one and the repository knows it.
    #[must_use]
    pub fn document(&self) -> Option<Digest> {
        self.release.document.as_ref()?.digest
    }

    /// Returns name and version: `mlflow 1.19.0`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.manifest.name, self.manifest.version)
    }
}
