//! The annotation in which `kubectl apply` stores the whole object, including values.

use std::collections::BTreeMap;

use extension_registry_core::sensitive::Sensitive;
use serde_json::Value;

use crate::values::{inline_values, with_sealed};
use crate::walk::{EntryKey, inline_entries};

/// Maximum size of the new text in bytes. All annotations of an object share 256 KiB.
const MAX_BYTES: usize = 240 * 1024;

/// What to do with the annotation.
#[derive(Debug, PartialEq, Eq)]
pub enum LastApplied {
    /// Keep it, because it contains no value.
    Keep,
    /// Replace it with the sealed object, so that the next apply finds no difference.
    Rewrite(String),
    /// Remove it, because it may contain a value that the object does not have.
    Remove,
}

/// Replaces the values in the annotation with their sealed texts.
#[must_use]
pub fn rewrite(
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
    // `kubectl` ends the text with a newline.
    let end = if text.ends_with('\n') { "\n" } else { "" };
    let text = format!("{object}{end}");
    if text.len() > MAX_BYTES {
        return LastApplied::Remove;
    }
    LastApplied::Rewrite(text)
}
