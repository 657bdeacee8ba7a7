//! Publishes a version.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::Oci;
use super::model::MANIFEST;
use super::names::{repository_fault, tag, tags};
use super::package::{packaged, published};
use crate::{Error, OciManifest, Release, Result, Upload};
use extension_registry_package_transport::progress::Progress;

/// Number of round trips after which concurrent publishers have finished their check and write.
const WAYS: u32 = 3;

/// Returns a delay for slower publishers, with jitter.
fn moment() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(20 + random % 40)
}

impl Oci {
    /// Publishes a version. Existing blobs are not sent again. The manifest is written last, so that no
    /// incomplete package is visible.
    ///
    /// Registries have no create-if-absent operation. So the tag is checked first, again right before it is
    /// written, and again after a delay, when any concurrent publisher has written too: if it then points to
    /// another manifest, the other publisher has won.
    pub(super) async fn put(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        let client = &self.client;
        let path = self.path_to_write(&upload.name)?;
        let tag = tag(&upload.version).ok_or_else(|| Error::Unsupported {
            repository: client.id.clone(),
            what: format!("store version {}: it is too long for a tag", upload.version),
            hint: "shorten the version: a tag has at most 128 characters".to_owned(),
        })?;
        let exists = || Error::Exists {
            repository: client.id.clone(),
            name: upload.name.clone(),
            version: upload.version.clone(),
        };
        if !force && self.is_taken(&path, &upload.version).await? {
            return Err(exists());
        }
        client.put_bytes(&path, &upload.configuration).await?;
        let content = (upload.digest, upload.size);
        client
            .put_file(&path, &upload.content, content, progress)
            .await?;
        if let Some(document) = &upload.document {
            client.put_bytes(&path, &document.bytes).await?;
        }
        let bytes = client.written(&packaged(upload))?;
        let manifest = OciManifest::of(bytes);
        let digest = manifest.digest;
        if !force && self.is_taken(&path, &upload.version).await? {
            return Err(exists());
        }
        let begun = Instant::now();
        let answer = client
            .put_manifest(&path, &tag, MANIFEST, &manifest.bytes, !force)
            .await?;
        if !force {
            tokio::time::sleep(begun.elapsed() * WAYS + moment()).await;
        }
        let there = client.digest(&path, &tag).await?;
        // If the response to the first attempt was lost, the second one is rejected although the tag is ours.
        let is_ours = match there {
            Some(there) => there == digest,
            None => answer.status().is_success(),
        };
        if !is_ours {
            return Err(exists());
        }
        Ok(published(upload, client.locator(&path, digest), manifest))
    }

    async fn is_taken(&self, path: &str, version: &semver::Version) -> Result<bool> {
        for tag in tags(version) {
            if self.client.digest(path, &tag).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn path_to_write(&self, name: &str) -> Result<String> {
        let refused = |hint: &str| Error::Unsupported {
            repository: self.client.id.clone(),
            what: format!("store a package named `{name}`"),
            hint: hint.to_owned(),
        };
        if name == super::names::INDEX {
            return Err(refused(
                "choose another name: this one is reserved for the index",
            ));
        }
        match self.path(name) {
            Some(path) => Ok(path),
            None => Err(refused(
                repository_fault(name).unwrap_or("remove `/` from the package name"),
            )),
        }
    }
}
