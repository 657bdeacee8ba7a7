//! Delivers packages from the cache.

use std::fs;
use std::io;

use extension_registry_core::diagnostic::Note;
use extension_registry_core::version::VersionRange;

use super::gather::check_single_kind;
use super::{DeliverError, Delivery, Loader, Step, key, verdict_warnings};
use crate::cache::Entry;
use crate::manifest::{self, Kind};
use crate::repository::OciManifest;
use crate::signature::Statement;
use crate::trust::other_document;
use crate::version;

impl Loader<'_> {
    /// Returns the newest cached version in a range, without querying a source. A cached version may not be the
    /// newest available one. A choice between several builds of it is a warning.
    ///
    /// # Errors
    /// Returns an error if it is not trusted any more or corrupt, or if `kind` is None and the name is cached
    /// with two types.
    pub fn here(
        &self,
        name: &str,
        range: &VersionRange,
        kind: Option<&Kind>,
    ) -> Result<Option<Delivery>, DeliverError> {
        let mut entries = self.cache.find(name)?.entries;
        entries.retain(|entry| kind.is_none_or(|kind| *kind == entry.kind));
        entries.retain(|entry| self.permits(entry));
        check_single_kind(&entries, range)?;
        let versions = entries.iter().map(|entry| &entry.version);
        let Ok(newest) = version::newest(range, versions.clone()).cloned() else {
            return Ok(None);
        };
        let fitting = versions.filter(|version| version::admits(range, version));
        let choice = version::build_choice(&newest, fitting);
        let Some(entry) = entries.into_iter().find(|entry| entry.version == newest) else {
            return Ok(None);
        };
        let mut delivery = self.known(entry)?;
        let choice = choice.map(|note| note.under(format!("{name} in the cache")));
        delivery.warnings.extend(choice);
        Ok(Some(delivery))
    }

    /// Returns a cached version after evaluating it again: a key may have been revoked.
    ///
    /// # Errors
    /// Returns an error if it is not trusted any more, or corrupt.
    pub fn known(&self, entry: Entry) -> Result<Delivery, DeliverError> {
        let key = key(&entry.kind, &entry.name, &entry.version);
        if let Some(known) = self.memory.borrow().get(&key)
            && known.entry.content.digest == entry.content.digest
        {
            let mut known = known.clone();
            known.steps = vec![Step::Memory];
            return Ok(known);
        }
        self.cache.verify(&entry)?;
        let path = entry.configuration_path();
        let unreadable = |error| DeliverError::File {
            path: path.clone(),
            error,
        };
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let (manifest, _) = manifest::read(&text);
        let manifest =
            manifest.ok_or_else(|| unreadable(io::Error::other("invalid package manifest")))?;
        let unchecked = self.fits(&manifest)?;
        let statement = Statement::of(
            &manifest,
            entry.content.digest,
            entry.own_configuration(),
            entry.document_digest(),
        );
        let signatures = self.cache.signatures(&entry)?;
        let around = match entry.oci_manifest_path() {
            Some(path) => {
                let bytes = fs::read(&path).map_err(|error| DeliverError::File { path, error })?;
                Some(OciManifest::of(bytes))
            }
            None => None,
        };
        let repository = &entry.repository;
        let verdict = self.judge(repository, &statement, around.as_ref(), &signatures)?;
        match self.cache.touch(&entry) {
            // A cache that is shared or mounted read-only can still be read.
            Err(error) if error.is_read_only() => {}
            outcome => outcome?,
        }
        let mut warnings = verdict_warnings(&verdict);
        if let Some(path) = entry.document_path() {
            let bytes = fs::read(&path).map_err(|error| DeliverError::File { path, error })?;
            let other = other_document(&bytes, entry.content.digest);
            let title = || format!("{} {}", entry.name, entry.version);
            warnings.extend(other.map(|other| Note::of(&other).under(title())));
        }
        let delivery = Delivery {
            warnings,
            steps: vec![Step::Cache, Step::Trust(verdict.by().to_vec())],
            entry,
            manifest,
            verdict,
            unchecked,
        };
        self.keep(&delivery);
        Ok(delivery)
    }
}
