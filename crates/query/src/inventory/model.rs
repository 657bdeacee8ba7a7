//! The inventory, and the resolution of its workflows.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_api::convert::Names;
use extension_registry_api::{ExtensionBinding, ExtensionSpec, Workflow};
use extension_registry_core::access::Consumer;
use extension_registry_core::diagnostic::Note;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_core::resolve::{CurrentChoice, Index};
use extension_registry_render::ObjectKey;
use extension_registry_render::person::{Person, consumer};
use extension_registry_render::source::places;
use extension_registry_render::workflow::{Resolved, resolve};
use serde_json::Value;

use super::encrypted;
use super::origin::Origin;
use super::secrets::Secrets;
use super::settings::Settings;
use crate::finding::Finding;

/// A record with its origin.
#[derive(Clone, Debug)]
pub struct RecordEntry {
    /// Where it was read from.
    pub origin: Origin,
    /// Namespace and name.
    pub key: RecordKey,
    /// Spec as written; literal credentials are replaced if they would be sealed.
    pub spec: ExtensionSpec,
    /// Fields with literal credentials, and the names of their entries if valid.
    pub inline: Vec<(String, Option<String>)>,
}

/// A workflow with its origin.
#[derive(Clone, Debug)]
pub struct WorkflowEntry {
    /// Where it was read from.
    pub origin: Origin,
    /// Namespace and name.
    pub key: ObjectKey,
    /// The object.
    pub workflow: Arc<Workflow>,
}

/// A binding with its origin.
#[derive(Clone, Debug)]
pub struct BindingEntry {
    /// Where it was read from.
    pub origin: Origin,
    /// Namespace and name.
    pub key: ObjectKey,
    /// The object.
    pub binding: Arc<ExtensionBinding>,
    /// The service that it has, and keeps while possible.
    pub current: Option<CurrentChoice>,
}

/// Annotations that request bindings, and the Pod to which they apply.
#[derive(Clone, Debug)]
pub struct Injection {
    /// Where the object was read from.
    pub origin: Origin,
    /// Namespace of the object.
    pub namespace: String,
    /// Path of the annotations.
    pub path: String,
    /// Value of the annotation that names bindings.
    pub names: Option<Value>,
    /// Value of the annotation that names containers.
    pub containers: Option<Value>,
    /// Spec of the Pod, if it is next to the annotations.
    pub pod: Option<Value>,
    /// Path of the spec of the Pod.
    pub pod_path: String,
    /// Whether the annotations are on an object that does not copy them to its Pods.
    pub is_misplaced: bool,
}

/// All objects that questions are asked about.
#[derive(Default)]
pub struct Inventory {
    /// Index of the records, for resolution.
    pub index: Index,
    /// Records as written, sorted by name.
    pub records: Vec<RecordEntry>,
    /// Workflows, sorted by name.
    pub workflows: Vec<WorkflowEntry>,
    /// Bindings, sorted by name.
    pub bindings: Vec<BindingEntry>,
    /// Pods and Pod templates that request bindings.
    pub injections: Vec<Injection>,
    /// Source Secrets.
    pub secrets: Secrets,
    /// Problems found while reading.
    pub findings: Vec<Finding>,
    /// Places of encrypted objects.
    pub(super) encrypted: Vec<String>,
    pub(super) settings: Settings,
    /// Namespace of objects without one.
    pub(super) namespace: String,
    pub(super) converted_names: Names,
    /// Files of the objects, by kind and name.
    pub(super) seen: HashMap<String, Arc<str>>,
    /// Number of documents that are not empty, of any kind.
    pub(super) documents: usize,
    /// Whether the objects that are added were read from a cluster.
    pub(super) is_stored: bool,
    /// Whether existing objects were read besides the files.
    pub has_base: bool,
}

impl Inventory {
    /// Creates an empty inventory.
    pub(super) fn empty(settings: Settings) -> Self {
        Self {
            namespace: settings.own_namespace(),
            settings,
            ..Self::default()
        }
    }

    /// Creates an empty inventory with the same settings.
    pub(super) fn empty_like(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            namespace: self.namespace.clone(),
            ..Self::default()
        }
    }

    /// Reports the problems of the Secrets that records use, and sorts everything.
    pub(super) fn finish(&mut self) {
        for record in self.index.records() {
            for key in places(record, &self.settings.records_namespace) {
                self.findings.extend(self.secrets.take_findings(&key));
            }
        }
        self.records.sort_by(|left, right| left.key.cmp(&right.key));
        self.workflows
            .sort_by(|left, right| left.key.cmp(&right.key));
        self.bindings
            .sort_by(|left, right| left.key.cmp(&right.key));
        crate::finding::sort(&mut self.findings);
    }

    /// Returns what could not be checked because it is encrypted.
    #[must_use]
    pub fn encrypted_note(&self) -> Option<Note> {
        encrypted::note(&self.encrypted)
    }

    /// Returns whether nothing requires a service.
    #[must_use]
    pub fn has_no_consumers(&self) -> bool {
        self.workflows.is_empty() && self.bindings.is_empty()
    }

    /// Returns whether any records are known that workflows and bindings may require.
    #[must_use]
    pub fn knows_records(&self) -> bool {
        self.has_base || !self.records.is_empty()
    }

    /// Returns whether all records are known that workflows may require: from existing objects, or because the
    /// files contain cluster-scoped records. Projects often keep only their own records with their workflows.
    #[must_use]
    pub fn knows_cluster(&self) -> bool {
        let mut objects = self.seen.keys();
        self.has_base || objects.any(|object| object.starts_with("ClusterExtension "))
    }

    /// Returns the user for whom a workflow resolves: its author, else the user of the flags.
    fn person(&self, workflow: &Workflow) -> Option<Person> {
        Person::author(&workflow.metadata).or_else(|| {
            let user = self.settings.user.as_deref()?;
            let groups = self.settings.groups.iter();
            Some(Person::with_groups(
                user,
                groups.map(|group| Name::from(group.as_str())).collect(),
            ))
        })
    }

    /// Returns the consumer of a workflow for a user.
    pub fn consumer(&self, key: &ObjectKey, person: Option<&Person>) -> Consumer {
        let zone = self.settings.zone.as_deref().map(Name::from);
        consumer(&key.namespace, zone.as_ref(), person)
    }

    /// Resolves the requirements of a workflow.
    #[must_use]
    pub fn resolved(&self, entry: &WorkflowEntry) -> Resolved {
        self.resolved_with(&self.index, entry)
    }

    /// Resolves the requirements of a workflow with other records.
    pub(crate) fn resolved_with(&self, index: &Index, entry: &WorkflowEntry) -> Resolved {
        let person = self.person(&entry.workflow);
        let consumer = self.consumer(&entry.key, person.as_ref());
        let resolutions = resolve(index, &entry.workflow, &consumer)
            .into_iter()
            .map(|resolution| match resolution.choice() {
                Some(choice) => {
                    let keys = self.secrets.keys(choice, self.records_namespace());
                    resolution.with_keys(keys)
                }
                None => resolution.without_keys(),
            })
            .collect();
        Resolved {
            workflow: Arc::clone(&entry.workflow),
            key: entry.key.clone(),
            person,
            resolutions,
        }
    }

    /// Returns Secrets that are used with all keys, but whose keys are unknown here.
    #[must_use]
    pub fn whole_secrets_unknown(&self, resolved: &Resolved) -> Vec<ObjectKey> {
        let choices = resolved
            .resolutions
            .iter()
            .filter_map(|resolution| Some(&resolution.answer.as_ref()?.as_ref().ok()?.choice));
        choices
            .flat_map(|choice| self.whole_secrets_of(choice))
            .collect()
    }

    /// Returns the namespace of the source Secrets of cluster records.
    #[must_use]
    pub fn records_namespace(&self) -> &str {
        &self.settings.records_namespace
    }
}
