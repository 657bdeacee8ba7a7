//! Downloads content over HTTP.

use async_trait::async_trait;
use url::Url;

use super::Remote;
use super::server::is_absent;
use crate::download::{self, range};
use crate::found;
use crate::{Error, PartialDownload, Release, Result};
use extension_registry_package_layout::is_compressed;
use extension_registry_package_transport::transport::{self, Answer, Call};

/// The content of a release and its address.
struct Content<'r> {
    remote: &'r Remote,
    release: &'r Release,
    folder: String,
    file: &'r str,
    url: Url,
}

impl Remote {
    pub(super) async fn fetch_content(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        let blob = &release.content;
        if download_file.written() > 0 && blob.digest == Some(download_file.digest()) {
            download_file.expect(Some(download_file.written()));
            return Ok(());
        }
        let folder = self.version(&release.name, &release.version);
        let file = self.named_file(blob, release)?;
        let content = Content {
            remote: self,
            release,
            url: self.server.address(&folder, file),
            folder,
            file,
        };
        download::download(&content, self.server.origin.waits(), download_file).await
    }
}

impl Content<'_> {
    fn what(&self) -> String {
        format!("read {}", self.file)
    }
}

#[async_trait]
impl download::Content for Content<'_> {
    fn size(&self) -> Option<u64> {
        self.release.content.size
    }

    fn is_compressed(&self) -> bool {
        is_compressed(self.file)
    }

    async fn ask(&self, from: u64) -> Result<Answer> {
        let mut call = Call::get(self.url.clone()).streamed();
        if let Some(range) = range(from) {
            call = call.header("range", &range);
        }
        self.remote.server.send(&self.what(), call).await
    }

    async fn refused(&self, answer: Answer) -> Error {
        if is_absent(answer.status()) {
            let release = self.release;
            return found::absent(self.remote.id(), &release.name, &release.version);
        }
        self.remote.server.refused(&self.what(), answer.status())
    }

    fn failed(&self, error: transport::Error) -> Error {
        self.remote.server.failed(&self.what(), &error)
    }

    async fn check(&self, download_file: &PartialDownload<'_>) -> Result<()> {
        let checksums = self
            .remote
            .server
            .checksums(&self.folder, self.file)
            .await?;
        let digest = self.release.content.digest;
        found::check_content(
            self.remote.id(),
            self.file,
            &checksums,
            digest,
            download_file,
        )
        .await
    }
}
