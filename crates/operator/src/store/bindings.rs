//! Projections and records that workflows use. The counts decide whether a Secret is still needed.

use std::collections::HashMap;
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
    projections: HashMap<ObjectKey, i64>,
    records: HashMap<RecordKey, i64>,
}

impl BindingStore {
    /// Returns the bindings of a workflow.
    pub(crate) fn get(&self, workflow: &ObjectKey) -> &[BoundRequirement] {
        self.by_workflow.get(workflow).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of requirements bound to a projection.
    pub(crate) fn consumers(&self, projection: &ObjectKey) -> i64 {
        self.projections.get(projection).copied().unwrap_or(0)
    }

    /// Returns the workflows with a requirement bound to a projection. Scans all workflows; called only for
    /// user-scoped and lost projections.
    pub(crate) fn consuming_workflows(&self, projection: &ObjectKey) -> Vec<ObjectKey> {
        let uses = |bound: &BoundRequirement| bound.projection == projection.name;
        self.by_workflow
            .iter()
            .filter(|(workflow, _)| workflow.namespace == projection.namespace)
            .filter(|(_, bound)| bound.iter().any(uses))
            .map(|(workflow, _)| workflow.clone())
            .collect()
    }

    /// Returns the number of requirements bound to a record.
    pub(crate) fn record_consumers(&self, record: &RecordKey) -> i64 {
        self.records.get(record).copied().unwrap_or(0)
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
                change(&mut self.projections, projection, step);
                change(&mut self.records, entry.record.clone(), step);
                touched.push(entry);
            }
        }
        touched.sort();
        touched.dedup();
        touched
    }
}

fn change<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, i64>, key: K, step: i64) {
    match counts.entry(key) {
        std::collections::hash_map::Entry::Occupied(mut entry) => {
            *entry.get_mut() += step;
            if *entry.get() <= 0 {
                entry.remove();
            }
        }
        std::collections::hash_map::Entry::Vacant(entry) => {
            if step > 0 {
                entry.insert(step);
            }
        }
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
        assert!(bindings.set(&second, vec![bound("x")]).is_empty());
        assert_eq!(
            bindings.set(&first, Vec::new()),
            vec![bound("x"), bound("y")]
        );
        assert_eq!(bindings.consumers(&ObjectKey::new("a", "ext-x")), 1);
        assert_eq!(bindings.consumers(&ObjectKey::new("a", "ext-y")), 0);
    }
}
