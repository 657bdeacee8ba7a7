//! Projections and their identities. Rendered Secrets are never read, so this is all that the operator knows
//! about them. It trusts only the names of the Secrets to delete.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::binding::WrittenBinding;
use extension_registry_api::{ExtensionProjection, ExtensionProjectionStatus};
use extension_registry_core::projection::Identity;
use extension_registry_core::record::{Name, RecordKey};
use extension_registry_render::ObjectKey;
use extension_registry_render::person::Person;
use extension_registry_render::source::version_number;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

/// Versions of the inputs from which this process last rendered a Secret. While they are unchanged, the
/// Secret is up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RenderInputs {
    /// uid and generation of the record.
    pub record: (Arc<str>, i64),
    /// Source Secrets with the versions that were read.
    pub sources: Vec<(ObjectKey, u64)>,
}

/// A projection.
#[derive(Clone, Debug)]
pub(crate) struct ProjectionEntry {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created: Option<Time>,
    /// uid of the record that owns it.
    pub owner: Option<Arc<str>>,
    /// Identity: record, service, endpoint, credentials and user.
    pub identity: Arc<Identity>,
    /// Name of its binding; `None` if it belongs to workflows.
    pub binding: Option<Arc<str>>,
    /// Last known status.
    pub status: Arc<ExtensionProjectionStatus>,
    /// Set once this process has rendered it.
    pub inputs: Option<RenderInputs>,
    /// Secrets of a deleted binding.
    pub written: Option<WrittenBinding>,
    /// Last known groups of the user of a user-scoped projection; `None` after a restart.
    pub groups: Option<Box<[Name]>>,
    /// Whether the resync requests a write even if nothing changed.
    pub due: bool,
    /// Whether the object is being deleted.
    pub terminating: bool,
}

/// All projections.
#[derive(Debug, Default)]
pub(crate) struct ProjectionStore {
    entries: HashMap<ObjectKey, ProjectionEntry>,
    by_record: HashMap<RecordKey, HashSet<ObjectKey>>,
}

impl ProjectionStore {
    /// Returns the entry of a key.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&ProjectionEntry> {
        self.entries.get(key)
    }

    /// Returns all keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys()
    }

    /// Returns the number of projections.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the projections of a record.
    pub(crate) fn for_record(&self, record: &RecordKey) -> impl Iterator<Item = &ObjectKey> {
        self.by_record.get(record).into_iter().flatten()
    }

    /// Adds or updates an object; `true` if it is newer than the cached one.
    pub(crate) fn upsert(&mut self, key: &ObjectKey, object: &ExtensionProjection) -> bool {
        let version = version_number(object.resource_version().as_deref());
        let uid = object.uid().unwrap_or_default();
        let (mut inputs, mut written, mut groups) = (None, None, None);
        if let Some(known) = self.entries.get(key).filter(|known| *known.uid == *uid) {
            if known.version >= version {
                return false;
            }
            inputs.clone_from(&known.inputs);
            written.clone_from(&known.written);
            groups.clone_from(&known.groups);
        }
        self.remove(key);
        let identity = object.spec.identity(&key.namespace);
        self.by_record
            .entry(identity.record.clone())
            .or_default()
            .insert(key.clone());
        self.entries.insert(
            key.clone(),
            ProjectionEntry {
                uid: uid.into(),
                version,
                generation: object.metadata.generation.unwrap_or_default(),
                created: object.creation_timestamp(),
                owner: owner(object),
                identity: Arc::new(identity),
                binding: object.spec.binding.as_deref().map(Into::into),
                status: Arc::new(object.status.clone().unwrap_or_default()),
                inputs,
                written,
                groups,
                due: false,
                terminating: object.metadata.deletion_timestamp.is_some(),
            },
        );
        true
    }

    /// Records the inputs from which a projection was rendered.
    pub(crate) fn set_inputs(&mut self, key: &ObjectKey, inputs: RenderInputs) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.inputs = Some(inputs);
            entry.due = false;
        }
    }

    /// Records the Secrets of a binding that was deleted.
    pub(crate) fn set_written(&mut self, key: &ObjectKey, written: Option<WrittenBinding>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.written = written;
        }
    }

    /// Records the groups of the user of a projection.
    pub(crate) fn set_groups(&mut self, key: &ObjectKey, person: &Person) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.identity.user.as_ref() == Some(&person.user)
        {
            entry.groups = Some(person.groups.clone());
        }
    }

    /// Forces a write at the next reconcile of a projection.
    pub(crate) fn set_due(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.due = true;
        }
    }

    /// Removes a projection; `true` if it existed.
    pub(crate) fn remove(&mut self, key: &ObjectKey) -> bool {
        let Some(entry) = self.entries.remove(key) else {
            return false;
        };
        if let Some(keys) = self.by_record.get_mut(&entry.identity.record) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_record.remove(&entry.identity.record);
            }
        }
        true
    }
}

fn owner(object: &ExtensionProjection) -> Option<Arc<str>> {
    let owners = object
        .metadata
        .owner_references
        .as_deref()
        .unwrap_or_default();
    owners
        .iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| owner.uid.as_str().into())
}
