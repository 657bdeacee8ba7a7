//! A repository with copies that are asked before it (R74).
//!
//! A copy is never trusted more than the original: what comes is judged all the same. Where a copy does not
//! answer, has not got it or has it broken, the next one is asked. Whatever is written goes to the original.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Capabilities, Deleted, Error, Extensions, IndexFile, Kind, Names, Release, Repository, Result,
    Sink, Upload,
};
use crate::progress::Progress;
use crate::signature::Signature;

/// A repository and its copies.
#[derive(Debug)]
pub struct Mirrored {
    copies: Vec<Arc<dyn Repository>>,
    original: Arc<dyn Repository>,
}

impl Mirrored {
    /// A repository with copies, in the order in which they are asked.
    #[must_use]
    pub fn new(copies: Vec<Arc<dyn Repository>>, original: Arc<dyn Repository>) -> Self {
        Self { copies, original }
    }
}

/// Asks the copies, then the original. An answer that says nothing is there is asked for again: a copy may be
/// behind.
macro_rules! first {
    ($self:ident, $repository:ident => $ask:expr, $is_answer:expr) => {{
        for $repository in &$self.copies {
            if let Ok(answer) = $ask
                && $is_answer(&answer)
            {
                return Ok(answer);
            }
        }
        let $repository = &$self.original;
        $ask
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
        first!(self, repository => repository.probe().await, |_| true)
    }

    async fn names(&self, text: Option<&str>) -> Result<Names> {
        first!(self, repository => repository.names(text).await, |names: &Names| !names.names.is_empty())
    }

    async fn versions(&self, name: &str) -> Result<Vec<semver::Version>> {
        first!(self, repository => repository.versions(name).await, |versions: &Vec<_>| !versions.is_empty())
    }

    async fn release(&self, name: &str, version: &semver::Version) -> Result<Release> {
        first!(self, repository => repository.release(name, version).await, |_| true)
    }

    async fn document(&self, release: &Release) -> Result<Option<Vec<u8>>> {
        first!(self, repository => repository.document(release).await, Option::is_some)
    }

    async fn signatures(&self, release: &Release) -> Result<Vec<Signature>> {
        first!(self, repository => repository.signatures(release).await, |found: &Vec<_>| !found.is_empty())
    }

    async fn fetch(&self, release: &Release, sink: &mut Sink<'_>) -> Result<()> {
        for copy in &self.copies {
            match copy.fetch(release, sink).await {
                Ok(()) => return Ok(()),
                // Nothing of what is broken goes on with what another has.
                Err(Error::Broken { .. }) => sink.restart().map_err(|error| Error::File {
                    what: "empty",
                    path: sink.path().to_owned(),
                    error,
                })?,
                Err(_) => {}
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
        first!(self, repository => repository.index().await, Option::is_some)
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
