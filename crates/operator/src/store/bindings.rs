//! Projections and records that workflows use. The counts decide whether a Secret is still needed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;

use extension_registry_api::workflow::Binding;
use extension_registry_core::record::{RecordKey, RecordKind};
use extension_registry_render::ObjectKey;

/// A bound requirement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BoundRequirement {
    /// Name of the projection and its Secret, in the workflow's namespace.
    pub projection: Arc<str>,
    pub record: RecordKey,
}

impl BoundRequirement {
    /// Returns the bindings in the status of a workflow.
    pub(crate) fn from_status(workflow: &ObjectKey, bindings: &[Binding]) -> Vec<Self> {
        bindings
            .iter()
            .map(|binding| Self {
                projection: binding.secret.as_str().into(),
                record: if binding.kind == RecordKind::Extension.as_str() {
                    RecordKey::project(Arc::clone(&workflow.namespace), binding.record.as_str())
                } else {
                    RecordKey::cluster(binding.record.as_str())
                },
            })
            .collect()
    }
}

/// The bindings of all existing pipelines.
#[derive(Debug, Default)]
pub(crate) struct BindingStore {
    by_workflow: HashMap<ObjectKey, Vec<BoundRequirement>>,
    projections: HashMap<ObjectKey, Consumers>,
    records: HashMap<RecordKey, Consumers>,
}

/// The consumers of a projection or a record.
#[derive(Debug, Default)]
struct Consumers {
    /// Number of bound requirements of each workflow; none is zero.
    workflows: HashMap<ObjectKey, i64>,
    /// Sum of the numbers.
    requirements: i64,
}

impl BindingStore {
    /// Returns the bindings of a workflow.
    pub(crate) fn get(&self, workflow: &ObjectKey) -> &[BoundRequirement] {
        self.by_workflow.get(workflow).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of requirements bound to a projection.
    pub(crate) fn consumers(&self, projection: &ObjectKey) -> i64 {
        self.projections
            .get(projection)
            .map_or(0, |consumers| consumers.requirements)
    }

    /// Returns the workflows with a requirement bound to a projection.
    pub(crate) fn consuming_workflows(&self, projection: &ObjectKey) -> Vec<ObjectKey> {
        workflows(self.projections.get(projection))
    }

    /// Returns the workflows with a requirement bound to a record.
    pub(crate) fn workflows_bound_to(&self, record: &RecordKey) -> Vec<ObjectKey> {
        workflows(self.records.get(record))
    }

    /// Returns the number of requirements bound to a record.
    pub(crate) fn record_consumers(&self, record: &RecordKey) -> i64 {
        self.records
            .get(record)
            .map_or(0, |consumers| consumers.requirements)
    }

    /// Sets the bindings of a workflow and returns those whose counts changed.
    pub(crate) fn set(
        &mut self,
        workflow: &ObjectKey,
        bound: Vec<BoundRequirement>,
    ) -> Vec<BoundRequirement> {
        if self.get(workflow) == bound {
            return Vec::new();
        }
        let before = if bound.is_empty() {
            self.by_workflow.remove(workflow).unwrap_or_default()
        } else {
            self.by_workflow
                .insert(workflow.clone(), bound.clone())
                .unwrap_or_default()
        };
        let mut touched: Vec<BoundRequirement> = Vec::new();
        for (list, step) in [(before, -1), (bound, 1)] {
            for entry in list {
                let projection = ObjectKey {
                    namespace: Arc::clone(&workflow.namespace),
                    name: Arc::clone(&entry.projection),
                };
                change(&mut self.projections, projection, workflow, step);
                change(&mut self.records, entry.record.clone(), workflow, step);
                touched.push(entry);
            }
        }
        touched.sort();
        touched.dedup();
        touched
    }
}

fn workflows(consumers: Option<&Consumers>) -> Vec<ObjectKey> {
    consumers.map_or_else(Vec::new, |consumers| {
        consumers.workflows.keys().cloned().collect()
    })
}

/// Adds `step` to the number of requirements of a workflow. Removes what becomes zero.
fn change<K: Hash + Eq>(all: &mut HashMap<K, Consumers>, key: K, workflow: &ObjectKey, step: i64) {
    let mut entry = match all.entry(key) {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(entry) => entry.insert_entry(Consumers::default()),
    };
    let consumers = entry.get_mut();
    consumers.requirements += step;
    let count = consumers.workflows.entry(workflow.clone()).or_default();
    *count += step;
    if *count == 0 {
        consumers.workflows.remove(workflow);
    }
    if consumers.workflows.is_empty() {
        entry.remove();
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::record::RecordKey;
    use extension_registry_render::ObjectKey;

    use super::{BindingStore, BoundRequirement};

    fn bound(name: &str) -> BoundRequirement {
        BoundRequirement {
            projection: format!("ext-{name}").into(),
            record: RecordKey::cluster(name),
        }
    }

    #[test]
    fn set_updates_consumer_counts() {
        let mut bindings = BindingStore::default();
        let (first, second) = (ObjectKey::new("a", "first"), ObjectKey::new("a", "second"));
        bindings.set(&first, vec![bound("x"), bound("y")]);
        bindings.set(&second, vec![bound("x")]);
        assert_eq!(bindings.consumers(&ObjectKey::new("a", "ext-x")), 2);
        assert_eq!(bindings.consumers(&ObjectKey::new("b", "ext-x")), 0);
        assert_eq!(bindings.record_consumers(&RecordKey::cluster("x")), 2);
        let mut of_x = bindings.workflows_bound_to(&RecordKey::cluster("x"));
        of_x.sort();
        assert_eq!(of_x, [first.clone(), second.clone()]);
        assert!(bindings.set(&second, vec![bound("x")]).is_empty());
        assert_eq!(
            bindings.set(&first, Vec::new()),
            vec![bound("x"), bound("y")]
        );
        assert_eq!(bindings.consumers(&ObjectKey::new("a", "ext-x")), 1);
        assert_eq!(bindings.consumers(&ObjectKey::new("a", "ext-y")), 0);
        assert_eq!(
            bindings.workflows_bound_to(&RecordKey::cluster("x")),
            [second]
        );
        assert!(
            bindings
                .consuming_workflows(&ObjectKey::new("a", "ext-y"))
                .is_empty()
        );
    }
}
