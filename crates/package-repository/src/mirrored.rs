//! A repository with mirrors that are queried first.
//!
//! A mirror is not trusted more than the original: its data is verified in the same way. If a mirror does not
//! respond in time, or its data is missing or corrupt, the next one is queried. Writes go to the original.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Capabilities, Deleted, Extensions, IndexFile, Kind, Names, PartialDownload, Referrer, Release,
    Repository, Result, Upload,
};
use extension_registry_core::diagnostic::Note;
use extension_registry_package_format::digest::Digest;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_trust::signature::Signature;

/// A repository and its mirrors.
#[derive(Debug)]
pub struct Mirrored {
    copies: Vec<Arc<dyn Repository>>,
    original: Arc<dyn Repository>,
    timeout: Duration,
}

impl Mirrored {
    /// Creates a repository with mirrors, in query order. A mirror that has not responded within `timeout` is
    /// skipped; a download of content may take as long as it makes progress.
    #[must_use]
    pub fn new(
        copies: Vec<Arc<dyn Repository>>,
        original: Arc<dyn Repository>,
        timeout: Duration,
    ) -> Self {
        Self {
            copies,
            original,
            timeout,
        }
    }
}

/// Queries the mirrors, then the original. A not-found result is not final: a mirror may be outdated.
macro_rules! first {
    ($self:ident, $repository:ident => $ask:expr, $is_answer:expr) => {{
        for $repository in &$self.copies {
            let asking = tokio::time::timeout($self.timeout, $ask);
            if let Ok(Ok(answer)) = asking.await
                && $is_answer(&answer)
            {
                return Ok(answer);
            }
        }
        let $repository = &$self.original;
        $ask.await
    }};
}

#[async_trait]
impl Repository for Mirrored {
    fn id(&self) -> &str {
        self.original.id()
    }

    fn kind(&self) -> Kind {
        self.original.kind()
    }

    fn place(&self) -> String {
        self.original.place()
    }

    async fn probe(&self) -> Result<Capabilities> {
        first!(self, repository => repository.probe(), |_| true)
    }

    async fn names(&self, text: Option<&str>) -> Result<Names> {
        first!(self, repository => repository.names(text), |names: &Names| !names.names.is_empty())
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        first!(self, repository => repository.versions(name), |versions: &Vec<_>| !versions.is_empty())
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        first!(self, repository => repository.release(name, version), |_| true)
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        first!(self, repository => repository.document(release), Option::is_some)
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        first!(self, repository => repository.signatures(release), |found: &Vec<_>| !found.is_empty())
    }

    async fn referrers(&self, release: &Release) -> Result<Vec<Referrer>> {
        first!(self, repository => repository.referrers(release), |found: &Vec<_>| !found.is_empty())
    }

    async fn blob(
        &self,
        release: &Release,
        blob: (Digest, u64),
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        for copy in &self.copies {
            if copy.blob(release, blob, download_file).await.is_ok() {
                return Ok(());
            }
        }
        self.original.blob(release, blob, download_file).await
    }

    async fn fetch(
        &self,
        release: &Release,
        download_file: &mut PartialDownload<'_>,
    ) -> Result<()> {
        // The next source resumes an interrupted download; if the received bytes were wrong, it restarts as
        // every repository does.
        for copy in &self.copies {
            if copy.fetch(release, download_file).await.is_ok() {
                return Ok(());
            }
        }
        self.original.fetch(release, download_file).await
    }

    async fn publish(
        &self,
        upload: &Upload,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Release> {
        self.original.publish(upload, force, progress).await
    }

    async fn sign(&self, release: &Release, signature: &Signature) -> Result<()> {
        self.original.sign(release, signature).await
    }

    async fn delete(&self, name: &str, version: &semver::Version) -> Result<Deleted> {
        self.original.delete(name, version).await
    }

    async fn index(&self) -> Result<Option<IndexFile>> {
        first!(self, repository => repository.index(), Option::is_some)
    }

    /// Publishing needs the state of the original: a mirror may be outdated.
    async fn exists(&self, name: &str, version: &semver::Version) -> Result<bool> {
        self.original.exists(name, version).await
    }

    async fn own_index(&self) -> Result<Option<IndexFile>> {
        self.original.own_index().await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        self.original.put_index(index).await
    }

    /// Returns those of the original: extensions of a mirror concern the mirror only.
    async fn extensions(&self) -> Extensions {
        self.original.extensions().await
    }

    fn warnings(&self) -> Vec<Note> {
        let all = self.copies.iter().chain([&self.original]);
        all.flat_map(|repository| repository.warnings()).collect()
    }
}
