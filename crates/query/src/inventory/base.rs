//! Existing objects, which the files may replace.

use std::sync::Arc;

use extension_registry_core::diagnostic::Failure;
use extension_registry_core::record::RecordKey;

use super::files::{self, Input};
use super::log::ReadLog;
use super::model::Inventory;
use crate::Result;
use crate::finding::Finding;

/// Flag for files with existing objects.
pub const BASE: &str = "--base";

impl Inventory {
    /// Adds existing records and Secrets. They are not linted, and objects in the files replace them.
    ///
    /// # Errors
    /// If a file cannot be read, no file contains an object, or an object is invalid.
    pub fn add_existing(&mut self, base: &Input<'_>, log: &mut ReadLog) -> Result<()> {
        let mut existing = self.empty_like();
        for text in files::read(base, &mut existing.findings, log)? {
            existing.add_text(&text.file, &text.text);
        }
        existing.check_not_empty(base)?;
        existing.finish();
        let is_wrong = existing.findings.iter().any(Finding::is_error);
        log.findings.append(&mut existing.findings);
        if is_wrong {
            return Err(Failure::new(format!("{BASE} has errors")).hint("fix them first"));
        }
        for record in existing.index.records() {
            if !self.contains(&record.key) {
                self.index.insert(Arc::clone(record));
            }
        }
        self.secrets.add_unknown(existing.secrets);
        self.finish();
        self.has_base = true;
        Ok(())
    }

    /// Returns whether a record is in the files, valid or not.
    fn contains(&self, key: &RecordKey) -> bool {
        let object = match &key.namespace {
            Some(namespace) => format!("Extension {namespace}/{}", key.name),
            None => format!("ClusterExtension {}", key.name),
        };
        self.seen.contains_key(&object)
    }
}
