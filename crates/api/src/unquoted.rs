//! Text that YAML reads as something else: `version: 1.19` is a number, `value: no` may be a boolean.
//!
//! The API server refuses these too, but does not say what to do. No value is repeated here.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use serde_json::Value;

/// The most fields that are named: the rest is found on the next try.
const MOST: usize = 20;

/// Every field of an object that should be text and is a boolean or a number, with what to do about
/// it. Empty for a kind that is not ours.
#[must_use]
pub fn find(kind: &str, object: &Value) -> Vec<String> {
    static SCHEMAS: LazyLock<Vec<CustomResourceDefinition>> = LazyLock::new(crate::crd::all);
    let definition = SCHEMAS
        .iter()
        .find(|definition| definition.spec.names.kind == kind);
    let schema = definition
        .and_then(|definition| definition.spec.versions.first())
        .and_then(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref())
        .and_then(|schema| schema.properties.as_ref()?.get("spec"));
    let mut found = Vec::new();
    if let (Some(schema), Some(spec)) = (schema, object.get("spec")) {
        walk(schema, spec, "spec", &mut found);
    }
    found
}

fn walk(schema: &JSONSchemaProps, value: &Value, field: &str, found: &mut Vec<String>) {
    if found.len() == MOST {
        return;
    }
    match value {
        Value::Bool(_) | Value::Number(_) if schema.type_.as_deref() == Some("string") => {
            let what = if value.is_boolean() {
                "a boolean"
            } else {
                "a number"
            };
            found.push(format!(
                "{field}: is {what} where text belongs; hint: quote it"
            ));
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = schema.properties.as_ref().and_then(|all| all.get(name)) {
                    walk(schema, value, &format!("{field}.{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    walk(schema, item, &format!("{field}[{index}]"), found);
                }
            }
        }
        _ => {}
    }
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
