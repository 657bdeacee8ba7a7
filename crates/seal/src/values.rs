//! Inline values of a spec to seal, and their replacement by sealed values.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_api::limits;
use extension_registry_core::projection::RESERVED_KEYS;
use extension_registry_core::sensitive::Sensitive;
use serde_json::{Value, json};

use crate::walk::{Entry, EntryKey, entries, inline_entries, is_key};

/// Returns the inline values in the credentials of a spec.
///
/// # Errors
/// Returns a field and message for each value that cannot be sealed. No value is sealed then: the
/// schema or the validating webhook rejects the record.
pub fn inline_values(spec: &Value) -> Result<BTreeMap<EntryKey, Sensitive>, Vec<String>> {
    // A record beyond this limit is rejected anyway, so it must be cheap.
    let count = entries(spec).count();
    if count > limits::ENTRIES {
        let max = limits::ENTRIES;
        return Err(vec![format!(
            "spec: too many credential entries: {count} (limit {max})"
        )]);
    }
    let mut values = BTreeMap::new();
    let mut errors = Vec::new();
    for entry in inline_entries(spec) {
        match value(&entry) {
            Ok((key, value)) => {
                values.insert(key, value);
            }
            Err(error) => errors.push(format!("{}{error}", entry.field())),
        }
    }
    if !values.is_empty() {
        let mut seen = BTreeSet::new();
        let mut repeated = entries(spec).filter(|entry| {
            let key = entry.key();
            key.is_some_and(|key| !seen.insert(key))
        });
        errors.extend(repeated.next().map(|entry| {
            format!(
                "{}.name: duplicate name; give each service, set and entry a unique name",
                entry.position()
            )
        }));
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

fn value(entry: &Entry<'_>) -> Result<(EntryKey, Sensitive), String> {
    let is_valid = |name: &str| is_key(name) && !RESERVED_KEYS.contains(&name);
    if !entry.name().is_some_and(is_valid) {
        return Err(".name: invalid name".to_owned());
    }
    let Some(value) = entry.value().and_then(Value::as_str) else {
        return Err(".value: must be a string; quote the value".to_owned());
    };
    if value.len() > limits::VALUE {
        return Err(format!(
            ".value: too large: {} bytes (limit {}); store large values in a Secret",
            value.len(),
            limits::VALUE
        ));
    }
    let key = entry.key();
    let key = key.ok_or(": the service or the set of credentials has no name")?;
    Ok((key, Sensitive::new(value)))
}

/// Returns the spec with sealed values in place of inline values and references.
#[must_use]
pub fn with_sealed(spec: &Value, texts: &BTreeMap<EntryKey, String>) -> Value {
    let mut changed = spec.clone();
    for entry in entries(spec) {
        let Some(text) = entry.key().and_then(|key| texts.get(&key)) else {
            continue;
        };
        let fields = changed.pointer_mut(&entry.pointer());
        if let Some(fields) = fields.and_then(Value::as_object_mut) {
            fields.remove("value");
            fields.insert("valueFrom".to_owned(), json!({"sealed": text}));
        }
    }
    changed
}
