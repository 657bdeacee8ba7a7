//! The annotation in which `kubectl apply` keeps the whole object, values included.

use extension_registry_binding::seal::inline_fields;
use extension_registry_core::record::RecordKey;
use serde_json::Value;

use super::plan;
use crate::digest::DigestKey;

/// What becomes of the annotation.
pub(crate) enum LastApplied {
    /// It holds no value.
    Keep,
    /// It says the same as the sealed object, so that the next apply finds nothing to do.
    Rewrite(String),
    /// Nobody can tell what it holds.
    Remove,
}

/// Takes the values out of the text of the annotation. What it says need not be what the object
/// says; the Secrets that it then names need not exist, for nobody reads them.
pub(crate) fn rewrite(key: &DigestKey, record: &RecordKey, text: &str) -> LastApplied {
    let Ok(mut object) = serde_json::from_str::<Value>(text) else {
        return LastApplied::Remove;
    };
    let Some(spec) = object.get_mut("spec") else {
        return LastApplied::Keep;
    };
    if inline_fields(spec).is_empty() {
        return LastApplied::Keep;
    }
    match plan(key, record, spec).spec {
        Some(sealed) => *spec = sealed,
        None => return LastApplied::Remove,
    }
    // `kubectl` ends the text with a new line.
    let end = if text.ends_with('\n') { "\n" } else { "" };
    LastApplied::Rewrite(format!("{object}{end}"))
}
