//! Existing objects, which the files may replace.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use extension_registry_core::record::RecordKey;

use super::{Inventory, files};
use crate::report::human::print_findings;

/// Flag for files with existing objects.
pub(crate) const BASE: &str = "--base";

impl Inventory {
    /// Adds existing records and Secrets. They are not linted, and objects in the files replace them.
    pub(super) fn load_base(&mut self, base: &[PathBuf]) -> Result<()> {
        let mut existing = self.empty_like();
        for text in files::read(base, BASE, &mut existing.findings)? {
            existing.add_text(&text.file, &text.text);
        }
        existing.check_not_empty(base)?;
        existing.sort();
        ensure!(
            !print_findings(&existing.findings)?,
            "{BASE} has errors; hint: fix them first"
        );
        for record in existing.index.records() {
            if !self.contains(&record.key) {
                self.index.insert(Arc::clone(record));
            }
        }
        self.secrets.add_unknown(existing.secrets);
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

    /// Returns whether any records are known that workflows may require.
    pub(crate) fn knows_records(&self) -> bool {
        self.has_base || !self.records.is_empty()
    }

    /// Returns whether all records are known that workflows may require: from `--base`, or because the files
    /// contain cluster-scoped records. Projects often keep only their own records with their workflows.
    pub(crate) fn knows_cluster(&self) -> bool {
        let mut objects = self.seen.keys();
        self.has_base || objects.any(|object| object.starts_with("ClusterExtension "))
    }
}
