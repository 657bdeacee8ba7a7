//! Admission of workflows: denies a workflow that is invalid independently of the records, with the same checks
//! as the workflow controller.

use extension_registry_api::convert;
use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::diagnostic::{Explain, explained};

use crate::webhook::{AdmissionResult, Review};

pub(crate) fn validate(review: &Review) -> AdmissionResult {
    // Metadata of a stored workflow can be changed even if its spec is invalid.
    if !review.changes_spec() {
        return AdmissionResult::allow();
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // The API server has already validated the schema.
    let Ok(spec) = serde_json::from_value::<WorkflowSpec>(spec) else {
        return AdmissionResult::deny(explained(
            "spec: does not match the schema of this operator version",
            &["check that the CustomResourceDefinition and the operator have the same version"],
        ));
    };
    let problems = problems(&spec);
    if problems.is_empty() {
        return AdmissionResult::allow();
    }
    AdmissionResult::deny(problems.join("\n"))
}

/// Returns the problems of a workflow that do not depend on records, one line each.
fn problems(spec: &WorkflowSpec) -> Vec<String> {
    let mut lines: Vec<String> = extension_registry_pipeline::check(spec)
        .iter()
        .filter(|problem| problem.refusal.reason.is_stalled())
        .map(Explain::explained)
        .collect();
    for (step, written) in spec.steps.iter().enumerate() {
        for (position, requirement) in written.extensions.iter().enumerate() {
            let field = format!("spec.steps[{step}].extensions[{position}]");
            let unread = convert::requirement(&field, requirement).err();
            lines.extend(unread.iter().flatten().map(Explain::explained));
        }
    }
    let mut seen = std::collections::HashSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines
}

#[cfg(test)]
mod tests {
    use extension_registry_api::workflow::WorkflowSpec;
    use serde_json::json;

    use super::problems;

    fn spec(value: serde_json::Value) -> WorkflowSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn denies_problems_independent_of_records() {
        let bad = spec(json!({ "steps": [{
            "name": "train", "image": "i",
            "env": [{ "name": "A", "value": "{{ extensions.other.KEY }}" }],
            "extensions": [
                { "name": "store", "product": "mlflow", "version": ">=1.x" },
                { "name": "nothing" },
            ],
        }] }));
        insta::assert_snapshot!(problems(&bad).join("\n"));
    }

    #[test]
    fn allows_requirement_without_matching_record() {
        let good = spec(json!({ "steps": [{
            "name": "train", "image": "i",
            "extensions": [{ "name": "store", "product": "nobody-has-it", "version": "^1" }],
        }] }));
        assert!(problems(&good).is_empty());
    }
}
