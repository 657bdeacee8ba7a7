//! Publishing a version.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use super::Oci;
use super::model::MANIFEST;
use super::names::{repository_fault, tag, tags};
use super::package::{packaged, published};
use crate::progress::Progress;
use crate::repository::{Around, Error, Release, Result, Upload};

/// Ways to the registry and back after which nobody is between a look and a write any more.
const WAYS: u32 = 3;

/// Time for those who are slower, and not the same for all.
fn moment() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(20 + random % 40)
}

impl Oci {
    /// Blobs that are there are not sent again. The manifest is written last, so nobody sees half a package.
    ///
    /// A registry has no write that fails where something is. So the tag is looked at first, again right before it
    /// is written, and again a moment afterwards, when whoever looked before has written too: if it leads to
    /// somebody else's manifest then, theirs is the version.
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
            what: format!("keep version {}: it is too long for a tag", upload.version),
            hint: "a tag has at most 128 characters".to_owned(),
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
        let manifest = Around::of(bytes);
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
        // Where the answer to the first try was lost, the second is refused, and it is ours all the same.
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
            what: format!("keep a package of the name `{name}`"),
            hint: hint.to_owned(),
        };
        if name == super::index::NAME {
            return Err(refused("that is the name of the index of packages"));
        }
        match self.path(name) {
            Some(path) => Ok(path),
            None => Err(refused(
                repository_fault(name).unwrap_or("a name of a package has no `/`"),
            )),
        }
    }
}
