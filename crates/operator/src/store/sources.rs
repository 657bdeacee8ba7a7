//! Source Secrets: names of their keys, never values. Values are read when a Secret is rendered and
//! dropped right after.

use std::collections::HashMap;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::SourceState;

/// All source Secrets that a record refers to and that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    states: HashMap<ObjectKey, SourceState>,
}

impl Sources {
    /// What is known; `None` when nobody looked yet.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<&SourceState> {
        self.states.get(key)
    }

    /// Notes what was seen and returns what was known before.
    pub(crate) fn set(&mut self, key: ObjectKey, state: SourceState) -> Option<SourceState> {
        self.states.insert(key, state)
    }

    /// Forgets a Secret, so that the next user looks again.
    pub(crate) fn forget(&mut self, key: &ObjectKey) -> Option<SourceState> {
        self.states.remove(key)
    }

    /// Names of all that are known.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.states.keys()
    }
}
