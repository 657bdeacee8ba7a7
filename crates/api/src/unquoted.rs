//! Text that YAML reads as something else: `version: 1.19` is a number, `value: no` may be a boolean.
//!
//! The API server refuses these too, but does not say what to do. No value is repeated here.

use std::ops::ControlFlow;

use serde_json::Value;

use crate::shape;

/// The most fields that are named: the rest is found on the next try.
const MOST: usize = 20;

/// Every field of a spec that should be text and is a boolean or a number, with what to do about it.
/// Empty for a kind that is not ours.
#[must_use]
pub fn find(kind: &str, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let _ = shape::visit(kind, object, &mut |misfit| {
        let (field, message) = (&misfit.field, misfit.message());
        if misfit.is_unquoted() && field.starts_with("spec.") {
            found.push(format!("{field}: {message}; hint: {}", misfit.hint()));
        }
        if found.len() == MOST {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn text_that_is_no_text_is_named_without_its_value() {
        let record = json!({ "spec": {
            "version": 1.19,
            "default": true,
            "services": [{ "name": "s3", "credentials": [
                { "name": "main", "configuration": [{ "name": "PASSWORD", "value": 4_711 }] }
            ] }],
        } });
        let found = super::find("ClusterExtension", &record);
        insta::assert_snapshot!(found.join("\n"), @r"
        spec.services[0].credentials[0].configuration[0].value: is a number where text belongs; hint: quote it
        spec.version: is a number where text belongs; hint: quote it
        ");
    }

    #[test]
    fn any_shape_passes_that_is_no_question_of_quotes() {
        for object in [
            json!(null),
            json!([]),
            json!({ "spec": null }),
            json!({ "spec": [1] }),
            json!({ "spec": { "services": { "a": 1 }, "unknown": 1, "version": null } }),
        ] {
            assert!(super::find("Extension", &object).is_empty(), "{object}");
        }
        assert!(super::find("Pod", &json!({ "spec": { "version": 1 } })).is_empty());
    }
}
