//! The index of packages, stored as an artifact beside them.

use std::collections::BTreeMap;

use super::Oci;
use super::model::{Descriptor, EMPTY, EMPTY_BYTES, MANIFEST, Manifest};
use super::names::INDEX;
use crate::{IndexFile, Result};
use extension_registry_package_format::digest::Digest;

/// Tag of the index.
const TAG: &str = "v1";
/// File name of the index.
const FILE: &str = "index.json";
/// Artifact type of the index.
const KIND: &str = "application/vnd.fuseml.index.v1+json";
/// Maximum size of an index.
const LIMIT: u64 = 64 * 1024 * 1024;

impl Oci {
    pub(super) async fn read_index(&self) -> Result<Option<IndexFile>> {
        let client = &self.client;
        let path = self.below(INDEX);
        let Some(found) = client.manifest(&path, TAG).await? else {
            return Ok(None);
        };
        let manifest = client.parse_manifest(&path, &found)?;
        let mut layers = manifest.layers.iter();
        let Some(layer) = layers.find(|layer| layer.media_type == KIND) else {
            let why = format!("its manifest has no layer of type {KIND}");
            return Err(client.broken(&format!("the index {path}:{TAG}"), why));
        };
        let bytes = client.blob_up_to(&path, layer, LIMIT).await?;
        let signatures = client.signatures(&path, found.digest, &bytes).await?;
        Ok(Some(IndexFile { bytes, signatures }))
    }

    /// Writes an index. The tag comes last, so that readers always find it signed.
    pub(super) async fn write_index(&self, index: &IndexFile) -> Result<()> {
        let client = &self.client;
        let path = self.below(INDEX);
        client.put_bytes(&path, EMPTY_BYTES).await?;
        client.put_bytes(&path, &index.bytes).await?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: Some(KIND.to_owned()),
            config: Some(Descriptor::of(EMPTY, EMPTY_BYTES)),
            layers: vec![Descriptor::of(KIND, &index.bytes).titled(FILE)],
            subject: None,
            annotations: BTreeMap::new(),
        };
        let bytes = client.written(&manifest)?;
        let digest = Digest::of(&bytes);
        let _ = client
            .put_manifest(&path, &digest.oci(), MANIFEST, &bytes, false)
            .await?;
        for signature in &index.signatures {
            client.sign(&path, digest, signature).await?;
        }
        let _ = client
            .put_manifest(&path, TAG, MANIFEST, &bytes, false)
            .await?;
        Ok(())
    }
}
