//! Complete workflows, whose specs are resolved again when a record changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::status::{RESOLVED, is_true};
use extension_registry_api::workflow::RequirementSpec;
use extension_registry_core::record::Record;
use extension_registry_core::requirement::{Field, selects};
use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use kube::ResourceExt;

/// All workflows, indexed by the changes that affect them.
#[derive(Debug, Default)]
pub(crate) struct WorkflowStore {
    entries: HashMap<ObjectKey, Arc<Workflow>>,
    /// Objects that do not match the schema.
    invalid: HashSet<ObjectKey>,
    /// Workflows whose status does not say that every requirement is resolved.
    unresolved: HashSet<ObjectKey>,
    selectors: SelectorIndex,
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

    /// Returns the workflows with a requirement whose exact selectors match a service of the record. The resolver
    /// checks version and access.
    pub(crate) fn selecting<'s>(
        &'s self,
        record: &'s Record,
    ) -> impl Iterator<Item = &'s ObjectKey> {
        self.selectors.candidates(record).filter(|key| {
            let workflow = self.entries.get(*key);
            workflow.is_some_and(|workflow| {
                requirements(workflow).any(|requirement| may_match(requirement, record))
            })
        })
    }

    /// Returns the workflows that are not resolved.
    pub(crate) fn unresolved(&self) -> impl Iterator<Item = &ObjectKey> {
        self.unresolved.iter()
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
        self.forget(key);
        self.selectors.insert(key, &workflow);
        if !is_resolved(&workflow) {
            self.unresolved.insert(key.clone());
        }
        self.entries.insert(key.clone(), Arc::new(workflow));
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

    /// Removes a workflow; `true` if it existed and was valid.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        self.invalid.remove(key);
        self.forget(key)
    }

    /// Returns all keys, including those of invalid workflows.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys().chain(&self.invalid)
    }

    /// Removes a valid workflow and its index entries; `true` if it existed.
    fn forget(&mut self, key: &ObjectKey) -> bool {
        let Some(workflow) = self.entries.remove(key) else {
            return false;
        };
        self.selectors.remove(key, &workflow);
        self.unresolved.remove(key);
        true
    }
}

/// Workflows by one selector of each of their requirements. A record that a requirement selects has that value, so
/// the values of a record lead to every workflow that selects it.
#[derive(Debug, Default)]
struct SelectorIndex(HashMap<Field, HashMap<String, HashSet<ObjectKey>>>);

impl SelectorIndex {
    fn insert(&mut self, key: &ObjectKey, workflow: &Workflow) {
        for (field, value) in requirements(workflow).filter_map(first_selector) {
            let values = self.0.entry(field).or_default();
            let workflows = values.entry(value.to_owned()).or_default();
            workflows.insert(key.clone());
        }
    }

    fn remove(&mut self, key: &ObjectKey, workflow: &Workflow) {
        for (field, value) in requirements(workflow).filter_map(first_selector) {
            let Some(values) = self.0.get_mut(&field) else {
                continue;
            };
            if let Some(workflows) = values.get_mut(value) {
                workflows.remove(key);
                if workflows.is_empty() {
                    values.remove(value);
                }
            }
        }
    }

    /// Returns the workflows with a requirement that shares its indexed value with the record. A workflow can occur
    /// several times.
    fn candidates<'s>(&'s self, record: &'s Record) -> impl Iterator<Item = &'s ObjectKey> {
        let of_field = |(field, values): (&'s Field, &'s HashMap<String, HashSet<ObjectKey>>)| {
            let services = record.services.iter();
            services.filter_map(|service| values.get(&**field.value(record, service)?))
        };
        self.0.iter().flat_map(of_field).flatten()
    }
}

fn requirements(workflow: &Workflow) -> impl Iterator<Item = &RequirementSpec> {
    workflow.spec.steps.iter().flat_map(|step| &step.extensions)
}

/// Returns the first selector of a requirement. A requirement without selectors is invalid and selects nothing.
fn first_selector(requirement: &RequirementSpec) -> Option<(Field, &str)> {
    let selected = |field| Some((field, requirement.selector(field)?));
    Field::ALL.into_iter().find_map(selected)
}

fn may_match(requirement: &RequirementSpec, record: &Record) -> bool {
    let selector = |field| requirement.selector(field);
    let mut services = record.services.iter();
    services.any(|service| selects(selector, record, service))
}

fn is_resolved(workflow: &Workflow) -> bool {
    let status = workflow.status.as_ref();
    status.is_some_and(|status| is_true(&status.conditions, RESOLVED))
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
                        requirements(workflow).any(|one| may_match(one, record))
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
