//! Refuses a record that can never be used. The checks are those of the store.

use extension_registry_api::ExtensionSpec;
use extension_registry_api::convert;
use extension_registry_binding::seal::entries;
use kube::core::DynamicObject;
use serde_json::Value;

use super::inline;
use super::mutate::record_key;
use crate::context::Context;
use crate::webhook::{Answer, Review};

/// Why a record is refused that refers to a sealed Secret at a place where the stored record does not.
fn added_sealed_refs(review: &Review) -> Option<String> {
    let references = |object: &DynamicObject| -> Vec<_> {
        let spec = object.data.get("spec").unwrap_or(&Value::Null);
        let references = entries(spec).filter_map(|entry| {
            let reference = entry.sealed_ref()?.clone();
            Some(((entry.key(), reference), entry.field()))
        });
        references.collect()
    };
    let stored = review.old.as_ref().map(references).unwrap_or_default();
    let added: Vec<String> = references(&review.object)
        .into_iter()
        .filter(|(reference, _)| !stored.iter().any(|(stored, _)| stored == reference))
        .map(|(_, field)| format!("{field}.valueFrom.sealedRef"))
        .collect();
    (!added.is_empty()).then(|| {
        format!(
            "{}: deprecated and cannot be added; hint: write `value`, which is sealed into the record, or `valueFrom.secretKeyRef`",
            inline::list(&added)
        )
    })
}

pub(crate) async fn validate(context: &Context, review: &Review) -> Answer {
    // What is stored already may be labelled, released and deleted, whatever it says.
    if !review.changes_spec() {
        return Answer::admit();
    }
    let key = record_key(review);
    if let Some(refusal) =
        inline::remaining(context, review, &key).or_else(|| added_sealed_refs(review))
    {
        return Answer::refuse(refusal);
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // Nothing of what the decoder says is repeated: it quotes values.
    let Ok(spec) = serde_json::from_value::<ExtensionSpec>(spec) else {
        return Answer::refuse(
            "spec: does not have the shape that the CustomResourceDefinition demands; hint: is the definition in the cluster that of this operator?",
        );
    };
    match convert::record(key, 0, &spec) {
        Ok(_) => Answer::admit(),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Answer::refuse(lines.join("\n"))
        }
    }
}
