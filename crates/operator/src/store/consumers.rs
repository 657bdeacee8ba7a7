//! Projections and records that workflows and bindings use. The counts decide whether a Secret is still needed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;

use extension_registry_api::workflow::Binding;
use extension_registry_core::record::RecordKey;
use extension_registry_render::ObjectKey;

/// An object with requirements.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Consumer {
    /// A workflow.
    Workflow(ObjectKey),
    /// An `ExtensionBinding`.
    Binding(ObjectKey),
}

impl Consumer {
    /// Returns its namespace and name.
    pub(crate) fn key(&self) -> &ObjectKey {
        match self {
            Self::Workflow(key) | Self::Binding(key) => key,
        }
    }
}

/// A bound requirement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BoundRequirement {
    /// Name of the projection and its Secret, in the consumer's namespace.
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
                record: RecordKey::of_kind(&binding.kind, &workflow.namespace, &binding.record),
            })
            .collect()
    }
}

/// What all consumers use: the bindings of all existing pipelines, and the services of all bindings.
#[derive(Debug, Default)]
pub(crate) struct ConsumerStore {
    bound: HashMap<Consumer, Vec<BoundRequirement>>,
    projections: HashMap<ObjectKey, Consumers>,
    records: HashMap<RecordKey, Consumers>,
}

/// The consumers of a projection or a record.
#[derive(Debug, Default)]
struct Consumers {
    /// Number of bound requirements of each consumer; none is zero.
    counts: HashMap<Consumer, i64>,
    /// Sum of the numbers.
    requirements: i64,
}

impl ConsumerStore {
    /// Returns what a consumer uses.
    pub(crate) fn get(&self, consumer: &Consumer) -> &[BoundRequirement] {
        self.bound.get(consumer).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of requirements bound to a projection.
    pub(crate) fn count(&self, projection: &ObjectKey) -> i64 {
        self.projections
            .get(projection)
            .map_or(0, |consumers| consumers.requirements)
    }

    /// Returns the consumers of a projection.
    pub(crate) fn using(&self, projection: &ObjectKey) -> Vec<Consumer> {
        consumers(self.projections.get(projection))
    }

    /// Returns the consumers of a record.
    pub(crate) fn bound_to(&self, record: &RecordKey) -> Vec<Consumer> {
        consumers(self.records.get(record))
    }

    /// Returns the number of requirements bound to a record.
    pub(crate) fn record_count(&self, record: &RecordKey) -> i64 {
        self.records
            .get(record)
            .map_or(0, |consumers| consumers.requirements)
    }

    /// Sets what a consumer uses and returns the entries whose counts changed.
    pub(crate) fn set(
        &mut self,
        consumer: &Consumer,
        bound: Vec<BoundRequirement>,
    ) -> Vec<BoundRequirement> {
        if self.get(consumer) == bound {
            return Vec::new();
        }
        let before = if bound.is_empty() {
            self.bound.remove(consumer).unwrap_or_default()
        } else {
            self.bound
                .insert(consumer.clone(), bound.clone())
                .unwrap_or_default()
        };
        let mut touched: Vec<BoundRequirement> = Vec::new();
        for (list, step) in [(before, -1), (bound, 1)] {
            for entry in list {
                let projection = ObjectKey {
                    namespace: Arc::clone(&consumer.key().namespace),
                    name: Arc::clone(&entry.projection),
                };
                change(&mut self.projections, projection, consumer, step);
                change(&mut self.records, entry.record.clone(), consumer, step);
                touched.push(entry);
            }
        }
        touched.sort();
        touched.dedup();
        touched
    }
}

fn consumers(consumers: Option<&Consumers>) -> Vec<Consumer> {
    consumers.map_or_else(Vec::new, |consumers| {
        consumers.counts.keys().cloned().collect()
    })
}

/// Adds `step` to the number of requirements of a consumer. Removes what becomes zero.
fn change<K: Hash + Eq>(all: &mut HashMap<K, Consumers>, key: K, consumer: &Consumer, step: i64) {
    let mut entry = match all.entry(key) {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(entry) => entry.insert_entry(Consumers::default()),
    };
    let consumers = entry.get_mut();
    consumers.requirements += step;
    let count = consumers.counts.entry(consumer.clone()).or_default();
    *count += step;
    if *count == 0 {
        consumers.counts.remove(consumer);
    }
    if consumers.counts.is_empty() {
        entry.remove();
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::record::RecordKey;
    use extension_registry_render::ObjectKey;

    use super::{BoundRequirement, Consumer, ConsumerStore};

    fn bound(name: &str) -> BoundRequirement {
        BoundRequirement {
            projection: format!("ext-{name}").into(),
            record: RecordKey::cluster(name),
        }
    }

    #[test]
    fn set_updates_consumer_counts() {
        let mut consumers = ConsumerStore::default();
        let key = ObjectKey::new("a", "same");
        let (first, second) = (Consumer::Workflow(key.clone()), Consumer::Binding(key));
        consumers.set(&first, vec![bound("x"), bound("y")]);
        consumers.set(&second, vec![bound("x")]);
        assert_eq!(consumers.count(&ObjectKey::new("a", "ext-x")), 2);
        assert_eq!(consumers.count(&ObjectKey::new("b", "ext-x")), 0);
        assert_eq!(consumers.record_count(&RecordKey::cluster("x")), 2);
        let mut of_x = consumers.bound_to(&RecordKey::cluster("x"));
        of_x.sort();
        assert_eq!(of_x, [first.clone(), second.clone()]);
        assert!(consumers.set(&second, vec![bound("x")]).is_empty());
        assert_eq!(
            consumers.set(&first, Vec::new()),
            vec![bound("x"), bound("y")]
        );
        assert_eq!(consumers.count(&ObjectKey::new("a", "ext-x")), 1);
        assert_eq!(consumers.count(&ObjectKey::new("a", "ext-y")), 0);
        assert_eq!(consumers.bound_to(&RecordKey::cluster("x")), [second]);
        assert!(consumers.using(&ObjectKey::new("a", "ext-y")).is_empty());
    }
}
