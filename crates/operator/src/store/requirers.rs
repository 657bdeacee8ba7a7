//! Complete workflows and bindings, whose requirements are resolved again when a record changes.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use extension_registry_api::requirement::ServiceRequirement;
use extension_registry_api::status::{RESOLVED, is_true};
use extension_registry_api::{ExtensionBinding, Workflow};
use extension_registry_core::record::Record;
use extension_registry_core::requirement::{Field, selects};
use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

/// An object with requirements.
pub(crate) trait Requirer: ResourceExt + Debug {
    /// Returns its requirements.
    fn requirements(&self) -> impl Iterator<Item = &ServiceRequirement>;

    /// Returns the conditions in its status.
    fn conditions(&self) -> &[Condition];
}

impl Requirer for Workflow {
    fn requirements(&self) -> impl Iterator<Item = &ServiceRequirement> {
        let requirements = self.spec.steps.iter().flat_map(|step| &step.extensions);
        requirements.map(|named| &named.requirement)
    }

    fn conditions(&self) -> &[Condition] {
        let status = self.status.as_ref();
        status.map_or(&[], |status| &status.conditions)
    }
}

impl Requirer for ExtensionBinding {
    fn requirements(&self) -> impl Iterator<Item = &ServiceRequirement> {
        std::iter::once(&self.spec.requirement)
    }

    fn conditions(&self) -> &[Condition] {
        let status = self.status.as_ref();
        status.map_or(&[], |status| &status.conditions)
    }
}

/// All workflows.
pub(crate) type WorkflowStore = RequirerStore<Workflow>;

/// All bindings.
pub(crate) type BindingStore = RequirerStore<ExtensionBinding>;

/// All objects of a kind, indexed by the changes that affect them.
#[derive(Debug)]
pub(crate) struct RequirerStore<T> {
    entries: HashMap<ObjectKey, Arc<T>>,
    /// Objects that do not match the schema.
    invalid: HashSet<ObjectKey>,
    /// Objects whose status does not say that every requirement is resolved.
    unresolved: HashSet<ObjectKey>,
    selectors: SelectorIndex,
}

impl<T> Default for RequirerStore<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            invalid: HashSet::new(),
            unresolved: HashSet::new(),
            selectors: SelectorIndex::default(),
        }
    }
}

impl<T: Requirer> RequirerStore<T> {
    /// Returns the object of a key.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&Arc<T>> {
        self.entries.get(key)
    }

    /// Returns all objects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<T>)> {
        self.entries.iter()
    }

    /// Returns the objects with a requirement whose exact selectors match a service of the record. The resolver
    /// checks version and access.
    pub(crate) fn selecting<'s>(
        &'s self,
        record: &'s Record,
    ) -> impl Iterator<Item = &'s ObjectKey> {
        self.selectors.candidates(record).filter(|key| {
            let object = self.entries.get(*key);
            object.is_some_and(|object| {
                let mut requirements = object.requirements();
                requirements.any(|requirement| may_match(requirement, record))
            })
        })
    }

    /// Returns the objects that are not resolved.
    pub(crate) fn unresolved(&self) -> impl Iterator<Item = &ObjectKey> {
        self.unresolved.iter()
    }

    /// Returns the number of objects.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds or updates an object; `true` if it is newer than the cached one. The echo of a write by the
    /// operator is not.
    pub(crate) fn upsert(&mut self, key: &ObjectKey, object: T) -> bool {
        self.invalid.remove(key);
        let version = version_number(object.resource_version().as_deref());
        if let Some(known) = self.entries.get(key)
            && known.uid() == object.uid()
            && version_number(known.resource_version().as_deref()) >= version
        {
            return false;
        }
        self.forget(key);
        self.selectors.insert(key, &object);
        if !is_true(object.conditions(), RESOLVED) {
            self.unresolved.insert(key.clone());
        }
        self.entries.insert(key.clone(), Arc::new(object));
        true
    }

    /// Adds an object that does not match the schema; `true` if it was not known to be invalid.
    pub(crate) fn upsert_invalid(&mut self, key: &ObjectKey) -> bool {
        self.forget(key);
        self.invalid.insert(key.clone())
    }

    /// Returns whether the object exists but does not match the schema.
    pub(crate) fn is_invalid(&self, key: &ObjectKey) -> bool {
        self.invalid.contains(key)
    }

    /// Removes an object; `true` if it existed and was valid.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        self.invalid.remove(key);
        self.forget(key)
    }

    /// Returns all keys, including those of invalid objects.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys().chain(&self.invalid)
    }

    /// Removes a valid object and its index entries; `true` if it existed.
    fn forget(&mut self, key: &ObjectKey) -> bool {
        let Some(object) = self.entries.remove(key) else {
            return false;
        };
        self.selectors.remove(key, &*object);
        self.unresolved.remove(key);
        true
    }
}

/// Objects by one selector of each of their requirements. A record that a requirement selects has that value, so
/// the values of a record lead to every object that selects it.
#[derive(Debug, Default)]
struct SelectorIndex(HashMap<Field, HashMap<String, HashSet<ObjectKey>>>);

impl SelectorIndex {
    fn insert(&mut self, key: &ObjectKey, object: &impl Requirer) {
        for (field, value) in object.requirements().filter_map(first_selector) {
            let values = self.0.entry(field).or_default();
            let keys = values.entry(value.to_owned()).or_default();
            keys.insert(key.clone());
        }
    }

    fn remove(&mut self, key: &ObjectKey, object: &impl Requirer) {
        for (field, value) in object.requirements().filter_map(first_selector) {
            let Some(values) = self.0.get_mut(&field) else {
                continue;
            };
            if let Some(keys) = values.get_mut(value) {
                keys.remove(key);
                if keys.is_empty() {
                    values.remove(value);
                }
            }
        }
    }

    /// Returns the objects with a requirement that shares its indexed value with the record. An object can occur
    /// several times.
    fn candidates<'s>(&'s self, record: &'s Record) -> impl Iterator<Item = &'s ObjectKey> {
        let of_field = |(field, values): (&'s Field, &'s HashMap<String, HashSet<ObjectKey>>)| {
            let services = record.services.iter();
            services.filter_map(|service| values.get(&**field.value(record, service)?))
        };
        self.0.iter().flat_map(of_field).flatten()
    }
}

/// Returns the first selector of a requirement. A requirement without selectors is invalid and selects nothing.
fn first_selector(requirement: &ServiceRequirement) -> Option<(Field, &str)> {
    let selected = |field| Some((field, requirement.selector(field)?));
    Field::ALL.into_iter().find_map(selected)
}

fn may_match(requirement: &ServiceRequirement, record: &Record) -> bool {
    let selector = |field| requirement.selector(field);
    let mut services = record.services.iter();
    services.any(|service| selects(selector, record, service))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic fails the test")]
mod tests {
    use std::collections::BTreeSet;

    use extension_registry_api::convert;
    use extension_registry_core::record::RecordKey;
    use serde_json::{Map, Value, json};

    use super::*;

    fn record(name: &str, value: &str) -> Record {
        let spec = json!({
            "product": value, "zone": value,
            "services": [{"name": value, "resource": value, "category": "store"}, {"name": "admin"}],
        });
        let spec = serde_json::from_value(spec).unwrap();
        convert::record(RecordKey::cluster(name), 1, &spec).unwrap()
    }

    /// A workflow with one requirement that selects `value` by each of the fields whose bit is set.
    fn workflow(fields: usize, value: &str, version: usize) -> Workflow {
        let mut requirement: Map<String, Value> = Field::ALL
            .into_iter()
            .filter(|field| fields & (1 << *field as usize) != 0)
            .map(|field| (field.as_str().to_owned(), json!(value)))
            .collect();
        requirement.insert("name".to_owned(), json!("data"));
        let step = json!({"name": "train", "image": "i", "extensions": [requirement]});
        let metadata = json!({"name": "w", "uid": "u", "resourceVersion": version.to_string()});
        serde_json::from_value(json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": metadata, "spec": {"steps": [step]},
        }))
        .unwrap()
    }

    #[test]
    fn index_finds_what_a_scan_finds() {
        let records = [record("a", "a"), record("b", "b"), record("a", "b")];
        let mut store = WorkflowStore::default();
        let combinations = 1..1 << Field::ALL.len();
        for round in 0..3 {
            for fields in combinations.clone() {
                // The value of a workflow changes in each round, so entries of the old value must vanish.
                let value = ["a", "b", "c"][(fields + round) % 3];
                let key = ObjectKey::new("p", fields.to_string());
                assert!(store.upsert(&key, workflow(fields, value, round + 1)));
            }
            for record in &records {
                let found: BTreeSet<&ObjectKey> = store.selecting(record).collect();
                let scanned: BTreeSet<&ObjectKey> = store
                    .iter()
                    .filter(|(_, workflow)| {
                        let mut requirements = workflow.requirements();
                        requirements.any(|one| may_match(one, record))
                    })
                    .map(|(key, _)| key)
                    .collect();
                assert_eq!(found, scanned);
                assert!(!found.is_empty());
            }
        }
        for fields in combinations {
            assert!(store.remove(&ObjectKey::new("p", fields.to_string())));
        }
        assert!(store.selectors.0.values().all(HashMap::is_empty));
        assert_eq!(store.unresolved().count(), 0);
    }

    #[test]
    fn resolved_workflow_leaves_list_of_unresolved() {
        let mut store = WorkflowStore::default();
        let key = ObjectKey::new("p", "w");
        let mut object = workflow(1, "a", 1);
        store.upsert(&key, object.clone());
        assert_eq!(store.unresolved().collect::<Vec<_>>(), [&key]);
        let condition = json!({
            "type": RESOLVED, "status": "True", "reason": "Resolved", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        object.metadata.resource_version = Some("2".to_owned());
        object.status = serde_json::from_value(json!({"conditions": [condition]})).unwrap();
        store.upsert(&key, object);
        assert_eq!(store.unresolved().count(), 0);
        assert!(store.upsert_invalid(&key));
        assert!(store.get(&key).is_none());
    }
}
