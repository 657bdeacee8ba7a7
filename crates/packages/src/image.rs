//! A package as an OCI image: the manifest, its blobs and its referrers, as a registry has them.
//!
//! Packages of an OCI registry keep their manifests byte for byte. For those of other repositories, they are what
//! [`mirror`](mod@crate::mirror) would write: the same package has the same digests everywhere.

use std::collections::BTreeMap;

use extension_registry_core::diagnostic::Explain;

use crate::catalog::ResolvedVersion;
use crate::deliver::{DeliverError, Delivery, read_document};
use crate::digest::Digest;
use crate::mirror::{self, MirrorError};
use crate::repository::oci::artifact::{self, ManifestInfo};
use crate::repository::{Description, Error, OciManifest, Referrer, Upload};
use crate::signature::Signature;
use crate::trust::Mode;

/// Content of an empty configuration (image-spec, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";
/// Larger blobs are not those of a signature.
const LARGEST_SIGNATURE: u64 = 1024 * 1024;

/// A delivered package as an OCI image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The manifest of the package.
    pub package: Member,
    /// The manifests that refer to it.
    pub referrers: Vec<Member>,
    /// The blobs that these manifests name.
    pub blobs: BTreeMap<Digest, ImageBlob>,
}

/// A manifest of an image.
#[derive(Clone, Debug)]
pub struct Member {
    /// The bytes.
    pub manifest: OciManifest,
    /// What it says about itself.
    pub info: ManifestInfo,
    /// Its tag, if it is a referrer that is found by its tag only.
    pub tag: Option<String>,
}

/// A blob of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBlob {
    /// Size in bytes.
    pub size: u64,
    /// Where it is.
    pub place: Place,
}

/// Where a blob is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the cache, verified.
    Cache,
    /// In memory.
    Memory(Vec<u8>),
    /// In the source only.
    Source,
    /// In the source, but no trusted signature covers it.
    Withheld,
}

/// Why a package has no image.
#[derive(thiserror::Error, Debug)]
pub enum ImageError {
    /// The source failed.
    #[error(transparent)]
    Repository(#[from] Error),
    /// The package cannot be delivered.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The package cannot be copied to a registry.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The manifest is invalid.
    #[error("the manifest of {0} is invalid")]
    Invalid(String),
}

impl Explain for ImageError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Repository(error) => error.hints(),
            Self::Deliver(error) => error.hints(),
            Self::Mirror(error) => error.hints(),
            Self::Invalid(_) => Vec::new(),
        }
    }
}

impl Image {
    /// Builds the image of a delivered package. If the policy is enforced, blobs and referrers that no signature
    /// covers are withheld.
    ///
    /// # Errors
    /// Returns an error if the source or the cache fails, or the package is foreign and its source is no registry.
    pub async fn of(
        delivery: &Delivery,
        resolved: &ResolvedVersion<'_>,
        mode: Mode,
    ) -> Result<Self, ImageError> {
        let release = &resolved.spec.release;
        let repository = &resolved.source.repository;
        if let Some(manifest) = &release.manifest {
            let stored = repository.referrers(release).await?;
            return Self::stored(delivery, manifest, stored, mode);
        }
        let upload = mirror::upload(delivery)?;
        let signatures = repository.signatures(release).await?;
        let mut image = Self::packaged(&upload, &signatures)?;
        for blob in image.blobs.values_mut() {
            if blob.place == Place::Source {
                blob.place = Place::Cache;
            }
        }
        Ok(image)
    }

    /// Builds the image of a version without its content, to find out which digests it has. Nothing of it is
    /// verified. None if these digests are known only after a delivery, or there is no image.
    ///
    /// # Errors
    /// Returns an error if the source fails.
    pub async fn preview(
        resolved: &ResolvedVersion<'_>,
        with_referrers: bool,
    ) -> Result<Option<Self>, ImageError> {
        let release = &resolved.spec.release;
        let repository = &resolved.source.repository;
        if let Some(manifest) = &release.manifest {
            let stored = if with_referrers {
                repository.referrers(release).await?
            } else {
                Vec::new()
            };
            let mut image = Self::new(Member::of(manifest, &resolved.spec.title())?);
            for referrer in stored {
                image.refer(&referrer, Mode::Warn);
            }
            return Ok(Some(image));
        }
        let (Description::Configuration { bytes, .. }, Some(digest), Some(size)) = (
            &release.description,
            release.content.digest,
            release.content.size,
        ) else {
            return Ok(None);
        };
        let upload = Upload {
            name: release.name.clone(),
            version: release.version.clone(),
            manifest: resolved.spec.manifest.clone(),
            configuration: bytes.clone(),
            content: std::path::PathBuf::new(),
            digest,
            size,
            document: read_document(resolved).await?,
        };
        let signatures = if with_referrers {
            repository.signatures(release).await?
        } else {
            Vec::new()
        };
        Ok(Some(Self::packaged(&upload, &signatures)?))
    }

    /// Returns the manifest with this digest.
    #[must_use]
    pub fn manifest(&self, digest: Digest) -> Option<&Member> {
        let mut members = [&self.package].into_iter().chain(&self.referrers);
        members.find(|member| member.manifest.digest == digest)
    }

    /// Returns whether a manifest or a blob has this digest.
    #[must_use]
    pub fn has(&self, digest: Digest) -> bool {
        self.blobs.contains_key(&digest) || self.manifest(digest).is_some()
    }

    fn new(package: Member) -> Self {
        let blobs = package.blobs().collect();
        Self {
            package,
            referrers: Vec::new(),
            blobs,
        }
    }

    /// Builds the image of a package in an OCI registry.
    fn stored(
        delivery: &Delivery,
        manifest: &OciManifest,
        referrers: Vec<Referrer>,
        mode: Mode,
    ) -> Result<Self, ImageError> {
        let entry = &delivery.entry;
        let title = format!("{} {}", entry.name, entry.version);
        let mut image = Self::new(Member::of(manifest, &title)?);
        let cached = [
            Some(entry.content.digest),
            entry.own_configuration(),
            entry.document_digest(),
        ];
        for (digest, blob) in &mut image.blobs {
            if *digest == Digest::of(EMPTY) {
                blob.place = Place::Memory(EMPTY.to_vec());
            } else if cached.contains(&Some(*digest)) {
                blob.place = Place::Cache;
            } else if mode == Mode::Enforce {
                blob.place = Place::Withheld;
            }
        }
        for referrer in referrers {
            if referrer.is_signature || mode == Mode::Warn {
                image.refer(&referrer, mode);
            }
        }
        Ok(image)
    }

    /// Builds the image of a package in a repository of another kind.
    fn packaged(upload: &Upload, signatures: &[Signature]) -> Result<Self, ImageError> {
        let title = format!("{} {}", upload.name, upload.version);
        let manifest = artifact::package(upload);
        let manifest = manifest.ok_or_else(|| ImageError::Invalid(title.clone()))?;
        let mut image = Self::new(Member::of(&manifest, &title)?);
        for signature in signatures {
            let Some(signature) = artifact::signature(signature, &manifest) else {
                continue;
            };
            image
                .referrers
                .push(Member::of(&signature.manifest, &title)?);
            for bytes in signature.blobs {
                let blob = ImageBlob {
                    size: bytes.len() as u64,
                    place: Place::Memory(bytes.clone()),
                };
                let _ = image.blobs.entry(Digest::of(&bytes)).or_insert(blob);
            }
        }
        Ok(image)
    }

    /// Adds a referrer of a registry. An unreadable one is skipped.
    fn refer(&mut self, referrer: &Referrer, mode: Mode) {
        let Some(info) = artifact::info(&referrer.manifest) else {
            return;
        };
        let member = Member {
            manifest: referrer.manifest.clone(),
            info,
            tag: referrer.tag.clone(),
        };
        for (digest, mut blob) in member.blobs() {
            // Anyone who may write to the registry can add a referrer with the type of a signature.
            if mode == Mode::Enforce && blob.size > LARGEST_SIGNATURE {
                blob.place = Place::Withheld;
            }
            let _ = self.blobs.entry(digest).or_insert(blob);
        }
        self.referrers.push(member);
    }
}

impl Member {
    fn of(manifest: &OciManifest, title: &str) -> Result<Self, ImageError> {
        let info = artifact::info(manifest);
        Ok(Self {
            info: info.ok_or_else(|| ImageError::Invalid(title.to_owned()))?,
            manifest: manifest.clone(),
            tag: None,
        })
    }

    /// Returns the blobs that it names, as blobs of the source.
    fn blobs(&self) -> impl Iterator<Item = (Digest, ImageBlob)> {
        self.info.blobs.iter().map(|(digest, size)| {
            let blob = ImageBlob {
                size: *size,
                place: Place::Source,
            };
            (*digest, blob)
        })
    }
}
