//! Metadata of generated pipelines.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_render::ObjectKey;

/// A pipeline with the operator's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PipelineEntry {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// `metadata.generation`, which changes with the spec.
    pub generation: i64,
    /// uid of the controlling owner.
    pub controller: Option<Arc<str>>,
    /// Whether the controlling owner is a workflow.
    pub has_workflow_owner: bool,
}

/// All generated pipelines.
#[derive(Debug, Default)]
pub(crate) struct PipelineStore {
    entries: HashMap<ObjectKey, PipelineEntry>,
}

impl PipelineStore {
    /// Returns the entry of a key.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&PipelineEntry> {
        self.entries.get(key)
    }

    /// Adds or updates an entry; `true` if it changed.
    pub(crate) fn upsert(&mut self, key: ObjectKey, entry: PipelineEntry) -> bool {
        if let Some(known) = self.entries.get(&key)
            && known.uid == entry.uid
            && known.version >= entry.version
        {
            return false;
        }
        let changed = self.entries.get(&key).is_none_or(|known| {
            known.uid != entry.uid
                || known.generation != entry.generation
                || known.controller != entry.controller
        });
        self.entries.insert(key, entry);
        changed
    }

    /// Removes a pipeline; `true` if it existed.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Returns all keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys()
    }
}
