//! Referrers of a manifest: signatures. They are found by the referrers API, else by the fallback tag
//! (distribution-spec, "Listing Referrers", "Referrers Tag Schema").

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::client::Client;
use super::model::{Descriptor, INDEX, Manifest, Referrers};
use super::names::fallback_tag;
use super::paging::ListResult;
use super::scope::Scope;
use crate::{OciManifest, Result};
use extension_registry_package_format::digest::Digest;

/// Maximum number of attempts to update a tag that is written concurrently.
const ATTEMPTS: usize = 12;
/// Header of a registry that supports referrers.
const SUBJECT: &str = "oci-subject";

impl Client {
    /// Returns the digests of all referrers of a manifest. Their type is read from each manifest, since indexes
    /// report it wrongly (cosign#4422).
    pub(super) async fn referrers(&self, path: &str, subject: Digest) -> Result<Vec<Digest>> {
        let what = format!("list referrers of {} in {path}", subject.oci());
        let url = self.url(&format!("/v2/{path}/referrers/{}", subject.oci()));
        let read = |page: Referrers| page.manifests.into_iter().map(|one| one.digest).collect();
        let listed = self.list(url, &Scope::pull(path), &what, read).await?;
        let texts: Vec<String> = match listed {
            ListResult::All(digests) => digests,
            ListResult::Refused(answer) if !is_unknown(answer.status()) => {
                return Err(self.refused(answer, &what).await);
            }
            ListResult::Refused(_) | ListResult::Foreign => {
                let tag = self.manifest(path, &fallback_tag(subject)).await?;
                let kept = self.kept(path, tag.as_ref());
                kept.manifests.into_iter().map(|one| one.digest).collect()
            }
        };
        let digests = texts.iter().filter_map(|text| text.parse().ok());
        Ok(digests.collect())
    }

    /// Writes a manifest that refers to another one. If the registry does not confirm support for referrers,
    /// the fallback tag is updated too.
    pub(super) async fn put_referrer(
        &self,
        path: &str,
        subject: Digest,
        manifest: &Manifest,
        bytes: &[u8],
    ) -> Result<()> {
        let digest = Digest::of(bytes);
        let media_type = super::model::MANIFEST;
        let answer = self
            .put_manifest(path, &digest.oci(), media_type, bytes, false)
            .await?;
        if answer.header(SUBJECT).is_some() {
            return Ok(());
        }
        // The specification requires copying type and annotations.
        let mut descriptor = Descriptor::of(media_type, bytes);
        descriptor.artifact_type = Some(manifest.kind().to_owned());
        descriptor.annotations.clone_from(&manifest.annotations);
        let tag = fallback_tag(subject);
        let change = |found: Option<&OciManifest>| {
            let kept = found.map(|found| serde_json::from_slice::<Referrers>(&found.bytes));
            // Overwriting it would lose entries of others.
            let mut kept = kept
                .transpose()
                .map_err(|_| {
                    let why = "it is not a list of referrers".to_owned();
                    self.broken(&format!("the tag {tag} of {path}"), why)
                })?
                .unwrap_or_default();
            if kept
                .manifests
                .iter()
                .any(|one| one.digest == descriptor.digest)
            {
                return Ok(None);
            }
            kept.manifests.push(descriptor.clone());
            Ok(serde_json::to_vec(&kept).ok())
        };
        self.update_tag(path, &tag, INDEX, change).await
    }

    /// Updates the content of a tag. Registries have no compare-and-swap, so the tag is read again after a
    /// delay, and updated again if a concurrent write has replaced it. `change` returns None if nothing has to
    /// change.
    pub(super) async fn update_tag(
        &self,
        path: &str,
        tag: &str,
        media_type: &str,
        change: impl Fn(Option<&OciManifest>) -> Result<Option<Vec<u8>>>,
    ) -> Result<()> {
        let _one_at_a_time = self.tag_lock.lock().await;
        for _ in 0..ATTEMPTS {
            let found = self.manifest(path, tag).await?;
            let Some(bytes) = change(found.as_ref())? else {
                return Ok(());
            };
            let _ = self
                .put_manifest(path, tag, media_type, &bytes, false)
                .await?;
            tokio::time::sleep(moment()).await;
        }
        Err(crate::Error::Unavailable {
            repository: self.id.clone(),
            what: format!("update the tag {tag} of {path}"),
            why: format!("other clients keep changing it; gave up after {ATTEMPTS} attempts"),
            hint: "try again".to_owned(),
        })
    }

    /// Reads the index under a tag. An unreadable one hides no package: it is treated as empty, with a warning.
    fn kept(&self, path: &str, found: Option<&OciManifest>) -> Referrers {
        let Some(found) = found else {
            return Referrers::default();
        };
        serde_json::from_slice(&found.bytes).unwrap_or_else(|_| {
            self.warn(&format!("failed to read the list of referrers in {path}"));
            Referrers::default()
        })
    }
}

/// Returns whether a status means that the registry does not support referrers. Gateways that allow only known
/// paths respond with 403.
fn is_unknown(status: reqwest::StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 403 | 404 | 405 | 501)
}

/// Returns a delay that is longer than a concurrent read-modify-write cycle, with jitter.
fn moment() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(150 + random % 300)
}
