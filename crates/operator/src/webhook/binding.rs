//! Admission of bindings: denies a binding that is invalid independently of the records, with the same checks
//! as the binding controller.

use extension_registry_api::{ExtensionBindingSpec, convert};
use extension_registry_core::diagnostic::{Explain, explained};
use kube::ResourceExt;

use crate::webhook::{AdmissionResult, Review};

pub(crate) fn validate(review: &Review) -> AdmissionResult {
    // Metadata of a stored binding can be changed even if its spec is invalid.
    if !review.changes_spec() {
        return AdmissionResult::allow();
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // The API server has already validated the schema.
    let Ok(spec) = serde_json::from_value::<ExtensionBindingSpec>(spec) else {
        return AdmissionResult::deny(explained(
            "spec: does not match the schema of this operator version",
            &["check that the CustomResourceDefinition and the operator have the same version"],
        ));
    };
    match convert::binding(&review.object.name_any(), &spec) {
        Ok(_) => AdmissionResult::allow(),
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(Explain::explained).collect();
            AdmissionResult::deny(lines.join("\n"))
        }
    }
}
