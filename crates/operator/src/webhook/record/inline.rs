//! Messages about values of credentials that stay in a record. None of them holds a value.

use std::fmt::Write;

use extension_registry_binding::seal::{inline_entries, inline_values};
use extension_registry_core::record::RecordKey;
use serde_json::Value;

use crate::args::InlineCredentials;
use crate::context::Context;
use crate::webhook::Review;

/// The most fields that a refusal names.
const MOST_NAMED: usize = 16;

/// Why a record is refused that holds values of credentials although it must not: they could not be
/// sealed, or were written after the mutating webhook. Asked by the validating webhook, which sees what
/// would be stored.
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
                Ok(_) => format!(
                    "{}: a value was not sealed; hint: check that the MutatingWebhookConfiguration of the registry exists and that no other webhook writes values",
                    list(&fields)
                ),
                Err(problems) => format!("credentials cannot be sealed: {}", list(&problems)),
            })
        }
    }
}

/// Why a record with values of credentials is refused where none are allowed.
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
    let literals = keys.take(MOST_NAMED).fold(String::new(), |mut text, key| {
        let _ = write!(text, " --from-literal={key}=…");
        text
    });
    let namespace = record.namespace.as_deref().unwrap_or("RECORDS-NAMESPACE");
    Some(format!(
        "{}: credentials are not allowed in a record here; hint: kubectl create secret generic NAME -n {namespace}{literals}, and in place of `value` write `valueFrom: {{secretKeyRef: {{name: NAME, key: KEY}}}}`",
        list(&fields)
    ))
}

fn fields(spec: &Value) -> Vec<String> {
    inline_entries(spec)
        .map(|entry| format!("{}.value", entry.field()))
        .collect()
}

/// Joins texts for people, as many as a message can hold.
pub(super) fn list(texts: &[String]) -> String {
    let mut text = texts
        .iter()
        .take(MOST_NAMED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("; ");
    if texts.len() > MOST_NAMED {
        let _ = write!(text, "; and {} more", texts.len() - MOST_NAMED);
    }
    text
}
