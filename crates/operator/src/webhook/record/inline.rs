//! Checks for credential values in a record. No message contains a value.

use std::fmt::Write;

use extension_registry_core::diagnostic::explained;
use extension_registry_core::record::RecordKey;
use extension_registry_seal::{inline_entries, inline_values};
use serde_json::Value;

use crate::args::InlineCredentials;
use crate::context::Context;
use crate::webhook::Review;

/// Maximum number of fields that a message lists.
const MAX_LISTED: usize = 16;

/// Returns why a record with credential values is denied: they could not be sealed, or were added after
/// the mutating webhook. Called by the validating webhook, which receives the object to store.
pub(super) fn remaining(context: &Context, review: &Review, record: &RecordKey) -> Option<String> {
    match context.settings.inline_credentials {
        InlineCredentials::Allow => None,
        InlineCredentials::Deny => denied(record, review),
        InlineCredentials::Seal => {
            let spec = review.object.data.get("spec")?;
            let fields = fields(spec);
            if fields.is_empty() {
                return None;
            }
            Some(match inline_values(spec) {
                Ok(_) => explained(
                    &format!("{}: value was not sealed", list(&fields)),
                    &[
                        "check that the MutatingWebhookConfiguration of the registry exists and that no other webhook adds values",
                    ],
                ),
                Err(problems) => format!("cannot seal credentials: {}", list(&problems)),
            })
        }
    }
}

/// Returns why a record with credential values is denied if they are not allowed.
pub(super) fn denied(record: &RecordKey, review: &Review) -> Option<String> {
    if !review.changes_spec() {
        return None;
    }
    let spec = review.object.data.get("spec").unwrap_or(&Value::Null);
    let fields = fields(spec);
    if fields.is_empty() {
        return None;
    }
    let keys = inline_entries(spec).filter_map(|entry| entry.name());
    let literals = keys.take(MAX_LISTED).fold(String::new(), |mut text, key| {
        let _ = write!(text, " --from-literal={key}=…");
        text
    });
    let namespace = record.namespace.as_deref().unwrap_or("RECORDS-NAMESPACE");
    Some(explained(
        &format!(
            "{}: credential values in records are not allowed in this cluster",
            list(&fields)
        ),
        &[format!(
            "create a Secret with `kubectl create secret generic NAME -n {namespace}{literals}`, and replace `value` with `valueFrom: {{secretKeyRef: {{name: NAME, key: KEY}}}}`"
        )],
    ))
}

fn fields(spec: &Value) -> Vec<String> {
    inline_entries(spec)
        .map(|entry| format!("{}.value", entry.field()))
        .collect()
}

/// Joins texts for a message, up to a limit.
pub(super) fn list(texts: &[String]) -> String {
    let mut text = texts
        .iter()
        .take(MAX_LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("; ");
    if texts.len() > MAX_LISTED {
        let _ = write!(text, "; and {} more", texts.len() - MAX_LISTED);
    }
    text
}
