//! What sealing makes of a request that writes a record, and what of it the requester knows. Pure: the
//! time and the keys are given.

use std::collections::BTreeMap;
use std::time::Instant;

use extension_registry_binding::seal::{Entry, EntryKey, entries, with_sealed};
use extension_registry_core::record::RecordKey;
use extension_registry_core::sensitive::Sensitive;
use serde_json::Value;

use crate::error::Error;
use crate::seal::keyring::{Author, Keyring, Opened};
use crate::seal::limit::GuessLimit;

/// A request that writes a record.
pub(crate) struct Request<'r> {
    /// The record.
    pub(crate) record: &'r RecordKey,
    /// Name of the user who writes it.
    pub(crate) user: &'r str,
    /// The spec as written.
    pub(crate) spec: &'r Value,
    /// The spec as stored; `None` while the record is new.
    pub(crate) stored: Option<&'r Value>,
    /// The values to seal.
    pub(crate) values: &'r BTreeMap<EntryKey, Sensitive>,
}

/// What becomes of the request.
#[derive(Default)]
pub(crate) struct Sealed {
    /// The spec to store; `None` where it is the spec as written.
    pub(crate) spec: Option<Value>,
    /// The sealed form of each value.
    pub(crate) texts: BTreeMap<EntryKey, String>,
    /// Whether the requester changes the spec. Sealing with another key is not a change.
    pub(crate) is_changed: bool,
    /// Fields with sealed values that the requester is not known to know.
    pub(crate) unknown: Vec<String>,
    /// Fields with sealed values that cannot be decrypted here and were not here before.
    pub(crate) foreign: Vec<String>,
    /// Sets of credentials with the number of values in them that were not stored before.
    pub(crate) new: BTreeMap<String, usize>,
}

/// One sealed value on its way.
struct Item<'r> {
    entry: Entry<'r>,
    text: String,
    /// The value, if it came with the request.
    supplied: Option<&'r Sensitive>,
    /// What the text holds, if it was there before the request.
    opened: Option<Opened>,
}

/// Seals the values of a request. A value that equals the stored one keeps the stored text, so that
/// applying a record again changes nothing.
///
/// # Errors
/// When the system provides no random bytes.
pub(crate) fn seal(
    keys: &Keyring,
    limit: &GuessLimit,
    request: &Request<'_>,
    now: Instant,
) -> Result<Sealed, Error> {
    let decision = Decision {
        keys,
        limit,
        request,
        now,
        stored: request.stored.map(texts).unwrap_or_default(),
    };
    let mut sealed = Sealed::default();
    let mut items = BTreeMap::new();
    for entry in entries(request.spec) {
        let Some(key) = entry.key() else { continue };
        let item = match request.values.get(&key) {
            Some(value) => Some(decision.supplied(entry, &key, value, &mut sealed)?),
            None => entry
                .sealed()
                .and_then(|text| decision.referred(entry, &key, text, &mut sealed)),
        };
        items.extend(item.map(|item| (key, item)));
    }
    let with = |items: &BTreeMap<EntryKey, Item<'_>>| {
        let differs = |item: &Item<'_>| {
            item.supplied.is_some() || item.entry.sealed() != Some(item.text.as_str())
        };
        let items = items.iter().filter(|(_, item)| differs(item));
        let texts = items.map(|(key, item)| (key.clone(), item.text.clone()));
        with_sealed(request.spec, &texts.collect())
    };
    let spec = with(&items);
    sealed.is_changed = request.stored != Some(&spec);
    for (key, item) in &mut items {
        decision.renew(key, item, sealed.is_changed)?;
    }
    let spec = with(&items);
    sealed.spec = (spec != *request.spec).then_some(spec);
    for (key, item) in items {
        if item.supplied.is_some() {
            sealed.texts.insert(key, item.text);
        }
    }
    Ok(sealed)
}

/// The sealed values of a spec.
fn texts(spec: &Value) -> BTreeMap<EntryKey, &str> {
    entries(spec)
        .filter_map(|entry| Some((entry.key()?, entry.sealed()?)))
        .collect()
}

/// What each entry is decided with.
struct Decision<'r> {
    keys: &'r Keyring,
    limit: &'r GuessLimit,
    request: &'r Request<'r>,
    now: Instant,
    stored: BTreeMap<EntryKey, &'r str>,
}

impl<'r> Decision<'r> {
    /// A value that came with the request: the stored text if it holds that value, else a new one.
    fn supplied(
        &self,
        entry: Entry<'r>,
        key: &EntryKey,
        value: &'r Sensitive,
        sealed: &mut Sealed,
    ) -> Result<Item<'r>, Error> {
        let (text, opened) = if let Some((text, opened)) = self.stored_if_equal(key, value) {
            (text.to_owned(), Some(opened))
        } else {
            *sealed.new.entry(entry.set()).or_default() += 1;
            let author = Author::User(self.request.user);
            (self.fresh(key, author, value)?, None)
        };
        Ok(Item {
            entry,
            text,
            supplied: Some(value),
            opened,
        })
    }

    /// A sealed value that came with the request.
    fn referred(
        &self,
        entry: Entry<'r>,
        key: &EntryKey,
        text: &str,
        sealed: &mut Sealed,
    ) -> Option<Item<'r>> {
        let field = || format!("{}.valueFrom.sealed", entry.field());
        let opened = self.keys.open(self.request.record, key, text);
        let mut is_known = opened
            .as_ref()
            .is_some_and(|opened| opened.is_by(self.request.user));
        let mut item = Item {
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
            // A file may still have a text of the stored value that a new key has replaced.
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

    /// The stored text of an entry, if it holds this value. Without a token nothing is compared.
    fn stored_if_equal(&self, key: &EntryKey, value: &Sensitive) -> Option<(&'r str, Opened)> {
        let text = *self.stored.get(key)?;
        let record = self.request.record;
        let opened = self.keys.open(record, key, text)?;
        if !self.limit.take(record, self.now) || !opened.holds(value) {
            return None;
        }
        self.limit.put_back(record);
        Some((text, opened))
    }

    /// Seals with the current key what was sealed with another one. In a spec that changes anyway, a
    /// supplied value also gets its new author: another webhook may have this request come again,
    /// without the value.
    fn renew(&self, key: &EntryKey, item: &mut Item<'_>, is_changed: bool) -> Result<(), Error> {
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
    ) -> Result<String, Error> {
        self.keys.seal(self.request.record, key, author, value)
    }
}
