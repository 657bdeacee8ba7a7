//! The annotation in which `kubectl apply` keeps the whole object, values included.

use std::collections::BTreeMap;

use extension_registry_binding::seal::{EntryKey, inline_entries, inline_values, with_sealed};
use extension_registry_core::sensitive::Sensitive;
use serde_json::Value;

/// The most bytes of the new text: the API server accepts 256 KiB of annotations in all.
const MOST_BYTES: usize = 240 * 1024;

/// What becomes of the annotation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LastApplied {
    /// It holds no value.
    Keep,
    /// It holds what the sealed object holds, so that the next apply finds nothing to do.
    Rewrite(String),
    /// It may hold a value that the object does not have.
    Remove,
}

/// Replaces the values in the text of the annotation by their sealed form in the object.
pub(crate) fn rewrite(
    text: &str,
    values: &BTreeMap<EntryKey, Sensitive>,
    texts: &BTreeMap<EntryKey, String>,
) -> LastApplied {
    let Ok(mut object) = serde_json::from_str::<Value>(text) else {
        return LastApplied::Remove;
    };
    let Some(spec) = object.get_mut("spec") else {
        return LastApplied::Keep;
    };
    if inline_entries(spec).next().is_none() {
        return LastApplied::Keep;
    }
    let sealed = |(key, value): (&EntryKey, &Sensitive)| {
        let is_same = values.get(key) == Some(value);
        Some((key.clone(), texts.get(key).filter(|_| is_same)?.clone()))
    };
    let Some(own) = inline_values(spec)
        .ok()
        .and_then(|own| own.iter().map(sealed).collect())
    else {
        return LastApplied::Remove;
    };
    *spec = with_sealed(spec, &own);
    // `kubectl` ends the text with a new line.
    let end = if text.ends_with('\n') { "\n" } else { "" };
    let text = format!("{object}{end}");
    if text.len() > MOST_BYTES {
        return LastApplied::Remove;
    }
    LastApplied::Rewrite(text)
}
