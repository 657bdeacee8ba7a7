//! Source Secrets: names of their keys, never values. Values are read when a Secret is rendered and
//! dropped right after.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_core::record::Name;

use crate::seal::Seal;
use crate::task::ObjectKey;

/// What is known of a source Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceState {
    /// It is not there.
    Missing,
    /// The operator may not read it.
    Denied,
    /// Its type is one that no record may refer to (security, section 4).
    Refused {
        /// The type.
        secret_type: String,
    },
    /// It is there.
    Present {
        /// `metadata.resourceVersion`.
        version: u64,
        /// Names of its keys, sorted.
        keys: Arc<[Name]>,
        /// Whether it serves one record only.
        seal: Seal,
    },
}

impl SourceState {
    /// Whether records can have the same of it as of the other, its values aside.
    pub(crate) fn offers_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Present { keys, seal, .. },
                Self::Present {
                    keys: other_keys,
                    seal: other_seal,
                    ..
                },
            ) => keys == other_keys && seal == other_seal,
            _ => self == other,
        }
    }

    /// The version that was read; zero for what could not be.
    pub(crate) fn version(&self) -> u64 {
        match self {
            Self::Present { version, .. } => *version,
            _ => 0,
        }
    }
}

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
