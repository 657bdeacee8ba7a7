//! Downloads the content of a release.

use async_trait::async_trait;
use reqwest::StatusCode;
use url::Url;

use super::server::{Access, Server};
use crate::download::{self, range};
use crate::found::{absent, broken};
use crate::{Error, PartialDownload, Release, Result};
use extension_registry_package_layout::is_compressed;
use extension_registry_package_transport::transport::{self, Answer, Call};

/// The content of a release, and its expected size and digest.
struct Content<'r> {
    server: &'r Server,
    release: &'r Release,
    what: String,
    file: &'r str,
    url: Url,
}

/// Downloads the content of a release.
pub(super) async fn fetch(
    server: &Server,
    release: &Release,
    download_file: &mut PartialDownload<'_>,
) -> Result<()> {
    let Some(file) = &release.content.file else {
        return Err(absent(&server.id, &release.name, &release.version));
    };
    let content = Content {
        server,
        release,
        what: format!("read version {} of {}", release.version, release.name),
        file,
        url: server.file(&release.name, &release.version.to_string(), file),
    };
    download::download(&content, server.origin.waits(), download_file).await
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
        self.server.send(&self.what, call).await
    }

    async fn refused(&self, answer: Answer) -> Error {
        if answer.status() == StatusCode::NOT_FOUND {
            let release = self.release;
            return absent(&self.server.id, &release.name, &release.version);
        }
        self.server
            .refused(&self.what, Access::Read, answer.status())
    }

    fn failed(&self, error: transport::Error) -> Error {
        self.server.failed(&self.what, &error)
    }

    async fn check(&self, download_file: &PartialDownload<'_>) -> Result<()> {
        let came = download_file.written();
        if let Some(size) = self.release.content.size.filter(|size| *size != came) {
            let why = format!("size mismatch: expected {size} bytes, got {came}");
            return Err(broken(&self.server.id, self.file, why));
        }
        let digest = self.release.content.digest;
        self.server.same(self.file, digest, download_file.digest())
    }
}
