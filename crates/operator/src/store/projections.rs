//! The ledger: which projection stands for what. Rendered Secrets are never read back, so this is
//! all the operator knows of them; it trusts no more of it than the names to delete.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::{ExtensionProjection, ExtensionProjectionStatus};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::person::Person;
use extension_registry_binding::source::version_number;
use extension_registry_core::projection::Identity;
use extension_registry_core::record::{Name, RecordKey};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

/// From what a Secret was last rendered by this process: while nothing of it moves, there is
/// nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RenderStamp {
    /// uid and generation of the record.
    pub record: (Arc<str>, i64),
    /// Source Secrets with the versions that were read.
    pub sources: Vec<(ObjectKey, u64)>,
}

/// One projection.
#[derive(Clone, Debug)]
pub(crate) struct LedgerEntry {
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
    /// What it stands for.
    pub identity: Arc<Identity>,
    /// Status as last seen.
    pub status: Arc<ExtensionProjectionStatus>,
    /// Set once this process has rendered it or seen that nothing changed.
    pub stamp: Option<RenderStamp>,
    /// Groups of its person as last known, where it is of one. A restart forgets them.
    pub groups: Option<Box<[Name]>>,
    /// The slow round wants it written again, even if nothing is known to have changed.
    pub due: bool,
    /// The object is being deleted.
    pub terminating: bool,
}

/// All projections.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: HashMap<ObjectKey, LedgerEntry>,
    by_record: HashMap<RecordKey, HashSet<ObjectKey>>,
}

impl Ledger {
    /// The entry of that key.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&LedgerEntry> {
        self.entries.get(key)
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.entries.keys()
    }

    /// Number of projections.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Projections of a record.
    pub(crate) fn of_record(&self, record: &RecordKey) -> impl Iterator<Item = &ObjectKey> {
        self.by_record.get(record).into_iter().flatten()
    }

    /// Takes in an object; true when it is news.
    pub(crate) fn upsert(&mut self, key: &ObjectKey, object: &ExtensionProjection) -> bool {
        let version = version_number(object.resource_version().as_deref());
        let uid = object.uid().unwrap_or_default();
        let (mut stamp, mut groups) = (None, None);
        if let Some(known) = self.entries.get(key).filter(|known| *known.uid == *uid) {
            if known.version >= version {
                return false;
            }
            stamp.clone_from(&known.stamp);
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
            LedgerEntry {
                uid: uid.into(),
                version,
                generation: object.metadata.generation.unwrap_or_default(),
                created: object.creation_timestamp(),
                owner: owner(object),
                identity: Arc::new(identity),
                status: Arc::new(object.status.clone().unwrap_or_default()),
                stamp,
                groups,
                due: false,
                terminating: object.metadata.deletion_timestamp.is_some(),
            },
        );
        true
    }

    /// Notes from what a projection was rendered.
    pub(crate) fn set_stamp(&mut self, key: &ObjectKey, stamp: RenderStamp) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.stamp = Some(stamp);
            entry.due = false;
        }
    }

    /// Notes the groups of a person whose projection this is.
    pub(crate) fn set_groups(&mut self, key: &ObjectKey, person: &Person) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.identity.user.as_ref() == Some(&person.user)
        {
            entry.groups = Some(person.groups.clone());
        }
    }

    /// Has a projection written again at the next look.
    pub(crate) fn set_due(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.due = true;
        }
    }

    /// Forgets a projection.
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
