//! Blobs: contents, configurations, documents.

use std::sync::PoisonError;

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use url::Url;

use super::client::Client;
use super::model::Descriptor;
use super::scope::Scope;
use crate::download::{self, range};
use crate::{Error, PartialDownload, Result};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::{self, Answer, Body, Call, Sent, watched};

/// Maximum size of a blob in memory: a configuration, a document, a signature.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Result of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upload {
    /// The bytes were sent.
    Sent,
    /// The registry already had them.
    AlreadyExists,
}

impl Client {
    /// Reads a small blob and verifies its size and digest.
    pub(super) async fn blob(&self, path: &str, descriptor: &Descriptor) -> Result<Vec<u8>> {
        self.blob_up_to(path, descriptor, LIMIT).await
    }

    /// Reads a blob with a higher limit.
    pub(super) async fn blob_up_to(
        &self,
        path: &str,
        descriptor: &Descriptor,
        limit: u64,
    ) -> Result<Vec<u8>> {
        let what = format!("read {path}");
        let name = format!("{} of {path}", descriptor.digest);
        let digest = self.known(&name, descriptor)?;
        if descriptor.size > limit {
            let why = format!("its size of {} bytes exceeds {limit}", descriptor.size);
            return Err(self.broken(&name, why));
        }
        let call = Call::get(self.blob_url(path, digest));
        let answer = self.call(call, &Scope::pull(path), &what).await?;
        if !answer.status().is_success() {
            return Err(self.no_blob(answer, &name, &what).await);
        }
        let bytes = answer
            .bytes(usize::try_from(limit).unwrap_or(usize::MAX))
            .await;
        let bytes = bytes.map_err(|error| self.failed(&what, error))?;
        self.same(
            &name,
            (digest, descriptor.size),
            (Digest::of(&bytes), bytes.len() as u64),
        )?;
        Ok(bytes)
    }

    /// Returns the SHA-256 digest of a descriptor. Other algorithms can be neither verified nor used in a path.
    pub(super) fn known(&self, name: &str, descriptor: &Descriptor) -> Result<Digest> {
        descriptor.sha256().ok_or_else(|| Error::Unsupported {
            repository: self.id.clone(),
            what: format!(
                "verify {}: its digest is not SHA-256",
                super::client::clean(name)
            ),
            hint: String::new(),
        })
    }

    /// Writes a blob from memory, unless it exists.
    pub(super) async fn put_bytes(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let digest = Digest::of(bytes);
        let body = Body::Bytes(bytes.to_vec().into());
        if self.has_blob(path, digest).await? {
            return Ok(());
        }
        let _ = self.upload(path, digest, body, Sent::default()).await?;
        Ok(())
    }

    /// Writes a blob from a file, unless it exists.
    pub(super) async fn put_file(
        &self,
        path: &str,
        file: &std::path::Path,
        (digest, size): (Digest, u64),
        progress: &dyn Progress,
    ) -> Result<()> {
        progress.begin(0, Some(size));
        if self.has_blob(path, digest).await? {
            progress.advance(size);
            return Ok(());
        }
        let sent = Sent::default();
        let body = Body::File {
            path: file.to_owned(),
            size,
        };
        let upload = self.upload(path, digest, body, Sent::clone(&sent));
        if watched(upload, &sent, progress).await? == Upload::AlreadyExists {
            progress.advance(size);
        }
        Ok(())
    }

    async fn has_blob(&self, path: &str, digest: Digest) -> Result<bool> {
        let what = format!("write {path}");
        let call = Call::new(Method::HEAD, self.blob_url(path, digest));
        let answer = self.call(call, &Scope::push(path), &what).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => {
                self.remember(path, digest);
                Ok(true)
            }
            _ => Err(self.refused(answer, &what).await),
        }
    }

    /// Uploads a blob with `POST` and `PUT` (distribution-spec, "POST then PUT"). A blob known to exist in
    /// another repository of the registry is mounted, if the registry supports it.
    async fn upload(&self, path: &str, digest: Digest, body: Body, sent: Sent) -> Result<Upload> {
        let what = format!("write {path}");
        let scope = Scope::push(path);
        let mounted = match self.mount_source(path, digest) {
            Some(from) => self.mount(path, digest, &from).await?,
            None => None,
        };
        let answer = if let Some(answer) = mounted {
            answer
        } else {
            let start = Call::new(Method::POST, self.uploads(path));
            self.call(start, &scope, &what).await?
        };
        if answer.status() == StatusCode::CREATED {
            self.remember(path, digest);
            return Ok(Upload::AlreadyExists);
        }
        if !answer.status().is_success() {
            return Err(self.refused(answer, &what).await);
        }
        let mut place = self.place(&answer, &what)?;
        let _ = place.query_pairs_mut().append_pair("digest", &digest.oci());
        let call = Call::new(Method::PUT, place)
            .header("content-type", "application/octet-stream")
            .body(body)
            .counting(sent);
        let answer = self.call(call, &scope, &what).await?;
        if answer.status().is_success() {
            self.remember(path, digest);
            return Ok(Upload::Sent);
        }
        Err(self.refused(answer, &what).await)
    }

    /// Requests to mount a blob from another repository (distribution-spec, "Mounting a blob from another
    /// repository"): 201 if mounted, 202 if the registry expects an upload instead. None if it does neither,
    /// for example because the user may not read the other repository.
    async fn mount(&self, path: &str, digest: Digest, from: &str) -> Result<Option<Answer>> {
        let mut url = self.uploads(path);
        let _ = url
            .query_pairs_mut()
            .append_pair("mount", &digest.oci())
            .append_pair("from", from);
        let call = Call::new(Method::POST, url);
        let what = format!("write {path}");
        match self.call(call, &Scope::mount(path, from), &what).await {
            Ok(answer) => Ok(Some(answer).filter(|answer| answer.status().is_success())),
            Err(Error::Denied { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Records which repository has a blob.
    fn remember(&self, path: &str, digest: Digest) {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = blobs.entry(digest).or_insert_with(|| path.to_owned());
    }

    /// Returns another repository that is known to have a blob.
    fn mount_source(&self, path: &str, digest: Digest) -> Option<String> {
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(&digest).filter(|from| *from != path).cloned()
    }

    fn uploads(&self, path: &str) -> Url {
        self.url(&format!("/v2/{path}/blobs/uploads/"))
    }

    /// Returns the upload location, relative or absolute, which must be on the registry itself.
    fn place(&self, answer: &Answer, what: &str) -> Result<Url> {
        let location = answer.header("location").unwrap_or_default();
        let place = answer.url().join(location).ok();
        let place = place.filter(|_| !location.is_empty()).ok_or_else(|| {
            let why = "the registry returned no valid upload location".to_owned();
            self.broken_response(what, why)
        })?;
        if place.origin() != self.base.origin() {
            let other = format!("{}://{}", place.scheme(), transport::host(&place));
            let why = format!("the upload location is on another server, {other}");
            return Err(self.broken_response(what, why));
        }
        Ok(place)
    }

    /// Downloads a blob and verifies its digest.
    pub(super) async fn fetch(
        &self,
        path: &str,
        (digest, size): (Digest, Option<u64>),
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        let blob = Blob {
            client: self,
            path,
            digest,
            size,
        };
        download::download(&blob, self.transport.waits(), download_file).await
    }

    async fn no_blob(&self, answer: Answer, name: &str, what: &str) -> Error {
        if answer.status() == StatusCode::NOT_FOUND {
            return Error::NotFound {
                repository: self.id.clone(),
                what: name.to_owned(),
                hint: "publish the package again: the blob was lost or removed from the registry"
                    .to_owned(),
            };
        }
        self.refused(answer, what).await
    }

    fn same(&self, name: &str, wanted: (Digest, u64), came: (Digest, u64)) -> Result<()> {
        if wanted.1 != came.1 {
            let why = format!("size mismatch: expected {} bytes, got {}", wanted.1, came.1);
            return Err(self.broken(name, why));
        }
        if wanted.0 != came.0 {
            let why = format!(
                "digest mismatch: expected {}, got {}",
                wanted.0.oci(),
                came.0.oci()
            );
            return Err(self.broken(name, why));
        }
        Ok(())
    }

    fn blob_url(&self, path: &str, digest: Digest) -> Url {
        self.url(&format!("/v2/{path}/blobs/{}", digest.oci()))
    }
}

/// A blob of a repository.
struct Blob<'b> {
    client: &'b Client,
    path: &'b str,
    digest: Digest,
    size: Option<u64>,
}

impl Blob<'_> {
    fn what(&self) -> String {
        format!("read {}", self.path)
    }

    fn name(&self) -> String {
        format!("{} of {}", self.digest.oci(), self.path)
    }
}

#[async_trait]
impl download::Content for Blob<'_> {
    fn size(&self) -> Option<u64> {
        self.size
    }

    async fn ask(&self, from: u64) -> Result<Answer> {
        let mut call = Call::get(self.client.blob_url(self.path, self.digest)).streamed();
        if let Some(range) = range(from) {
            call = call.header("range", &range);
        }
        let scope = Scope::pull(self.path);
        self.client.call(call, &scope, &self.what()).await
    }

    async fn refused(&self, answer: Answer) -> Error {
        self.client
            .no_blob(answer, &self.name(), &self.what())
            .await
    }

    fn failed(&self, error: transport::Error) -> Error {
        self.client.failed(&self.what(), error)
    }

    async fn check(&self, download_file: &PartialDownload<'_>) -> Result<()> {
        let came = (download_file.digest(), download_file.written());
        let size = self.size.unwrap_or(came.1);
        self.client.same(&self.name(), (self.digest, size), came)
    }
}
