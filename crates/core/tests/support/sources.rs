//! In-memory source Secrets.

use std::collections::BTreeMap;

use extension_registry_core::projection::{SourceKeys, SourceValues};
use extension_registry_core::record::{Name, SourceSecret};

/// Key of the decrypted values of sealed entries; no Secret has this name.
pub(crate) const SEALED: &str = "";

#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(BTreeMap<String, BTreeMap<String, Vec<u8>>>);

impl Sources {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn with(mut self, secret: &str, entries: &[(&str, &str)]) -> Self {
        let data = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
            .collect();
        self.0.insert(secret.to_owned(), data);
        self
    }
}

impl SourceKeys for Sources {
    fn keys(&self, secret: &SourceSecret) -> Option<Vec<Name>> {
        let data = self.0.get(&**secret.name())?;
        Some(data.keys().map(|key| key.as_str().into()).collect())
    }
}

impl SourceValues for Sources {
    fn value(&self, secret: &SourceSecret, key: &str) -> Option<Vec<u8>> {
        self.0.get(&**secret.name())?.get(key).cloned()
    }

    fn sealed(&self, entry: &str) -> Option<Vec<u8>> {
        self.0.get(SEALED)?.get(entry).cloned()
    }
}
