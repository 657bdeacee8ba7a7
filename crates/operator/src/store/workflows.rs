//! Workflows, whole: their specs are resolved again whenever a record changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::version_number;
use kube::ResourceExt;

/// All workflows.
#[derive(Debug, Default)]
pub(crate) struct Workflows {
    entries: HashMap<ObjectKey, Arc<Workflow>>,
    /// Objects that do not have the shape of a Workflow.
    broken: HashSet<ObjectKey>,
}

impl Workflows {
    /// The workflow of that key.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<Workflow>> {
        self.entries.get(key)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<Workflow>)> {
        self.entries.iter()
    }

    /// Number of workflows.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes in an object; true when it is news. What was written by the operator itself is known
    /// already when its echo arrives.
    pub(crate) fn upsert(&mut self, key: &ObjectKey, workflow: Workflow) -> bool {
        self.broken.remove(key);
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

    /// Notes an object that does not have the shape of a Workflow; true when that is news.
    pub(crate) fn upsert_broken(&mut self, key: &ObjectKey) -> bool {
        self.entries.remove(key);
        self.broken.insert(key.clone())
    }

    /// Whether the object is there but unreadable.
    pub(crate) fn is_broken(&self, key: &ObjectKey) -> bool {
        self.broken.contains(key)
    }

    /// Forgets a workflow.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        self.broken.remove(key);
        self.entries.remove(key).is_some()
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys().chain(&self.broken)
    }
}
