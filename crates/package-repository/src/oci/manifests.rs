//! Reads, writes and deletes manifests, by tag and by digest.

use reqwest::{Method, StatusCode};

use super::client::Client;
use super::model::{ACCEPTED, Manifest};
use super::scope::Scope;
use crate::{Error, OciManifest, Result};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_transport::transport::{Answer, Body, Call};

/// Maximum size of a manifest (distribution-spec, "Pushing Manifests").
const LIMIT: usize = 4 * 1024 * 1024;
/// Header with the digest of a manifest.
const DIGEST: &str = "docker-content-digest";

/// Result of deleting a manifest.
pub(super) enum Removal {
    /// It does not exist any more.
    Gone,
    /// The registry does not support or allow it; the reason.
    Forbidden(String),
}

impl Client {
    /// Reads a manifest by tag or digest; None if it does not exist.
    pub(super) async fn manifest(
        &self,
        path: &str,
        reference: &str,
    ) -> Result<Option<OciManifest>> {
        let what = format!("read {path}");
        let url = self.url(&format!("/v2/{path}/manifests/{reference}"));
        let call = Call::get(url).header("accept", ACCEPTED);
        let answer = self.call(call, &Scope::pull(path), &what).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(self.refused(answer, &what).await);
        }
        let declared = answer.header(DIGEST).map(str::to_owned);
        let bytes = answer.bytes(LIMIT).await;
        let bytes = bytes.map_err(|error| self.failed(&what, error))?;
        let digest = Digest::of(&bytes);
        let wanted = reference.strip_prefix("sha256:").map(|_| reference);
        for expected in [wanted, declared.as_deref()].into_iter().flatten() {
            let is_other = expected
                .parse::<Digest>()
                .is_ok_and(|expected| expected != digest);
            if is_other {
                let why = format!("digest mismatch: expected {expected}, got {}", digest.oci());
                return Err(self.broken(&format!("the manifest {reference} of {path}"), why));
            }
        }
        Ok(Some(OciManifest { digest, bytes }))
    }

    /// Parses a manifest.
    pub(super) fn parse_manifest(&self, path: &str, found: &OciManifest) -> Result<Manifest> {
        serde_json::from_slice(&found.bytes).map_err(|error| {
            let what = format!("the manifest {} of {path}", found.digest.oci());
            self.broken(&what, format!("invalid manifest: {error}"))
        })
    }

    /// Returns the digest of a manifest; None if it does not exist.
    pub(super) async fn digest(&self, path: &str, reference: &str) -> Result<Option<Digest>> {
        let what = format!("read {path}");
        let url = self.url(&format!("/v2/{path}/manifests/{reference}"));
        let call = Call::new(Method::HEAD, url).header("accept", ACCEPTED);
        let answer = self.call(call, &Scope::pull(path), &what).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(self.refused(answer, &what).await);
        }
        let declared = answer.header(DIGEST).and_then(|text| text.parse().ok());
        match declared {
            Some(digest) => Ok(Some(digest)),
            // The header is optional (distribution-spec: SHOULD).
            None => Ok(self
                .manifest(path, reference)
                .await?
                .map(|found| found.digest)),
        }
    }

    /// Writes a manifest. `new` requests a failure if the tag exists, which few registries support.
    pub(super) async fn put_manifest(
        &self,
        path: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
        new: bool,
    ) -> Result<Answer> {
        let what = format!("write {path}");
        let url = self.url(&format!("/v2/{path}/manifests/{reference}"));
        let mut call = Call::new(Method::PUT, url)
            .header("content-type", media_type)
            .body(Body::Bytes(bytes.to_vec().into()));
        if new {
            call = call.header("if-none-match", "*");
        }
        let answer = self.call(call, &Scope::push(path), &what).await?;
        if answer.status() == StatusCode::PRECONDITION_FAILED && new {
            return Ok(answer);
        }
        if !answer.status().is_success() {
            return Err(self.refused(answer, &what).await);
        }
        let digest = Digest::of(bytes);
        let declared = answer.header(DIGEST).unwrap_or_default();
        if declared
            .parse()
            .is_ok_and(|declared: Digest| declared != digest)
        {
            let why = format!(
                "digest mismatch: the registry reports {declared}, expected {}",
                digest.oci()
            );
            return Err(self.broken(&format!("the manifest {reference} of {path}"), why));
        }
        Ok(answer)
    }

    /// Deletes a manifest by digest, or a tag.
    pub(super) async fn remove(&self, path: &str, reference: &str) -> Result<Removal> {
        let what = format!("delete from {path}");
        let url = self.url(&format!("/v2/{path}/manifests/{reference}"));
        let call = Call::new(Method::DELETE, url);
        let answer = self.call(call, &Scope::delete(path), &what).await?;
        let status = answer.status();
        match status.as_u16() {
            404 => Ok(Removal::Gone),
            _ if status.is_success() => Ok(Removal::Gone),
            400 | 405 | 501 => {
                let refusal = self.refused(answer, &what).await;
                Ok(Removal::Forbidden(match refusal {
                    Error::Unavailable { why, .. } => why,
                    _ => format!("the server responded with {status}"),
                }))
            }
            _ => Err(self.refused(answer, &what).await),
        }
    }
}
