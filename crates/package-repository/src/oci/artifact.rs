//! Packages and signatures as OCI artifacts: what publishing them writes, without a registry.

use std::collections::BTreeMap;

use super::model::{Descriptor, EMPTY, EMPTY_BYTES, MANIFEST, Manifest};
use super::package::packaged;
use crate::{OciManifest, Upload};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_trust::signature::{Format, Signature};

/// Media type of a list of manifests.
pub const INDEX_MEDIA_TYPE: &str = super::model::INDEX;

/// Artifact type of our signatures.
pub(super) const SIGNATURE: &str = "application/vnd.fuseml.signature.v1";
/// Media type of a signed statement.
pub(super) const STATEMENT: &str = "application/vnd.fuseml.statement.v1+json";
/// Media type of a `.minisig` file.
pub(super) const MINISIG: &str = "application/vnd.fuseml.minisig";
/// Media types of a Sigstore bundle (sigstore, "Cosign Bundle Specification"); both are in use.
pub(super) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub(super) const BUNDLE_OLD: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// A manifest with the blobs that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The manifest.
    pub manifest: OciManifest,
    /// The blobs, in any order.
    pub blobs: Vec<Vec<u8>>,
}

/// What a manifest says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestInfo {
    /// Its media type.
    pub media_type: String,
    /// Its artifact type; older manifests have it in the configuration.
    pub artifact_type: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// The configuration and the layers: digest and size. Blobs with another digest than SHA-256 are omitted.
    pub blobs: Vec<(Digest, u64)>,
}

/// Returns the manifest that publishing a package to a registry writes. The same package has the same manifest.
#[must_use]
pub fn package(upload: &Upload) -> Option<OciManifest> {
    written(&packaged(upload))
}

/// Returns the referrer that adding a signature to a manifest writes. None for signatures that cosign stores under a
/// tag instead.
#[must_use]
pub fn signature(signature: &Signature, subject: &OciManifest) -> Option<Artifact> {
    let (kind, layers) = layers(signature)?;
    let subject = Descriptor {
        media_type: info(subject)?.media_type,
        digest: subject.digest.oci(),
        size: subject.bytes.len() as u64,
        ..Descriptor::default()
    };
    let manifest = written(&referrer(kind, &layers, subject))?;
    let layers = layers.into_iter().map(|(_, bytes)| bytes.to_vec());
    Some(Artifact {
        manifest,
        blobs: layers.chain([EMPTY_BYTES.to_vec()]).collect(),
    })
}

/// Reads what a manifest says about itself; None if it is an index or invalid.
#[must_use]
pub fn info(manifest: &OciManifest) -> Option<ManifestInfo> {
    let read: Manifest = serde_json::from_slice(&manifest.bytes).ok()?;
    let config = read.config.as_ref()?;
    let blobs = read.layers.iter().chain([config]);
    let media_type = read.media_type.clone();
    Some(ManifestInfo {
        blobs: blobs
            .filter_map(|blob| Some((blob.sha256()?, blob.size)))
            .collect(),
        media_type: media_type.unwrap_or_else(|| MANIFEST.to_owned()),
        artifact_type: read.kind().to_owned(),
        annotations: read.annotations,
    })
}

/// Returns the tag under which cosign stores its classic signatures of a manifest.
#[must_use]
pub fn cosign_tag(subject: Digest) -> String {
    super::names::cosign_tag(subject)
}

/// Returns whether an artifact type is that of a signature.
#[must_use]
pub fn is_signature(artifact_type: &str) -> bool {
    [SIGNATURE, BUNDLE, BUNDLE_OLD].contains(&artifact_type)
}

/// Media types and bytes of layers.
pub(super) type Layers<'s> = Vec<(&'static str, &'s [u8])>;

/// Returns the artifact type and the layers of a signature. None for cosign's classic format.
pub(super) fn layers(signature: &Signature) -> Option<(&'static str, Layers<'_>)> {
    match signature.format {
        Format::Minisign => Some((
            SIGNATURE,
            vec![
                (STATEMENT, &signature.payload),
                (MINISIG, &signature.signature),
            ],
        )),
        Format::SigstoreBundle => Some((BUNDLE, vec![(BUNDLE, &signature.signature)])),
        Format::CosignSimple => None,
    }
}

/// Builds the manifest of a signature.
pub(super) fn referrer(kind: &str, layers: &Layers<'_>, subject: Descriptor) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some(kind.to_owned()),
        config: Some(Descriptor::of(EMPTY, EMPTY_BYTES)),
        layers: layers
            .iter()
            .map(|(media_type, bytes)| Descriptor::of(media_type, bytes))
            .collect(),
        subject: Some(subject),
        annotations: BTreeMap::new(),
    }
}

fn written(manifest: &Manifest) -> Option<OciManifest> {
    serde_json::to_vec(manifest).ok().map(OciManifest::of)
}
