//! Refuses a workflow that can never work, whatever the records say. The checks are those of the
//! workflow controller.

use extension_registry_api::convert;
use extension_registry_api::workflow::WorkflowSpec;

use crate::context::Context;
use crate::webhook::{Answer, Review};

pub(crate) async fn validate(_context: &Context, review: &Review) -> Answer {
    // What is stored already may be labelled, released and deleted, whatever it says.
    if !review.changes_spec() {
        return Answer::admit();
    }
    let spec = review.object.data.get("spec").cloned().unwrap_or_default();
    // The schema was checked before; what it lets pass can be read.
    let Ok(spec) = serde_json::from_value::<WorkflowSpec>(spec) else {
        return Answer::refuse(
            "spec: does not have the shape that the CustomResourceDefinition demands; hint: is the definition in the cluster that of this operator?",
        );
    };
    let problems = problems(&spec);
    if problems.is_empty() {
        return Answer::admit();
    }
    Answer::refuse(problems.join("\n"))
}

/// What is wrong with a workflow by itself, a line each.
fn problems(spec: &WorkflowSpec) -> Vec<String> {
    let mut lines: Vec<String> = extension_registry_pipeline::check(spec)
        .iter()
        .filter(|problem| problem.refusal.reason.is_stalled())
        .map(ToString::to_string)
        .collect();
    for (step, written) in spec.steps.iter().enumerate() {
        for (position, requirement) in written.extensions.iter().enumerate() {
            let field = format!("spec.steps[{step}].extensions[{position}]");
            let unread = convert::requirement(&field, requirement).err();
            lines.extend(unread.iter().flatten().map(ToString::to_string));
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
    fn what_needs_no_record_to_be_wrong_is_refused() {
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
    fn what_only_records_can_tell_passes() {
        let good = spec(json!({ "steps": [{
            "name": "train", "image": "i",
            "extensions": [{ "name": "store", "product": "nobody-has-it", "version": "^1" }],
        }] }));
        assert!(problems(&good).is_empty());
    }
}
