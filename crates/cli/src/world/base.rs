//! What there is already, and what of it the files replace.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use extension_registry_core::record::RecordKey;

use super::{World, files};
use crate::report::human::complain;

/// The flag that names it.
pub(crate) const BASE: &str = "--base";

impl World {
    /// Adds what there is already. It can be asked for, and is not judged itself; what the files say of
    /// the same object holds.
    pub(super) fn stand_on(&mut self, base: &[PathBuf]) -> Result<()> {
        let mut ground = self.beside();
        for text in files::read(base, BASE, &mut ground.findings)? {
            ground.add_text(&text.file, &text.text);
        }
        ground.has_something(base)?;
        ground.sort();
        ensure!(
            !complain(&ground.findings)?,
            "{BASE} has errors, so nobody can tell what it offers; hint: mend it first"
        );
        for record in ground.index.records() {
            if !self.says_something_of(&record.key) {
                self.index.insert(Arc::clone(record));
            }
        }
        self.secrets.add_unknown(ground.secrets);
        self.has_base = true;
        Ok(())
    }

    /// Whether a record is among the files, sound or not.
    fn says_something_of(&self, key: &RecordKey) -> bool {
        let object = match &key.namespace {
            Some(namespace) => format!("Extension {namespace}/{}", key.name),
            None => format!("ClusterExtension {}", key.name),
        };
        self.seen.contains_key(&object)
    }

    /// Whether records are known that a workflow may ask for.
    pub(crate) fn knows_records(&self) -> bool {
        self.has_base || !self.records.is_empty()
    }

    /// Whether all is known that a workflow may ask for: it was said, or the records of the cluster are
    /// among the files. A project keeps its own records beside its workflows, and those of the cluster
    /// elsewhere.
    pub(crate) fn knows_cluster(&self) -> bool {
        let mut objects = self.seen.keys();
        self.has_base || objects.any(|object| object.starts_with("ClusterExtension "))
    }
}
