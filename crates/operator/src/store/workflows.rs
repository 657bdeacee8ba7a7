//! Complete workflows, whose specs are resolved again when a record changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use kube::ResourceExt;

/// All workflows.
#[derive(Debug, Default)]
pub(crate) struct WorkflowStore {
    entries: HashMap<ObjectKey, Arc<Workflow>>,
    /// Objects that do not match the schema.
    invalid: HashSet<ObjectKey>,
}

impl WorkflowStore {
    /// Returns the workflow of a key.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<Workflow>> {
        self.entries.get(key)
    }

    /// Returns all workflows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<Workflow>)> {
        self.entries.iter()
    }

    /// Returns the number of workflows.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds or updates a workflow; `true` if it is newer than the cached one. The echo of a write by the
    /// operator is not.
    pub(crate) fn upsert(&mut self, key: &ObjectKey, workflow: Workflow) -> bool {
        self.invalid.remove(key);
        let version = version_number(workflow.resource_version().as_deref());
        if let Some(known) = self.entries.get(key)
            && known.uid() == workflow.uid()
            && version_number(known.resource_version().as_deref()) >= version
        {
            return false;
        }
        self.entries.insert(key.clone(), Arc::new(workflow));
        true
    }

    /// Adds an object that does not match the schema; `true` if it was not known to be invalid.
    pub(crate) fn upsert_invalid(&mut self, key: &ObjectKey) -> bool {
        self.entries.remove(key);
        self.invalid.insert(key.clone())
    }

    /// Returns whether the object exists but does not match the schema.
    pub(crate) fn is_invalid(&self, key: &ObjectKey) -> bool {
        self.invalid.contains(key)
    }

    /// Removes a workflow; `true` if it existed and was valid.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        self.invalid.remove(key);
        self.entries.remove(key).is_some()
    }

    /// Returns all keys, including those of invalid workflows.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys().chain(&self.invalid)
    }
}
