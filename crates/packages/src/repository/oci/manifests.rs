//! Manifests: read, written and deleted, by tag and by digest.

use reqwest::{Method, StatusCode};

use super::client::Client;
use super::model::{ACCEPTED, Manifest};
use super::scope::Scope;
use crate::digest::Digest;
use crate::repository::{Around, Error, Result};
use crate::transport::{Answer, Body, Call};

/// Largest manifest that anybody has to accept (distribution-spec, "Pushing Manifests").
const LIMIT: usize = 4 * 1024 * 1024;
/// Says which digest the registry knows a manifest by.
const DIGEST: &str = "docker-content-digest";

/// What became of a manifest that was to be deleted.
pub(super) enum Removal {
    /// It is gone, or was not there.
    Gone,
    /// The registry does not do that; why.
    Forbidden(String),
}

impl Client {
    /// A manifest, by tag or digest; None where there is none.
    pub(super) async fn manifest(&self, path: &str, reference: &str) -> Result<Option<Around>> {
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
        let said = answer.header(DIGEST).map(str::to_owned);
        let bytes = answer.bytes(LIMIT).await;
        let bytes = bytes.map_err(|error| self.failed(&what, error))?;
        let digest = Digest::of(&bytes);
        let wanted = reference.strip_prefix("sha256:").map(|_| reference);
        for expected in [wanted, said.as_deref()].into_iter().flatten() {
            let is_other = expected
                .parse::<Digest>()
                .is_ok_and(|expected| expected != digest);
            if is_other {
                let why = format!("its digest is {}, not {expected}", digest.oci());
                return Err(self.broken(&format!("the manifest {reference} of {path}"), why));
            }
        }
        Ok(Some(Around { digest, bytes }))
    }

    /// A manifest as it is understood.
    pub(super) fn understood(&self, path: &str, found: &Around) -> Result<Manifest> {
        serde_json::from_slice(&found.bytes).map_err(|error| {
            let what = format!("the manifest {} of {path}", found.digest.oci());
            self.broken(&what, format!("it is no manifest: {error}"))
        })
    }

    /// The digest of a manifest; None where there is none.
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
        let said = answer.header(DIGEST).and_then(|text| text.parse().ok());
        match said {
            Some(digest) => Ok(Some(digest)),
            // Not all say it (distribution-spec: SHOULD).
            None => Ok(self
                .manifest(path, reference)
                .await?
                .map(|found| found.digest)),
        }
    }

    /// Writes a manifest. `new` asks the server to refuse where the tag is there already; few do.
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
        let said = answer.header(DIGEST).unwrap_or_default();
        if said.parse().is_ok_and(|said: Digest| said != digest) {
            let why = format!("the registry keeps it as {said}, not {}", digest.oci());
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
                    _ => format!("it answers {status}"),
                }))
            }
            _ => Err(self.refused(answer, &what).await),
        }
    }
}
