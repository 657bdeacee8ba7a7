//! All records, arranged so that a requirement meets only those that can match it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::{Name, Record, RecordKey};
use crate::resolve::shelf::{Offer, Shelf};

/// The records, one shelf for the cluster and one for each project, so that the records of other
/// projects are never even looked at.
#[derive(Debug, Default)]
pub struct Index {
    records: HashMap<RecordKey, Arc<Record>>,
    cluster: Shelf,
    projects: HashMap<Name, Shelf>,
}

impl Index {
    /// An empty index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record, in place of one with the same key, which is returned.
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

    /// Takes a record out.
    pub fn remove(&mut self, key: &RecordKey) -> Option<Arc<Record>> {
        let record = self.records.remove(key)?;
        match &key.namespace {
            None => self.cluster.remove(&record),
            Some(namespace) => {
                if let Some(shelf) = self.projects.get_mut(namespace) {
                    shelf.remove(&record);
                    if shelf.is_empty() {
                        self.projects.remove(namespace);
                    }
                }
            }
        }
        Some(record)
    }

    /// The record of that key.
    #[must_use]
    pub fn get(&self, key: &RecordKey) -> Option<&Arc<Record>> {
        self.records.get(key)
    }

    /// All records, in no order.
    pub fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values()
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The shelves that a project sees.
    pub(super) fn shelves(&self, project: &str) -> impl Iterator<Item = &Shelf> {
        self.projects
            .get(project)
            .into_iter()
            .chain([&self.cluster])
    }

    /// Every offer that a project sees, access lists aside.
    pub(super) fn offers(&self, project: &str) -> impl Iterator<Item = &Offer> {
        self.shelves(project).flat_map(Shelf::offers)
    }
}
