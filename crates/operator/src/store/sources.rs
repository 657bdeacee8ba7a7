//! Key names of source Secrets, without values. Values are read to render a Secret and dropped afterwards.

use std::collections::HashMap;

use extension_registry_render::ObjectKey;
use extension_registry_render::source::SourceState;

/// All source Secrets that were fetched.
#[derive(Debug, Default)]
pub(crate) struct SourceStore {
    states: HashMap<ObjectKey, SourceState>,
}

impl SourceStore {
    /// Returns the state of a Secret; `None` if it was not fetched.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&SourceState> {
        self.states.get(key)
    }

    /// Sets the state of a Secret and returns the previous one.
    pub(crate) fn set(&mut self, key: ObjectKey, state: SourceState) -> Option<SourceState> {
        self.states.insert(key, state)
    }

    /// Removes a Secret, so that the next use fetches it.
    pub(crate) fn forget(&mut self, key: &ObjectKey) -> Option<SourceState> {
        self.states.remove(key)
    }

    /// Returns all keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.states.keys()
    }
}
