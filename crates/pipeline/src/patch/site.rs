//! A container and the volumes beside it, as JSON.

use serde_json::{Map, Value};

/// Something mounted into a container in a way that does not show in its `volumeMounts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Path in the container.
    pub path: String,
    /// Whether nothing can be written there.
    pub read_only: bool,
    /// What it is.
    pub name: String,
}

/// A container and the volumes that it can mount.
#[derive(Debug)]
pub struct Site<'s> {
    /// The container.
    pub container: &'s mut Map<String, Value>,
    /// The `volumes` beside it; other containers may share them.
    pub volumes: &'s mut Vec<Value>,
    /// What the engine mounts besides.
    pub mounts: Vec<Mount>,
}

impl<'s> Site<'s> {
    /// A container that has only the mounts it says.
    #[must_use]
    pub fn new(container: &'s mut Map<String, Value>, volumes: &'s mut Vec<Value>) -> Self {
        Self {
            container,
            volumes,
            mounts: Vec::new(),
        }
    }

    /// A list of the container; empty where it has none.
    pub(super) fn list(&self, field: &str) -> Vec<Value> {
        self.container
            .get(field)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }

    /// Sets a list of the container. An empty one is not added where there was none.
    pub(super) fn set(&mut self, field: &str, list: Vec<Value>) {
        if !list.is_empty() || self.container.contains_key(field) {
            self.container.insert(field.to_owned(), Value::Array(list));
        }
    }

    /// Adds to a list of the container.
    pub(super) fn extend(&mut self, field: &str, more: Vec<Value>) {
        let mut list = self.list(field);
        list.extend(more);
        self.set(field, list);
    }
}
