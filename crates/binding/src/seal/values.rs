//! The values of a spec that are to be sealed, and the spec that holds their sealed form instead.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_api::limits;
use extension_registry_core::projection::RESERVED_KEYS;
use extension_registry_core::sensitive::Sensitive;
use serde_json::{Value, json};

use super::walk::{Entry, EntryKey, entries, inline_entries, is_key};

/// The values written into the credentials of a spec.
///
/// # Errors
/// A field and a reason for each value that cannot be sealed. Nothing is sealed then: the schema or
/// the validating webhook rejects the record.
pub fn inline_values(spec: &Value) -> Result<BTreeMap<EntryKey, Sensitive>, Vec<String>> {
    // A record beyond this limit is rejected anyway, and must not cost much before that.
    let count = entries(spec).count();
    if count > limits::ENTRIES {
        let most = limits::ENTRIES;
        return Err(vec![format!(
            "spec: {count} entries of credentials, at most {most} are allowed"
        )]);
    }
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for entry in inline_entries(spec) {
        match value(&entry) {
            Ok((key, value)) => {
                values.insert(key, value);
            }
            Err(problem) => problems.push(format!("{}{problem}", entry.field())),
        }
    }
    if !values.is_empty() {
        let mut seen = BTreeSet::new();
        let mut repeated = entries(spec).filter(|entry| {
            let key = entry.key();
            key.is_some_and(|key| !seen.insert(key))
        });
        problems.extend(repeated.next().map(|entry| {
            format!(
                "{}.name: used twice; give each entry, set and service its own name",
                entry.position()
            )
        }));
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

fn value(entry: &Entry<'_>) -> Result<(EntryKey, Sensitive), String> {
    let is_valid = |name: &str| is_key(name) && !RESERVED_KEYS.contains(&name);
    if !entry.name().is_some_and(is_valid) {
        return Err(".name: not a valid name".to_owned());
    }
    let Some(value) = entry.value().and_then(Value::as_str) else {
        return Err(".value: not a string; put quotes around it".to_owned());
    };
    if value.len() > limits::VALUE {
        return Err(format!(
            ".value: {} bytes, at most {} are allowed; keep large values in a Secret",
            value.len(),
            limits::VALUE
        ));
    }
    let key = entry.key();
    let key = key.ok_or(": the service or the set of credentials has no name")?;
    Ok((key, Sensitive::new(value)))
}

/// The spec with these sealed values in the place of values and references.
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
