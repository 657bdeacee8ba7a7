//! Denies an invalid record, with the same checks as the record store.

use extension_registry_api::ExtensionSpec;
use extension_registry_api::convert;
use extension_registry_core::diagnostic::{Explain, explained};
use extension_registry_seal::entries;
use kube::core::DynamicObject;
use serde_json::Value;

use super::inline;
use super::mutate::record_key;
use crate::context::Context;
use crate::webhook::{AdmissionResult, Review};

/// Returns why a record is denied that adds a reference to a sealed Secret.
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
        explained(
            &format!(
                "{}: `sealedRef` is deprecated and cannot be added",
                inline::list(&added)
            ),
            &["use `value`, which is sealed into the record, or `valueFrom.secretKeyRef`"],
        )
    })
}

pub(crate) async fn validate(context: &Context, review: &Review) -> AdmissionResult {
    // Metadata of a stored record can be changed even if its spec is invalid.
    if !review.changes_spec() {
        return AdmissionResult::allow();
    }
    let key = record_key(review);
    if let Some(refusal) =
        inline::remaining(context, review, &key).or_else(|| added_sealed_refs(review))
    {
        return AdmissionResult::deny(refusal);
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // The deserialization error may quote values.
    let Ok(spec) = serde_json::from_value::<ExtensionSpec>(spec) else {
        return AdmissionResult::deny(explained(
            "spec: does not match the schema of this operator version",
            &["check that the CustomResourceDefinition and the operator have the same version"],
        ));
    };
    match convert::record(key, 0, &spec) {
        Ok(_) => AdmissionResult::allow(),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(Explain::explained).collect();
            AdmissionResult::deny(lines.join("\n"))
        }
    }
}
