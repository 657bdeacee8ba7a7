//! Publishes a version: a mark, the content, the document, the digests, the configuration, and then no mark.
//!
//! A version without its configuration is incomplete and is not used. The mark excludes concurrent publishers.
//! After a failure the files are removed, as long as the mark is of this upload.

use reqwest::Method;

use super::files::{Files, digests, digests_name};
use super::unfinished::{self, Mark};
use super::{Gitea, listing};
use crate::found::{broken, unusable};
use crate::{Error, Release, Repository, Result, Upload};
use extension_registry_package_format::digest::Digest;
use extension_registry_package_layout::ending;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::{Body, Call, Sent, watched};

impl Gitea {
    pub(super) async fn publish_version(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        let Upload { name, version, .. } = upload;
        // `__` separates name and version in marks, and no valid package name contains it.
        if !listing::is_package(name) || name.contains("__") {
            return Err(unusable(&self.server.id, name));
        }
        if force {
            unfinished::forget(&self.server, name, version).await?;
        } else if self.is_there(upload).await? {
            return Err(self.exists(upload));
        }
        let mark = unfinished::set(&self.server, name, version).await?;
        let Some(mark) = mark else {
            // Another publisher is faster.
            return Err(self.exists(upload));
        };
        let mut begun = false;
        let outcome = self
            .put_all(upload, force, &mark, &mut begun, progress)
            .await;
        if let Err(error) = outcome {
            // If this fails too, the mark remains and reports the unfinished upload.
            let _ = self.take_back(upload, &mark, begun).await;
            return Err(error);
        }
        // The version is complete. A remaining mark beside it does no harm.
        let _ = unfinished::remove(&self.server, &mark).await;
        let release = self.release(name, version).await?;
        if release.content.digest != Some(upload.digest) {
            return Err(self.exists(upload));
        }
        Ok(release)
    }

    async fn put_all(
        &self,
        upload: &Upload,
        force: bool,
        mark: &Mark,
        begun: &mut bool,
        progress: &dyn Progress,
    ) -> Result<()> {
        let Upload { name, version, .. } = upload;
        let what = format!("publish version {version} of {name}");
        let url = |file: &str| self.server.file(name, &version.to_string(), file);
        if force {
            let version = self.server.version(name, &version.to_string());
            self.server.delete(&what, version).await?;
        } else if self.is_there(upload).await? {
            return Err(self.exists(upload));
        }
        *begun = true;

        let names = Files::of(name, version);
        let content = names.content(ending(&upload.manifest.packaging));
        let mut files = vec![(content.clone(), upload.digest)];
        let mut is_new = self
            .put_content(&what, url(&content), upload, progress)
            .await?;
        if let Some(document) = &upload.document {
            let file = names.document(document.format);
            let put = self.server.put_bytes(&what, url(&file), &document.bytes);
            is_new &= put.await?;
            files.push((file, Digest::of(&document.bytes)));
        }
        let configuration = names.configuration();
        files.push((configuration.clone(), Digest::of(&upload.configuration)));
        let text = digests(files.iter().map(|(file, digest)| (file.as_str(), *digest)));
        let put = self
            .server
            .put_bytes(&what, url(&digests_name(&names)), text.as_bytes());
        is_new &= put.await?;

        files.pop();
        self.check(upload, mark, &files, is_new).await?;
        let file = url(&configuration);
        let bytes = &upload.configuration;
        if !self.server.put_bytes(&what, file.clone(), bytes).await? {
            let there = self.server.read(&what, file, bytes.len() as u64).await?;
            if there.as_ref() != Some(bytes) {
                return Err(self.exists(upload));
            }
        }
        Ok(())
    }

    /// Uploads the content from its file. Returns false if it already exists.
    async fn put_content(
        &self,
        what: &str,
        url: url::Url,
        upload: &Upload,
        progress: &dyn Progress,
    ) -> Result<bool> {
        progress.begin(0, Some(upload.size));
        let sent = Sent::default();
        let body = Body::File {
            path: upload.content.clone(),
            size: upload.size,
        };
        let call = Call::new(Method::PUT, url)
            .body(body)
            .counting(Sent::clone(&sent));
        watched(self.server.put(what, call), &sent, progress).await
    }

    /// Verifies the uploaded content before the version becomes visible.
    async fn check(
        &self,
        upload: &Upload,
        mark: &Mark,
        sent: &[(String, Digest)],
        is_new: bool,
    ) -> Result<()> {
        if !unfinished::is_ours(&self.server, mark).await? {
            return Err(self.exists(upload));
        }
        let files = self.files(&upload.name, &upload.version).await?;
        for (file, digest) in sent {
            let there = files.as_ref().and_then(|files| files.blob(file)?.digest);
            match there {
                Some(there) if there == *digest => {}
                // The file existed before and has other content.
                _ if !is_new => return Err(self.exists(upload)),
                Some(there) => {
                    let why = format!("SHA-256 mismatch: expected {digest}, got {there}");
                    return Err(broken(&self.server.id, file, why));
                }
                None => {
                    let why = "it is missing after the upload".to_owned();
                    return Err(broken(&self.server.id, file, why));
                }
            }
        }
        Ok(())
    }

    /// Removes an unfinished upload, unless another publisher has taken over.
    async fn take_back(&self, upload: &Upload, mark: &Mark, begun: bool) -> Result<()> {
        if !unfinished::is_ours(&self.server, mark).await? {
            return Ok(());
        }
        if begun {
            let version = upload.version.to_string();
            let url = self.server.version(&upload.name, &version);
            self.server.delete("publish", url).await?;
        }
        unfinished::remove(&self.server, mark).await
    }

    async fn is_there(&self, upload: &Upload) -> Result<bool> {
        let files = self.files(&upload.name, &upload.version).await?;
        Ok(files.is_some_and(|files| !files.is_empty()))
    }

    fn exists(&self, upload: &Upload) -> Error {
        Error::Exists {
            repository: self.server.id.clone(),
            name: upload.name.clone(),
            version: upload.version.clone(),
        }
    }
}
