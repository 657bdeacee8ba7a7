//! Unquoted strings that YAML parses as another type: `version: 1.19` is a number, `value: no` may be a
//! boolean.
//!
//! The API server rejects these too, but without a hint. Messages do not repeat values.

use std::ops::ControlFlow;

use extension_registry_core::diagnostic::explained;
use serde_json::Value;

use crate::shape;

/// Maximum number of reported fields.
const MAX_FIELDS: usize = 20;

/// Returns an error with a hint for every spec field that should be a string but is a boolean or a
/// number. Returns nothing for kinds in other API groups.
#[must_use]
pub fn find(kind: &str, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let _ = shape::visit(kind, object, &mut |violation| {
        let (field, message) = (&violation.field, violation.message());
        if violation.is_unquoted() && field.starts_with("spec.") {
            found.push(explained(
                &format!("{field}: {message}"),
                &[violation.hint()],
            ));
        }
        if found.len() == MAX_FIELDS {
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
    fn reports_unquoted_strings_without_values() {
        let record = json!({ "spec": {
            "version": 1.19,
            "default": true,
            "services": [{ "name": "s3", "credentials": [
                { "name": "main", "configuration": [{ "name": "PASSWORD", "value": 4_711 }] }
            ] }],
        } });
        let found = super::find("ClusterExtension", &record);
        insta::assert_snapshot!(found.join("\n"), @r"
        spec.services[0].credentials[0].configuration[0].value: expected a string, found a number; hint: quote the value
        spec.version: expected a string, found a number; hint: quote the value
        ");
    }

    #[test]
    fn ignores_other_violations() {
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
