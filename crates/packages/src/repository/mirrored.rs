//! A repository with copies that are asked before it (R74).
//!
//! A copy is never trusted more than the original: what comes is judged all the same. Where a copy does not
//! answer in time, has not got it or has it broken, the next one is asked. Whatever is written goes to the original.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Capabilities, Deleted, Extensions, IndexFile, Kind, Names, Release, Repository, Result, Sink,
    Upload,
};
use crate::progress::Progress;
use crate::signature::Signature;

/// A repository and its copies.
#[derive(Debug)]
pub struct Mirrored {
    copies: Vec<Arc<dyn Repository>>,
    original: Arc<dyn Repository>,
    patience: Duration,
}

impl Mirrored {
    /// A repository with copies, in the order in which they are asked. After `patience` a copy that has not answered
    /// is left alone; a transfer of content may take as long as it goes on.
    #[must_use]
    pub fn new(
        copies: Vec<Arc<dyn Repository>>,
        original: Arc<dyn Repository>,
        patience: Duration,
    ) -> Self {
        Self {
            copies,
            original,
            patience,
        }
    }
}

/// Asks the copies, then the original. An answer that says nothing is there is asked for again: a copy may be
/// behind.
macro_rules! first {
    ($self:ident, $repository:ident => $ask:expr, $is_answer:expr) => {{
        for $repository in &$self.copies {
            let asking = tokio::time::timeout($self.patience, $ask);
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

    async fn fetch(&self, release: &Release, sink: &mut Sink<'_>) -> Result<()> {
        // The next goes on where a copy was cut. Where what came was wrong, it begins anew, as every repository does.
        for copy in &self.copies {
            if copy.fetch(release, sink).await.is_ok() {
                return Ok(());
            }
        }
        self.original.fetch(release, sink).await
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

    /// Who publishes asks where it goes: a copy may be late.
    async fn exists(&self, name: &str, version: &semver::Version) -> Result<bool> {
        self.original.exists(name, version).await
    }

    async fn own_index(&self) -> Result<Option<IndexFile>> {
        self.original.own_index().await
    }

    async fn put_index(&self, index: &IndexFile) -> Result<()> {
        self.original.put_index(index).await
    }

    /// Those of the original: what a copy adds is of the copy.
    async fn extensions(&self) -> Extensions {
        self.original.extensions().await
    }

    fn warnings(&self) -> Vec<String> {
        let all = self.copies.iter().chain([&self.original]);
        all.flat_map(|repository| repository.warnings()).collect()
    }
}
