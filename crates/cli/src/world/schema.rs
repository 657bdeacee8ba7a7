//! Whether an object has the shape that its `CustomResourceDefinition` demands: the part of a schema
//! that says more with the place of a field. What else the schema asks for, `convert` and `check` ask
//! for too.

use std::collections::HashMap;
use std::sync::LazyLock;

use extension_registry_api::crd;
use extension_registry_core::suggest;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

/// Something that the schema does not allow.
pub(super) struct Misfit {
    /// `unknown-field`, `missing-field`, `wrong-type` or `unknown-value`.
    pub(super) rule: &'static str,
    /// The field.
    pub(super) field: String,
    /// What is wrong. No value.
    pub(super) message: String,
    /// The way out.
    pub(super) hint: String,
}

/// What every object has, whatever its kind.
const OF_EVERY_OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

static SCHEMAS: LazyLock<HashMap<String, JSONSchemaProps>> = LazyLock::new(|| {
    let schema = |definition: &mut k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
        let version = definition.spec.versions.first_mut()?;
        version.schema.take()?.open_api_v3_schema
    };
    crd::all()
        .into_iter()
        .filter_map(|mut definition| {
            let schema = schema(&mut definition)?;
            Some((definition.spec.names.kind, schema))
        })
        .collect()
});

/// What is wrong with the shape of an object. Empty for a kind that is not ours.
pub(super) fn check(kind: &str, object: &Value) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    if let (Some(schema), Value::Object(fields)) = (SCHEMAS.get(kind), object) {
        fields_of(schema, fields, "", &mut misfits);
    }
    misfits
}

fn walk(schema: &JSONSchemaProps, value: &Value, field: &str, misfits: &mut Vec<Misfit>) {
    let mut misfit = |rule, message: String, hint: &str| {
        misfits.push(Misfit {
            rule,
            field: field.to_owned(),
            message,
            hint: hint.to_owned(),
        });
    };
    if value.is_null() && schema.nullable == Some(true) {
        return;
    }
    if let Some(wanted) = &schema.type_
        && !is_of_type(wanted, value)
    {
        let (what, noun) = (describe(value), describe_type(wanted));
        let hint = match (wanted.as_str(), value) {
            ("string", Value::Bool(_) | Value::Number(_)) => "quote it",
            (_, Value::Null) => "give it a value, or remove it",
            _ => "",
        };
        misfit(
            "wrong-type",
            format!("is {what} where {noun} belongs"),
            hint,
        );
        return;
    }
    match value {
        Value::String(text) => {
            let allowed: Vec<&str> = schema
                .enum_
                .iter()
                .flatten()
                .filter_map(|value| value.0.as_str())
                .collect();
            if !allowed.is_empty() && !allowed.contains(&text.as_str()) {
                let list = allowed.join("`, `");
                misfit("unknown-value", format!("is none of `{list}`"), "");
            }
        }
        Value::Object(fields) => fields_of(schema, fields, field, misfits),
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    walk(schema, item, &format!("{field}[{index}]"), misfits);
                }
            }
        }
        _ => {}
    }
}

fn fields_of(
    schema: &JSONSchemaProps,
    fields: &Map<String, Value>,
    parent: &str,
    misfits: &mut Vec<Misfit>,
) {
    let path = |name: &str| {
        if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}.{name}")
        }
    };
    for name in schema.required.iter().flatten() {
        if !fields.contains_key(name) {
            misfits.push(Misfit {
                rule: "missing-field",
                field: path(name),
                message: "is missing".to_owned(),
                hint: "add it".to_owned(),
            });
        }
    }
    let Some(known) = &schema.properties else {
        if let Some(JSONSchemaPropsOrBool::Schema(schema)) = &schema.additional_properties {
            for (name, value) in fields {
                walk(schema, value, &path(name), misfits);
            }
        }
        return;
    };
    let is_open = schema.x_kubernetes_preserve_unknown_fields == Some(true);
    for (name, value) in fields {
        match known.get(name) {
            Some(schema) => walk(schema, value, &path(name), misfits),
            None if is_open => {}
            None if parent.is_empty() && OF_EVERY_OBJECT.contains(&name.as_str()) => {}
            None => {
                let names = known.keys().map(String::as_str);
                let hint = suggest::closest(name, names.clone()).map_or_else(
                    || format!("known are `{}`", names.collect::<Vec<_>>().join("`, `")),
                    |near| format!("did you mean `{near}`?"),
                );
                misfits.push(Misfit {
                    rule: "unknown-field",
                    field: path(name),
                    message: "is no field of this kind".to_owned(),
                    hint,
                });
            }
        }
    }
}

fn is_of_type(wanted: &str, value: &Value) -> bool {
    match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn describe_type(wanted: &str) -> &'static str {
    match wanted {
        "string" => "text",
        "boolean" => "a boolean",
        "integer" | "number" => "a number",
        "array" => "a list",
        _ => "a mapping",
    }
}
