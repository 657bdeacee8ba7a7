//! Records: the index, and what the record controller needs beside it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use extension_registry_api::convert::{self, FieldProblem, Names};
use extension_registry_api::{ExtensionSpec, ExtensionStatus, RecordObject, status};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::{place, version_number};
use extension_registry_core::record::{Credentials, Record, RecordKey, SourceSecret};
use extension_registry_core::resolve::Index;
use kube::ResourceExt;

/// After so many removals the names that nothing holds any more are dropped.
const FORGET_EVERY: usize = 1024;

/// One record object, without its values: those are in the index only.
#[derive(Clone, Debug)]
pub(crate) struct RecordEntry {
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// What is wrong with it. A record with problems offers nothing: nobody can know whom it meant
    /// to admit.
    pub problems: Arc<[FieldProblem]>,
    /// Status as last seen.
    pub status: Arc<ExtensionStatus>,
    /// Names of the services, for the table of `kubectl get`.
    pub services: Arc<str>,
}

/// What an event changed for resolution.
#[derive(Debug, Default)]
pub(crate) struct RecordChange {
    /// The record before.
    pub before: Option<Arc<Record>>,
    /// The record after.
    pub after: Option<Arc<Record>>,
    /// Whether the spec is another one, or appeared, or went.
    pub spec: bool,
    /// Whether anything changed that the record controller has to look at.
    pub look: bool,
}

/// All records.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// The index that requirements are resolved against.
    pub index: Index,
    entries: HashMap<RecordKey, RecordEntry>,
    references: HashMap<ObjectKey, HashSet<RecordKey>>,
    names: Names,
    removals: usize,
}

impl Records {
    /// The entry of a record.
    pub(crate) fn get(&self, key: &RecordKey) -> Option<&RecordEntry> {
        self.entries.get(key)
    }

    /// Keys of all records.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &RecordKey> {
        self.entries.keys()
    }

    /// Number of records, broken ones too.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Records that refer to a source Secret.
    pub(crate) fn referring_to(&self, secret: &ObjectKey) -> impl Iterator<Item = &RecordKey> {
        self.references.get(secret).into_iter().flatten()
    }

    /// Whether any record refers to it.
    pub(crate) fn is_referenced(&self, secret: &ObjectKey) -> bool {
        self.references.contains_key(secret)
    }

    /// Takes in an object as a watch or a write shows it. Older news than what is known is dropped.
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
                    look: status_changed,
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
            spec: true,
            look: true,
        }
    }

    /// Takes in an object that does not have the shape of its kind.
    pub(crate) fn upsert_broken(
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
            spec: true,
            look: true,
        }
    }

    /// Forgets a record.
    pub(crate) fn remove(&mut self, key: &RecordKey, records_namespace: &str) -> RecordChange {
        let known = self.entries.remove(key).is_some();
        let before = self.replace(key, None, records_namespace);
        self.removals += 1;
        if self.removals.is_multiple_of(FORGET_EVERY) {
            self.names.forget_unused();
        }
        RecordChange {
            before,
            after: None,
            spec: known,
            look: false,
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
            .flat_map(|record| secrets_of(record, records_namespace))
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
            .flat_map(|record| secrets_of(record, records_namespace))
        {
            self.references
                .entry(secret)
                .or_default()
                .insert(key.clone());
        }
        before
    }
}

/// Names of the services for the table of `kubectl get`; the minimal form offers one of the record's
/// own name.
fn service_names(key: &RecordKey, spec: &ExtensionSpec) -> String {
    if spec.services.is_empty() {
        return key.name.to_string();
    }
    status::join(spec.services.iter().map(|service| service.name.as_str()))
}

/// Where the source Secrets of a record are.
pub(crate) fn secrets_of(record: &Record, records_namespace: &str) -> HashSet<ObjectKey> {
    source_secrets(record)
        .iter()
        .map(|secret| place(&record.key, secret, records_namespace))
        .collect()
}

/// The source Secrets of a record.
pub(crate) fn source_secrets(record: &Record) -> BTreeSet<SourceSecret> {
    let services = record.services.iter();
    services
        .flat_map(|service| &service.credentials)
        .flat_map(Credentials::source_secrets)
        .collect()
}
