//! What is said about values of credentials that are not moved out of a record. No value is.

use std::fmt::Write;

use extension_registry_binding::seal::inline_fields;
use extension_registry_core::record::RecordKey;
use serde_json::Value;

use crate::args::InlineCredentials;
use crate::context::Context;
use crate::seal;
use crate::webhook::Review;

/// The most fields that a refusal names.
const MOST_NAMED: usize = 16;

/// Why a record is refused that keeps values of credentials although it may not: they could not be
/// sealed, or came after the mutating door. Asked at the validating door, which sees what would be
/// stored.
pub(super) fn kept(context: &Context, review: &Review, record: &RecordKey) -> Option<String> {
    match context.settings.inline_credentials {
        InlineCredentials::Allow => None,
        InlineCredentials::Deny => denied(record, review),
        InlineCredentials::Seal => {
            let spec = review.object.data.get("spec")?;
            let fields = inline_fields(spec);
            if fields.is_empty() {
                return None;
            }
            let plan = seal::plan(&context.digest_key, record, spec);
            Some(if plan.left.is_empty() {
                let fields: Vec<String> = fields.into_iter().map(|(field, _)| field).collect();
                format!(
                    "{}: a value was not sealed; hint: is the MutatingWebhookConfiguration of the registry in place, and does no other one write values?",
                    some(&fields)
                )
            } else {
                format!("credentials could not be sealed: {}", some(&plan.left))
            })
        }
    }
}

/// Why a record with values of credentials is refused where none may have any.
pub(super) fn denied(record: &RecordKey, review: &Review) -> Option<String> {
    if !review.changes_spec() {
        return None;
    }
    let spec = review.object.data.get("spec").unwrap_or(&Value::Null);
    let fields = inline_fields(spec);
    if fields.is_empty() {
        return None;
    }
    let keys = fields.iter().filter_map(|(_, name)| name.as_deref());
    let literals = keys.take(MOST_NAMED).fold(String::new(), |mut text, key| {
        let _ = write!(text, " --from-literal={key}=…");
        text
    });
    let namespace = record
        .namespace
        .as_deref()
        .map_or_else(|| "RECORDS-NAMESPACE".to_owned(), str::to_owned);
    let fields: Vec<String> = fields.into_iter().map(|(field, _)| field).collect();
    Some(format!(
        "{}: credentials may not be written into a record here; hint: kubectl create secret generic NAME -n {namespace}{literals}, and in place of `value` write `valueFrom: {{secretKeyRef: {{name: NAME, key: KEY}}}}`",
        some(&fields)
    ))
}

fn some(texts: &[String]) -> String {
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
