//! What a source has.

use std::io;
use std::path::Path;

use super::{DeliverError, Delivery, Loader, Step, told};
use crate::bundle::Limits;
use crate::cache::{Content, Entry, Item, Partial};
use crate::catalog::Sighting;
use crate::digest::Digest;
use crate::manifest::{Kind, Packaging};
use crate::progress::Progress;
use crate::repository::{Description, Document, DocumentFormat, Sink};
use crate::signature::{Signature, Statement};
use crate::trust::{Verdict, other_document};

impl Loader<'_> {
    /// Brings a version of a source. Where the cache has the same content, none is fetched, unless `force` says
    /// so; with `force`, other content replaces what the cache has under this version.
    ///
    /// # Errors
    /// When nobody vouches for it, it is not what it should be, or something does not answer. Nothing of it
    /// stays then, but the beginning of a transfer that was cut.
    pub async fn bring(
        &self,
        sighting: &Sighting<'_>,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Delivery, DeliverError> {
        let (repository, release) = (&sighting.source.repository, &sighting.spec.release);
        let manifest = &sighting.spec.manifest;
        if let Kind::Unsupported(name) = &manifest.kind {
            return Err(DeliverError::Unsupported {
                title: sighting.spec.title(),
                what: format!("type `{name}`"),
            });
        }
        let unchecked = self.fits(manifest)?;
        let mut steps = vec![Step::Source(repository.id().to_owned())];
        let signatures = repository.signatures(release).await?;
        // Only what a source knows the digest of can be judged before it is here.
        let document = match &release.document {
            Some(blob) if blob.digest.is_none() => Some(self.document(sighting).await?),
            _ => None,
        };
        let mut verdict = None;
        if let Some(content) = release.content.digest {
            let digest = match &document {
                Some(document) => document.as_ref().map(digest),
                None => sighting.spec.document(),
            };
            let judged = self.judged(sighting, content, digest, &signatures)?;
            steps.push(Step::Trust(judged.by().to_vec()));
            if !force && let Some(mut known) = self.same(sighting)? {
                steps.push(Step::Cache);
                known.steps = steps;
                return Ok(known);
            }
            verdict = Some(judged);
        }

        let document = match document {
            Some(document) => document,
            None => self.document(sighting).await?,
        };
        let partial = self.partial(sighting)?;
        let (content, bytes) = self.fetch(sighting, &partial, progress).await?;
        steps.push(Step::Download { bytes });
        let verdict = if let Some(verdict) = verdict {
            verdict
        } else {
            let digest = document.as_ref().map(digest);
            let judged = self.judged(sighting, content, digest, &signatures)?;
            steps.push(Step::Trust(judged.by().to_vec()));
            judged
        };
        let mut warnings = Vec::new();
        let other = document
            .as_ref()
            .and_then(|document| other_document(&document.bytes, content));
        warnings.extend(other.map(|other| format!("{}: {other}", sighting.spec.title())));
        let keeping = Keeping {
            content,
            document: document.as_ref(),
            signatures: &signatures,
            verdict: &verdict,
            force,
        };
        let entry = self.store(sighting, &partial, &keeping)?;
        steps.push(Step::Stored);
        warnings.extend(told(&verdict));
        let delivery = Delivery {
            manifest: manifest.clone(),
            entry,
            verdict,
            steps,
            warnings,
            unchecked,
        };
        self.keep(&delivery);
        Ok(delivery)
    }

    fn judged(
        &self,
        sighting: &Sighting<'_>,
        content: Digest,
        document: Option<Digest>,
        signatures: &[Signature],
    ) -> Result<Verdict, DeliverError> {
        let spec = &sighting.spec;
        let statement = Statement::of(&spec.manifest, content, spec.configuration(), document);
        self.judge(
            &spec.repository,
            &statement,
            spec.release.manifest.as_ref(),
            signatures,
        )
    }

    /// What the cache has, if it is the same.
    fn same(&self, sighting: &Sighting<'_>) -> Result<Option<Delivery>, DeliverError> {
        let spec = &sighting.spec;
        let manifest = &spec.manifest;
        let found = self
            .cache
            .get(&manifest.kind, &manifest.name, &manifest.version);
        let is_same = |entry: &Entry| {
            Some(entry.content.digest) == spec.release.content.digest
                && entry.own_configuration() == spec.configuration()
        };
        let known = match found {
            Ok(entry) => entry
                .filter(|entry| self.counts(entry) && is_same(entry))
                .map(|entry| self.known(entry))
                .transpose(),
            Err(error) => Err(error.into()),
        };
        match known {
            // What is broken here, or was signed by a key that does not count any more, is got again: its source
            // was just judged.
            Err(error) if error.is_of_cache() => Ok(None),
            known => known,
        }
    }

    fn partial(&self, sighting: &Sighting<'_>) -> Result<Partial, DeliverError> {
        let release = &sighting.spec.release;
        let place = || format!("{} {}", sighting.spec.repository, release.locator);
        let digest = release.content.digest;
        let key = digest.unwrap_or_else(|| Digest::of(place().as_bytes()));
        Ok(self.cache.partial(&key.to_string())?)
    }

    /// The digest of the content that came, and how many bytes of it came now.
    async fn fetch(
        &self,
        sighting: &Sighting<'_>,
        partial: &Partial,
        progress: &dyn Progress,
    ) -> Result<(Digest, u64), DeliverError> {
        let failed = |error: io::Error| DeliverError::File {
            path: partial.path().to_owned(),
            error,
        };
        let mut sink = Sink::open(partial.path(), self.most, progress).map_err(failed)?;
        let before = sink.written();
        let release = &sighting.spec.release;
        sighting.source.repository.fetch(release, &mut sink).await?;
        let content = sink.digest();
        if let Some(wanted) = release.content.digest
            && wanted != content
        {
            sink.restart().map_err(failed)?;
            return Err(tampered(sighting, "content", content, wanted));
        }
        Ok((content, sink.written().saturating_sub(before)))
    }

    async fn document(&self, sighting: &Sighting<'_>) -> Result<Option<Document>, DeliverError> {
        let release = &sighting.spec.release;
        let Some(blob) = &release.document else {
            return Ok(None);
        };
        let Some(bytes) = sighting.source.repository.document(release).await? else {
            return Ok(None);
        };
        let actual = Digest::of(&bytes);
        if let Some(wanted) = blob.digest
            && wanted != actual
        {
            return Err(tampered(sighting, "document", actual, wanted));
        }
        let is_adoc = match &blob.file {
            Some(file) => Path::new(file)
                .extension()
                .is_some_and(|ending| ending == "adoc"),
            None => bytes.starts_with(b"//") || bytes.starts_with(b"= "),
        };
        let format = if is_adoc {
            DocumentFormat::AsciiDoc
        } else {
            DocumentFormat::Markdown
        };
        Ok(Some(Document { bytes, format }))
    }

    fn store(
        &self,
        sighting: &Sighting<'_>,
        partial: &Partial,
        keeping: &Keeping<'_>,
    ) -> Result<Entry, DeliverError> {
        let (manifest, release) = (&sighting.spec.manifest, &sighting.spec.release);
        let json = manifest.to_json();
        let (configuration, is_foreign) = match &release.description {
            Description::Configuration { bytes, .. } => (bytes, false),
            Description::Foreign(_) => (&json, true),
        };
        let is_bundle = manifest.packaging == Packaging::Bundle;
        let entry = self.cache.store(&Item {
            kind: &manifest.kind,
            name: &manifest.name,
            version: &manifest.version,
            repository: sighting.source.id(),
            locator: &release.locator,
            manifest: release
                .manifest
                .as_ref()
                .map(|around| around.bytes.as_slice()),
            configuration,
            is_foreign,
            content: Content {
                path: partial.path(),
                file: &file(sighting),
                digest: Some(keeping.content),
            },
            document: keeping.document,
            signatures: keeping.signatures,
            trusted_by: keeping.verdict.by(),
            published: release.published.as_deref(),
            // A hostile archive is found out before anything of it is kept.
            unpack: is_bundle.then(Limits::default),
            replace: keeping.force,
        })?;
        Ok(entry)
    }
}

/// What is kept of a package beside what its source says.
struct Keeping<'k> {
    content: Digest,
    document: Option<&'k Document>,
    signatures: &'k [Signature],
    verdict: &'k Verdict,
    force: bool,
}

fn digest(document: &Document) -> Digest {
    Digest::of(&document.bytes)
}

fn tampered(
    sighting: &Sighting<'_>,
    what: &'static str,
    actual: Digest,
    wanted: Digest,
) -> DeliverError {
    DeliverError::Tampered {
        title: sighting.spec.title(),
        repository: sighting.source.id().to_owned(),
        what,
        actual: Box::new(actual),
        wanted: Box::new(wanted),
    }
}

/// Name of the file of a content.
fn file(sighting: &Sighting<'_>) -> String {
    let manifest = &sighting.spec.manifest;
    let ending = match &manifest.packaging {
        Packaging::Bundle => "tar.gz",
        Packaging::Template => "yaml",
        Packaging::Unsupported(_) => "content",
    };
    let file = sighting.spec.release.content.file.clone();
    file.unwrap_or_else(|| format!("{}-{}.{ending}", manifest.name, manifest.version))
}
