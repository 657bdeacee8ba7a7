//! Delivers packages from a source.

use std::io;

use extension_registry_core::diagnostic::Note;

use super::{DeliverError, Delivery, Loader, Step, verdict_warnings};
use crate::bundle::Limits;
use crate::cache::{Content, Entry, Item, Partial};
use crate::catalog::ResolvedVersion;
use crate::digest::Digest;
use crate::manifest::{Kind, Packaging};
use crate::progress::Progress;
use crate::repository::{Description, Document, DocumentFormat, PartialDownload};
use crate::signature::{Signature, Statement};
use crate::trust::{Verdict, other_document};

impl Loader<'_> {
    /// Delivers a version from a source. Content that is already in the cache is not downloaded, unless `force`
    /// is set; with `force`, other cached content of this version is replaced.
    ///
    /// # Errors
    /// Returns an error if it is not trusted, is corrupt, or a source or the cache fails. Nothing remains then,
    /// except an interrupted download.
    pub async fn fetch(
        &self,
        resolved: &ResolvedVersion<'_>,
        force: bool,
        progress: &dyn Progress,
    ) -> Result<Delivery, DeliverError> {
        let (repository, release) = (&resolved.source.repository, &resolved.spec.release);
        let manifest = &resolved.spec.manifest;
        if let Kind::Unsupported(name) = &manifest.kind {
            return Err(DeliverError::Unsupported {
                title: resolved.spec.title(),
                what: format!("type `{name}`"),
            });
        }
        let unchecked = self.fits(manifest)?;
        let mut steps = vec![Step::Source(repository.id().to_owned())];
        let signatures = repository.signatures(release).await?;
        // Only content with a known digest can be evaluated before it is downloaded.
        let document = match &release.document {
            Some(blob) if blob.digest.is_none() => Some(read_document(resolved).await?),
            _ => None,
        };
        let mut verdict = None;
        if let Some(content) = release.content.digest {
            let digest = match &document {
                Some(document) => document.as_ref().map(digest),
                None => resolved.spec.document(),
            };
            let judged = self.judged(resolved, content, digest, &signatures)?;
            steps.push(Step::Trust(judged.by().to_vec()));
            if !force && let Some(mut known) = self.same(resolved)? {
                steps.push(Step::Cache);
                known.steps = steps;
                return Ok(known);
            }
            verdict = Some(judged);
        }

        let document = match document {
            Some(document) => document,
            None => read_document(resolved).await?,
        };
        let partial = self.partial(resolved)?;
        let (content, bytes) = self.download_content(resolved, &partial, progress).await?;
        steps.push(Step::Download { bytes });
        let verdict = if let Some(verdict) = verdict {
            verdict
        } else {
            let digest = document.as_ref().map(digest);
            let judged = self.judged(resolved, content, digest, &signatures)?;
            steps.push(Step::Trust(judged.by().to_vec()));
            judged
        };
        let mut warnings = Vec::new();
        let other = document
            .as_ref()
            .and_then(|document| other_document(&document.bytes, content));
        warnings.extend(other.map(|other| Note::of(&other).under(resolved.spec.title())));
        let with_http_cache = StoreOptions {
            content,
            document: document.as_ref(),
            signatures: &signatures,
            verdict: &verdict,
            force,
        };
        let entry = self.store(resolved, &partial, &with_http_cache)?;
        steps.push(Step::Stored);
        warnings.extend(verdict_warnings(&verdict));
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
        resolved: &ResolvedVersion<'_>,
        content: Digest,
        document: Option<Digest>,
        signatures: &[Signature],
    ) -> Result<Verdict, DeliverError> {
        let spec = &resolved.spec;
        let statement = Statement::of(&spec.manifest, content, spec.configuration(), document);
        self.judge(
            &spec.repository,
            &statement,
            spec.release.manifest.as_ref(),
            signatures,
        )
    }

    /// Returns the cache entry if it has the same content.
    fn same(&self, resolved: &ResolvedVersion<'_>) -> Result<Option<Delivery>, DeliverError> {
        let spec = &resolved.spec;
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
                .filter(|entry| self.permits(entry) && is_same(entry))
                .map(|entry| self.known(entry))
                .transpose(),
            Err(error) => Err(error.into()),
        };
        match known {
            // A cached copy that is corrupt, or signed by an expired or revoked key, is fetched again: the
            // source was just evaluated.
            Err(error) if error.is_cache_error() => Ok(None),
            known => known,
        }
    }

    fn partial(&self, resolved: &ResolvedVersion<'_>) -> Result<Partial, DeliverError> {
        let release = &resolved.spec.release;
        let place = || format!("{} {}", resolved.spec.repository, release.locator);
        let digest = release.content.digest;
        let key = digest.unwrap_or_else(|| Digest::of(place().as_bytes()));
        Ok(self.cache.partial(&key.to_string())?)
    }

    /// Downloads the content; returns its digest and the number of downloaded bytes.
    async fn download_content(
        &self,
        resolved: &ResolvedVersion<'_>,
        partial: &Partial,
        progress: &dyn Progress,
    ) -> Result<(Digest, u64), DeliverError> {
        let failed = |error: io::Error| DeliverError::File {
            path: partial.path().to_owned(),
            error,
        };
        let mut download_file =
            PartialDownload::open(partial.path(), self.most, progress).map_err(failed)?;
        let before = download_file.written();
        let release = &resolved.spec.release;
        resolved
            .source
            .repository
            .fetch(release, &mut download_file)
            .await?;
        let content = download_file.digest();
        if let Some(wanted) = release.content.digest
            && wanted != content
        {
            download_file.restart().map_err(failed)?;
            return Err(tampered(resolved, "content", content, wanted));
        }
        Ok((content, download_file.written().saturating_sub(before)))
    }

    fn store(
        &self,
        resolved: &ResolvedVersion<'_>,
        partial: &Partial,
        with_http_cache: &StoreOptions<'_>,
    ) -> Result<Entry, DeliverError> {
        let (manifest, release) = (&resolved.spec.manifest, &resolved.spec.release);
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
            repository: resolved.source.id(),
            locator: &release.locator,
            manifest: release
                .manifest
                .as_ref()
                .map(|around| around.bytes.as_slice()),
            configuration,
            is_foreign,
            content: Content {
                path: partial.path(),
                file: &file(resolved),
                digest: Some(with_http_cache.content),
            },
            document: with_http_cache.document,
            signatures: with_http_cache.signatures,
            trusted_by: with_http_cache.verdict.by(),
            published: release.published.as_deref(),
            // Reject a malicious archive before anything is stored.
            unpack: is_bundle.then(Limits::default),
            replace: with_http_cache.force,
        })?;
        Ok(entry)
    }
}

/// Reads the document of a version, and verifies its digest if the source knows it.
///
/// # Errors
/// Returns an error if the source fails, or the document has another digest.
pub async fn read_document(
    resolved: &ResolvedVersion<'_>,
) -> Result<Option<Document>, DeliverError> {
    let release = &resolved.spec.release;
    let Some(blob) = &release.document else {
        return Ok(None);
    };
    let Some(bytes) = resolved.source.repository.document(release).await? else {
        return Ok(None);
    };
    let actual = Digest::of(&bytes);
    if let Some(wanted) = blob.digest
        && wanted != actual
    {
        return Err(tampered(resolved, "document", actual, wanted));
    }
    let format = DocumentFormat::of(blob.file.as_deref(), &bytes);
    Ok(Some(Document { bytes, format }))
}

/// What to store of a package beside the metadata of its source.
struct StoreOptions<'k> {
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
    resolved: &ResolvedVersion<'_>,
    what: &'static str,
    actual: Digest,
    wanted: Digest,
) -> DeliverError {
    DeliverError::Tampered {
        title: resolved.spec.title(),
        repository: resolved.source.id().to_owned(),
        what,
        actual: Box::new(actual),
        wanted: Box::new(wanted),
    }
}

/// Returns the file name of a content.
fn file(resolved: &ResolvedVersion<'_>) -> String {
    let manifest = &resolved.spec.manifest;
    let ending = match &manifest.packaging {
        Packaging::Bundle => "tar.gz",
        Packaging::Template => "yaml",
        Packaging::Unsupported(_) => "content",
    };
    let file = resolved.spec.release.content.file.clone();
    file.unwrap_or_else(|| format!("{}-{}.{ending}", manifest.name, manifest.version))
}
