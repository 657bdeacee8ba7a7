//! Source Secrets and sealed values. Files rarely contain them, and they are not read from a cluster: an unknown
//! Secret is assumed to have the keys that records reference.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use extension_registry_core::record::{Name, RecordKey, Source, SourceSecret};
use extension_registry_core::resolve::Choice;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::{Data, KeyView, SourceState, ValueView, place, secrets};
use extension_registry_seal::Seal;
use k8s_openapi::ByteString;
use serde_json::Value;

use super::origin::Origin;
use super::source::{self, UNKNOWN};
use crate::finding::Finding;

/// Known Secrets and sealed values.
#[derive(Default)]
pub struct Secrets {
    known: HashMap<ObjectKey, (SourceState, Data)>,
    /// Files of the Secrets, readable or not.
    files: HashMap<ObjectKey, Arc<str>>,
    /// Problems of Secrets.
    findings: HashMap<ObjectKey, Vec<Finding>>,
    /// Sealed values by their placeholders.
    sealed: HashMap<Sensitive, Sensitive>,
}

impl Secrets {
    /// Adds a Secret. Its problems are reported when a record uses it: other Secrets belong to other tools.
    pub(super) fn add(&mut self, origin: &Origin, key: ObjectKey, value: Value) {
        if let Some(first) = self.files.get(&key) {
            let finding = origin.error("duplicate-object", "metadata.name").message(
                format!("duplicate object: {} is also in {first}", origin.object),
                "remove or rename one of them",
            );
            self.findings.entry(key).or_default().push(finding);
            return;
        }
        self.files.insert(key.clone(), Arc::clone(&origin.file));
        let (secret, problems) = source::read(value);
        if !problems.is_empty() {
            let findings = problems.into_iter().map(|problem| origin.finding(problem));
            self.findings.insert(key.clone(), findings.collect());
        }
        if let Some(secret) = secret {
            self.known.insert(key, SourceState::of(secret));
        }
    }

    /// Removes and returns the problems of a Secret.
    pub(super) fn take_findings(&mut self, key: &ObjectKey) -> Vec<Finding> {
        self.findings.remove(key).unwrap_or_default()
    }

    /// Adds a sealed value.
    pub(super) fn add_sealed(&mut self, text: &str, value: Sensitive) {
        self.sealed.insert(text.into(), value);
    }

    /// Adds values and Secrets that are not known yet.
    pub(super) fn add_unknown(&mut self, others: Self) {
        self.sealed.extend(others.sealed);
        for (place, secret) in others.known {
            self.known.entry(place).or_insert(secret);
        }
    }

    /// Returns the key names of the source Secrets of a choice.
    #[must_use]
    pub fn keys(&self, choice: &Choice, records_namespace: &str) -> KeyView {
        self.values(choice, records_namespace).keys
    }

    /// Returns the values of the source Secrets of a choice.
    #[must_use]
    pub fn values(&self, choice: &Choice, records_namespace: &str) -> ValueView {
        let record = &choice.record.key;
        let mut view = ValueView::default();
        for secret in secrets(choice) {
            let place = place(record, &secret, records_namespace);
            let (state, data) = self.lookup(choice, &secret, &place);
            view.add(record, secret, &place, (&state, data), "");
        }
        for (entry, text) in sealed(choice) {
            let value = self.sealed.get(text).cloned();
            view.add_sealed(entry, value.unwrap_or_else(|| UNKNOWN.into()));
        }
        view
    }

    /// Returns the sealed entries of a choice with unknown values: only the operator can decrypt them.
    #[must_use]
    pub fn sealed_unknown<'c>(&self, choice: &'c Choice) -> Vec<&'c Name> {
        sealed(choice)
            .filter(|(_, text)| !self.sealed.contains_key(*text))
            .map(|(entry, _)| entry)
            .collect()
    }

    /// Returns the unknown source Secrets of a choice.
    #[must_use]
    pub fn unknown(&self, choice: &Choice, records_namespace: &str) -> Vec<ObjectKey> {
        secrets(choice)
            .iter()
            .map(|secret| place(&choice.record.key, secret, records_namespace))
            .filter(|place| !self.known.contains_key(place))
            .collect()
    }

    fn lookup(
        &self,
        choice: &Choice,
        secret: &SourceSecret,
        place: &ObjectKey,
    ) -> (SourceState, Data) {
        if let Some(known) = self.known.get(place) {
            return known.clone();
        }
        let keys = named_keys(choice, secret);
        let data = keys
            .iter()
            .map(|key| (key.to_string(), ByteString(UNKNOWN.into())))
            .collect();
        let state = SourceState::Present {
            version: 0,
            keys: keys.into_iter().collect(),
            seal: assumed_seal(&choice.record.key, secret),
        };
        (state, data)
    }
}

fn named_keys(choice: &Choice, expected: &SourceSecret) -> BTreeSet<Name> {
    let credentials = choice.credentials();
    let entries = credentials.iter().flat_map(|entry| &entry.entries);
    entries
        .filter_map(|entry| match &entry.source {
            Source::SecretKey { secret, key } if secret == expected => Some(key.clone()),
            _ => None,
        })
        .collect()
}

/// Returns the sealed entries of the chosen credentials.
fn sealed(choice: &Choice) -> impl Iterator<Item = (&Name, &Sensitive)> {
    let entries = choice
        .credentials()
        .into_iter()
        .flat_map(|set| &set.entries);
    entries.filter_map(|entry| match &entry.source {
        Source::Sealed(text) => Some((&entry.name, text)),
        _ => None,
    })
}

fn assumed_seal(record: &RecordKey, secret: &SourceSecret) -> Seal {
    match secret {
        SourceSecret::Referenced(_) => Seal::Open,
        SourceSecret::Sealed(_) => Seal::For(record.clone()),
    }
}
