//! Index of all records by the fields that requirements select.

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::{Name, Record, RecordKey};
use crate::resolve::service_index::{Candidate, ServiceIndex};

/// The records, with one index for the cluster and one for each project, so that the records of other
/// projects are never visited.
#[derive(Clone, Debug, Default)]
pub struct Index {
    records: HashMap<RecordKey, Arc<Record>>,
    cluster: ServiceIndex,
    projects: HashMap<Name, ServiceIndex>,
}

impl Index {
    /// Creates an empty index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record, and returns the replaced one with the same key.
    pub fn insert(&mut self, added: impl Into<Arc<Record>>) -> Option<Arc<Record>> {
        let record: Arc<Record> = added.into();
        let previous = self.remove(&record.key);
        let place = match &record.key.namespace {
            None => &mut self.cluster,
            Some(namespace) => self.projects.entry(namespace.clone()).or_default(),
        };
        place.insert(&record);
        self.records.insert(record.key.clone(), record);
        previous
    }

    /// Removes a record.
    pub fn remove(&mut self, key: &RecordKey) -> Option<Arc<Record>> {
        let record = self.records.remove(key)?;
        match &key.namespace {
            None => self.cluster.remove(&record),
            Some(namespace) => {
                if let Some(services) = self.projects.get_mut(namespace) {
                    services.remove(&record);
                    if services.is_empty() {
                        self.projects.remove(namespace);
                    }
                }
            }
        }
        Some(record)
    }

    /// Returns the record with this key.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<&Arc<Record>> {
        self.records.get(key)
    }

    /// Returns all records in unspecified order.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values()
    }

    /// Returns the number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns whether the index has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the indexes that are visible to a project.
    pub(super) fn scopes(&self, project: &str) -> impl Iterator<Item = &ServiceIndex> {
        self.projects
            .get(project)
            .into_iter()
            .chain([&self.cluster])
    }

    /// Returns every service in the scope of a project, regardless of access lists.
    pub(super) fn candidates(&self, project: &str) -> impl Iterator<Item = &Candidate> {
        self.scopes(project).flat_map(ServiceIndex::candidates)
    }
}
