//! Access to a container and its volumes as JSON.

use serde_json::{Map, Value};

/// A mount that is not listed in the `volumeMounts` of its container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Mount path in the container.
    pub path: String,
    /// Whether the mount is read-only.
    pub read_only: bool,
    /// Name of the mounted volume or workspace.
    pub name: String,
}

/// A container and the volumes that it can mount.
#[derive(Debug)]
pub struct Site<'s> {
    /// The container object.
    pub container: &'s mut Map<String, Value>,
    /// The `volumes` next to it, which other containers may share.
    pub volumes: &'s mut Vec<Value>,
    /// Mounts that the engine adds.
    pub mounts: Vec<Mount>,
}

impl<'s> Site<'s> {
    /// Creates a site without additional mounts.
    #[must_use]
    pub fn new(container: &'s mut Map<String, Value>, volumes: &'s mut Vec<Value>) -> Self {
        Self {
            container,
            volumes,
            mounts: Vec::new(),
        }
    }

    /// Returns a list of the container; empty if absent.
    pub(super) fn list(&self, field: &str) -> Vec<Value> {
        self.container
            .get(field)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }

    /// Sets a list of the container. An empty list is not added.
    pub(super) fn set(&mut self, field: &str, list: Vec<Value>) {
        if !list.is_empty() || self.container.contains_key(field) {
            self.container.insert(field.to_owned(), Value::Array(list));
        }
    }

    /// Appends to a list of the container.
    pub(super) fn extend(&mut self, field: &str, more: Vec<Value>) {
        let mut list = self.list(field);
        list.extend(more);
        self.set(field, list);
    }
}
