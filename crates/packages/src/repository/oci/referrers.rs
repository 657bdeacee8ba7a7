//! What refers to a manifest: signatures. By the interface of the registry, else by the tag that clients keep
//! (distribution-spec, "Listing Referrers", "Referrers Tag Schema").

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::client::Client;
use super::model::{Descriptor, INDEX, Manifest, Referrers};
use super::names::fallback_tag;
use super::paging::Listed;
use super::scope::Scope;
use crate::digest::Digest;
use crate::repository::{Around, Result};

/// Times that a tag is written again when somebody else wrote it meanwhile.
const ATTEMPTS: usize = 12;
/// Says that the registry keeps referrers by itself.
const SUBJECT: &str = "oci-subject";

impl Client {
    /// Digests of all manifests that say they refer to this one. What kind they are says each itself: indexes
    /// are wrong about it (cosign#4422).
    pub(super) async fn referrers(&self, path: &str, subject: Digest) -> Result<Vec<Digest>> {
        let what = format!("list what refers to {} of {path}", subject.oci());
        let url = self.url(&format!("/v2/{path}/referrers/{}", subject.oci()));
        let read = |page: Referrers| page.manifests.into_iter().map(|one| one.digest).collect();
        let listed = self.list(url, &Scope::pull(path), &what, read).await?;
        let texts: Vec<String> = match listed {
            Listed::All(digests) => digests,
            Listed::Refused(answer) if !is_unknown(answer.status()) => {
                return Err(self.refused(answer, &what).await);
            }
            Listed::Refused(_) | Listed::Foreign => {
                let tag = self.manifest(path, &fallback_tag(subject)).await?;
                let kept = self.kept(path, tag.as_ref());
                kept.manifests.into_iter().map(|one| one.digest).collect()
            }
        };
        let digests = texts.iter().filter_map(|text| text.parse().ok());
        Ok(digests.collect())
    }

    /// Writes a manifest that refers to another one. Where the registry does not say that it took note, the tag
    /// is written too.
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
        // Type and annotations are copied, as the specification says.
        let mut descriptor = Descriptor::of(media_type, bytes);
        descriptor.artifact_type = Some(manifest.kind().to_owned());
        descriptor.annotations.clone_from(&manifest.annotations);
        let tag = fallback_tag(subject);
        let change = |found: Option<&Around>| {
            let kept = found.map(|found| serde_json::from_slice::<Referrers>(&found.bytes));
            // Written anew, it would lose what others put into it.
            let mut kept = kept
                .transpose()
                .map_err(|_| {
                    let why = "it is no list of what refers to a manifest".to_owned();
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
        self.amend(path, &tag, INDEX, change).await
    }

    /// Changes what a tag holds. No registry compares before it writes, so what was written is read again after
    /// a moment, and written again where somebody else's write has taken it away. `change` gives nothing where
    /// all is in it.
    pub(super) async fn amend(
        &self,
        path: &str,
        tag: &str,
        media_type: &str,
        change: impl Fn(Option<&Around>) -> Result<Option<Vec<u8>>>,
    ) -> Result<()> {
        let _one_at_a_time = self.amending.lock().await;
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
        let why = format!("somebody else writes it all the time; {ATTEMPTS} times were in vain");
        Err(self.broken(&format!("the tag {tag} of {path}"), why))
    }

    /// The index under a tag. One that cannot be read hides no package: it is empty, and noted.
    fn kept(&self, path: &str, found: Option<&Around>) -> Referrers {
        let Some(found) = found else {
            return Referrers::default();
        };
        serde_json::from_slice(&found.bytes).unwrap_or_else(|_| {
            self.note(&format!(
                "the referrers that clients keep in {path} cannot be read"
            ));
            Referrers::default()
        })
    }
}

/// Whether a status says that a registry knows no referrers.
fn is_unknown(status: reqwest::StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 404 | 405 | 501)
}

/// Longer than somebody else's way from reading to writing, and not the same for all.
fn moment() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_millis(150 + random % 300)
}
