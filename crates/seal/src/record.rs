//! Seals the values of a request that writes a record and determines which sealed values the requester
//! knows. Pure functions of the request, the keys and the time.

use std::collections::BTreeMap;
use std::time::Instant;

use extension_registry_core::record::RecordKey;
use extension_registry_core::sensitive::Sensitive;
use serde_json::Value;

use crate::keyring::{Author, Keyring, OpenedValue, SealError};
use crate::limit::GuessLimiter;
use crate::values::with_sealed;
use crate::walk::{Entry, EntryKey, entries};

/// A request that writes a record.
pub struct Request<'r> {
    /// The record.
    pub record: &'r RecordKey,
    /// Name of the requester.
    pub user: &'r str,
    /// The spec in the request.
    pub spec: &'r Value,
    /// The stored spec; `None` for a new record.
    pub stored: Option<&'r Value>,
    /// The values to seal.
    pub values: &'r BTreeMap<EntryKey, Sensitive>,
}

/// Result of sealing.
#[derive(Default)]
pub struct SealOutcome {
    /// The spec to store; `None` if it equals the spec in the request.
    pub spec: Option<Value>,
    /// The sealed text of each value.
    pub texts: BTreeMap<EntryKey, String>,
    /// Whether the requester changes the spec. Sealing with another key is not a change.
    pub is_changed: bool,
    /// Fields with sealed values that the requester is not known to have supplied.
    pub unknown: Vec<String>,
    /// Fields with added sealed values that cannot be decrypted.
    pub foreign: Vec<String>,
    /// Number of newly sealed values in each set of credentials.
    pub new: BTreeMap<String, usize>,
    /// Entries in which a newly sealed value replaces the stored one, with their fields.
    pub replaced: BTreeMap<EntryKey, String>,
}

/// A sealed value of the request.
struct SealedEntry<'r> {
    entry: Entry<'r>,
    text: String,
    /// The plain value, if the request contains it.
    supplied: Option<&'r Sensitive>,
    /// The decrypted text, if it existed before the request.
    opened: Option<OpenedValue>,
}

/// Seals the values of a request. A value that equals the stored one keeps the stored text, so that
/// applying a record again does not change it.
///
/// # Errors
/// If the system provides no random bytes.
pub fn seal(
    keys: &Keyring,
    limit: &GuessLimiter,
    request: &Request<'_>,
    now: Instant,
) -> Result<SealOutcome, SealError> {
    let sealer = Sealer {
        keys,
        limit,
        request,
        now,
        stored: request.stored.map(texts).unwrap_or_default(),
    };
    let mut outcome = SealOutcome::default();
    let mut items = BTreeMap::new();
    for entry in entries(request.spec) {
        let Some(key) = entry.key() else { continue };
        let item = match request.values.get(&key) {
            Some(value) => Some(sealer.seal_supplied(entry, &key, value, &mut outcome)?),
            None => entry
                .sealed()
                .and_then(|text| sealer.check_sealed(entry, &key, text, &mut outcome)),
        };
        items.extend(item.map(|item| (key, item)));
    }
    let with = |items: &BTreeMap<EntryKey, SealedEntry<'_>>| {
        let differs = |item: &SealedEntry<'_>| {
            item.supplied.is_some() || item.entry.sealed() != Some(item.text.as_str())
        };
        let items = items.iter().filter(|(_, item)| differs(item));
        let texts = items.map(|(key, item)| (key.clone(), item.text.clone()));
        with_sealed(request.spec, &texts.collect())
    };
    let spec = with(&items);
    outcome.is_changed = request.stored != Some(&spec);
    for (key, item) in &mut items {
        sealer.renew(key, item, outcome.is_changed)?;
    }
    let spec = with(&items);
    outcome.spec = (spec != *request.spec).then_some(spec);
    for (key, item) in items {
        if item.supplied.is_some() {
            outcome.texts.insert(key, item.text);
        }
    }
    Ok(outcome)
}

/// Returns the sealed values of a spec.
fn texts(spec: &Value) -> BTreeMap<EntryKey, &str> {
    entries(spec)
        .filter_map(|entry| Some((entry.key()?, entry.sealed()?)))
        .collect()
}

/// Seals the entries of one request.
struct Sealer<'r> {
    keys: &'r Keyring,
    limit: &'r GuessLimiter,
    request: &'r Request<'r>,
    now: Instant,
    stored: BTreeMap<EntryKey, &'r str>,
}

impl<'r> Sealer<'r> {
    /// Processes a plain value: keeps the stored text if it has that value, and seals the value otherwise.
    fn seal_supplied(
        &self,
        entry: Entry<'r>,
        key: &EntryKey,
        value: &'r Sensitive,
        sealed: &mut SealOutcome,
    ) -> Result<SealedEntry<'r>, SealError> {
        let (text, opened) = if let Some((text, opened)) = self.stored_if_equal(key, value) {
            (text.to_owned(), Some(opened))
        } else {
            *sealed.new.entry(entry.set()).or_default() += 1;
            if self.stored.contains_key(key) {
                sealed.replaced.insert(key.clone(), entry.field());
            }
            let author = Author::User(self.request.user);
            (self.fresh(key, author, value)?, None)
        };
        Ok(SealedEntry {
            entry,
            text,
            supplied: Some(value),
            opened,
        })
    }

    /// Processes a sealed value.
    fn check_sealed(
        &self,
        entry: Entry<'r>,
        key: &EntryKey,
        text: &str,
        sealed: &mut SealOutcome,
    ) -> Option<SealedEntry<'r>> {
        let field = || format!("{}.valueFrom.sealed", entry.field());
        let opened = self.keys.open(self.request.record, key, text);
        let mut is_known = opened
            .as_ref()
            .is_some_and(|opened| opened.is_by(self.request.user));
        let mut item = SealedEntry {
            entry,
            text: text.to_owned(),
            supplied: None,
            opened,
        };
        if self.stored.get(key) != Some(&text) {
            let Some(opened) = &item.opened else {
                sealed.foreign.push(field());
                return None;
            };
            // A file may still contain the text from before a key rotation.
            if !self.keys.is_current(text)
                && let Some((text, opened)) = self.stored_if_equal(key, &opened.value)
            {
                is_known |= opened.is_by(self.request.user);
                text.clone_into(&mut item.text);
                item.opened = Some(opened);
            }
        }
        if !is_known {
            sealed.unknown.push(field());
        }
        Some(item)
    }

    /// Returns the stored text of an entry if it has this value. Without a token nothing is compared.
    fn stored_if_equal(&self, key: &EntryKey, value: &Sensitive) -> Option<(&'r str, OpenedValue)> {
        let text = *self.stored.get(key)?;
        let record = self.request.record;
        let opened = self.keys.open(record, key, text)?;
        if !self.limit.take(record, self.now) || !opened.equals(value) {
            return None;
        }
        self.limit.put_back(record);
        Some((text, opened))
    }

    /// Seals a value with the current key if it was sealed with another one. If the spec changes, a supplied
    /// value is also sealed for its new author, because the API server may reinvoke the webhook without the
    /// plain value.
    fn renew(
        &self,
        key: &EntryKey,
        item: &mut SealedEntry<'_>,
        is_changed: bool,
    ) -> Result<(), SealError> {
        let Some(opened) = &item.opened else {
            return Ok(());
        };
        let user = self.request.user;
        let author = match item.supplied {
            Some(_) if is_changed && !opened.is_by(user) => Author::User(user),
            _ if !self.keys.is_current(&item.text) => Author::Same(opened),
            _ => return Ok(()),
        };
        item.text = self.fresh(key, author, &opened.value)?;
        Ok(())
    }

    fn fresh(
        &self,
        key: &EntryKey,
        author: Author<'_>,
        value: &Sensitive,
    ) -> Result<String, SealError> {
        self.keys.seal(self.request.record, key, author, value)
    }
}
