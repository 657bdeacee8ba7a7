//! Records: the index for resolution, and metadata for the record controller.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::convert::{self, FieldError, Names};
use extension_registry_api::{ExtensionSpec, ExtensionStatus, RecordObject, status};
use extension_registry_core::record::{Record, RecordKey};
use extension_registry_core::resolve::Index;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::{places, version_number};
use kube::ResourceExt;

/// Number of removals after which unused interned names are dropped.
const FORGET_EVERY: usize = 1024;

/// A record object without its values, which only the index contains.
#[derive(Clone, Debug)]
pub(crate) struct RecordEntry {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// Problems of the spec. A record with problems is not indexed, because its access rules may be
    /// incomplete.
    pub problems: Arc<[FieldError]>,
    /// Last known status.
    pub status: Arc<ExtensionStatus>,
    /// Names of the services, for the output of `kubectl get`.
    pub services: Arc<str>,
}

/// How an event changed a record.
#[derive(Debug, Default)]
pub(crate) struct RecordChange {
    /// The record before.
    pub before: Option<Arc<Record>>,
    /// The record after.
    pub after: Option<Arc<Record>>,
    /// Whether the spec was added, changed or removed.
    pub spec_changed: bool,
    /// Whether the record controller must reconcile the record.
    pub reconcile: bool,
}

/// All records.
#[derive(Debug, Default)]
pub(crate) struct RecordStore {
    /// The index that requirements are resolved against.
    pub index: Index,
    entries: HashMap<RecordKey, RecordEntry>,
    references: HashMap<ObjectKey, HashSet<RecordKey>>,
    names: Names,
    removals: usize,
}

impl RecordStore {
    /// Returns the entry of a record.
    pub(crate) fn get(&self, key: &RecordKey) -> Option<&RecordEntry> {
        self.entries.get(key)
    }

    /// Returns the keys of all records.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &RecordKey> {
        self.entries.keys()
    }

    /// Returns the number of records, including invalid ones.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the records that refer to a source Secret.
    pub(crate) fn referring_to(&self, secret: &ObjectKey) -> impl Iterator<Item = &RecordKey> {
        self.references.get(secret).into_iter().flatten()
    }

    /// Returns whether a record refers to a source Secret.
    pub(crate) fn is_referenced(&self, secret: &ObjectKey) -> bool {
        self.references.contains_key(secret)
    }

    /// Adds or updates an object from a watch or a write. Ignores an older version than the cached one.
    pub(crate) fn upsert<K: RecordObject>(
        &mut self,
        object: &K,
        records_namespace: &str,
    ) -> RecordChange {
        let key = object.key();
        let version = version_number(object.resource_version().as_deref());
        let generation = object.meta().generation.unwrap_or_default();
        let uid: Arc<str> = object.uid().unwrap_or_default().into();
        let status = object.status().cloned().unwrap_or_default();
        if let Some(entry) = self.entries.get_mut(&key) {
            if entry.version > version && *entry.uid == *uid {
                return RecordChange::default();
            }
            if entry.generation == generation && *entry.uid == *uid {
                let status_changed = *entry.status != status;
                entry.version = version;
                entry.status = Arc::new(status);
                return RecordChange {
                    reconcile: status_changed,
                    ..RecordChange::default()
                };
            }
        }
        let services = service_names(&key, object.spec());
        let converted =
            convert::record_with(key.clone(), generation, object.spec(), &mut self.names);
        let (record, problems) = match converted {
            Ok(record) => (Some(Arc::new(record)), Vec::new()),
            Err(problems) => (None, problems),
        };
        let entry = RecordEntry {
            uid,
            generation,
            version,
            problems: problems.into(),
            status: Arc::new(status),
            services: services.into(),
        };
        let before = self.replace(&key, record.as_ref(), records_namespace);
        self.entries.insert(key, entry);
        RecordChange {
            before,
            after: record,
            spec_changed: true,
            reconcile: true,
        }
    }

    /// Adds or updates an object that does not match its schema.
    pub(crate) fn upsert_invalid(
        &mut self,
        key: &RecordKey,
        entry: RecordEntry,
        records_namespace: &str,
    ) -> RecordChange {
        let known = self.entries.get(key).is_some_and(|known| {
            known.uid == entry.uid
                && known.generation == entry.generation
                && !known.problems.is_empty()
        });
        if known {
            return RecordChange::default();
        }
        let before = self.replace(key, None, records_namespace);
        self.entries.insert(key.clone(), entry);
        RecordChange {
            before,
            after: None,
            spec_changed: true,
            reconcile: true,
        }
    }

    /// Removes a record.
    pub(crate) fn remove(&mut self, key: &RecordKey, records_namespace: &str) -> RecordChange {
        let known = self.entries.remove(key).is_some();
        let before = self.replace(key, None, records_namespace);
        self.removals += 1;
        if self.removals.is_multiple_of(FORGET_EVERY) {
            self.names.remove_unused();
        }
        RecordChange {
            before,
            after: None,
            spec_changed: known,
            reconcile: false,
        }
    }

    fn replace(
        &mut self,
        key: &RecordKey,
        record: Option<&Arc<Record>>,
        records_namespace: &str,
    ) -> Option<Arc<Record>> {
        let before = match record {
            Some(record) => self.index.insert(Arc::clone(record)),
            None => self.index.remove(key),
        };
        for secret in before
            .iter()
            .flat_map(|record| places(record, records_namespace))
        {
            if let Some(keys) = self.references.get_mut(&secret) {
                keys.remove(key);
                if keys.is_empty() {
                    self.references.remove(&secret);
                }
            }
        }
        for secret in record
            .iter()
            .flat_map(|record| places(record, records_namespace))
        {
            self.references
                .entry(secret)
                .or_default()
                .insert(key.clone());
        }
        before
    }
}

/// Returns the names of the services for the output of `kubectl get`. A record without `services` has one
/// with its own name.
fn service_names(key: &RecordKey, spec: &ExtensionSpec) -> String {
    if spec.services.is_empty() {
        return key.name.to_string();
    }
    status::join(spec.services.iter().map(|service| service.name.as_str()))
}
