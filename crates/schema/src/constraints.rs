//! Sizes, patterns and duplicates, as schemas limit them.

use std::collections::HashSet;

use extension_registry_api::shape::Schema;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

use crate::pattern;
use crate::violation::{Part, Violation};

/// Adds the violations of an object. The API server ignores `status` when an object is created, and `metadata` has rules of
/// its own.
pub(crate) fn check(schema: Schema, object: &Value, violations: &mut Vec<Violation>) {
    let Some((spec, value)) = schema
        .properties
        .as_ref()
        .and_then(|fields| fields.get("spec"))
        .zip(object.get("spec"))
    else {
        return;
    };
    value_at(spec, value, "spec", violations);
}

pub(crate) fn value_at(
    schema: Schema,
    value: &Value,
    field: &str,
    violations: &mut Vec<Violation>,
) {
    match value {
        Value::String(text) => text_at(schema, text, field, violations),
        Value::Number(number) => number_at(schema, number.as_f64(), field, violations),
        Value::Array(items) => {
            let size = (schema.min_items, schema.max_items, "item");
            size_at(size, items.len(), field, violations);
            duplicates(schema, items, field, violations);
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    value_at(schema, item, &format!("{field}[{index}]"), violations);
                }
            }
        }
        Value::Object(fields) => {
            let size = (schema.min_properties, schema.max_properties, "entry");
            size_at(size, fields.len(), field, violations);
            fields_at(schema, fields, field, violations);
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn fields_at(
    schema: Schema,
    fields: &Map<String, Value>,
    parent: &str,
    violations: &mut Vec<Violation>,
) {
    for (name, value) in fields {
        let known = schema
            .properties
            .as_ref()
            .and_then(|known| known.get(name))
            .or(match &schema.additional_properties {
                Some(JSONSchemaPropsOrBool::Schema(schema)) => Some(&**schema),
                _ => None,
            });
        if let Some(schema) = known {
            value_at(schema, value, &format!("{parent}.{name}"), violations);
        }
    }
}

fn text_at(schema: Schema, text: &str, field: &str, violations: &mut Vec<Violation>) {
    let length = text.chars().count();
    let size = (schema.min_length, schema.max_length, "character");
    if !size_at(size, length, field, violations) {
        return;
    }
    let Some(written) = &schema.pattern else {
        return;
    };
    if !pattern::compiled(written).is_some_and(|regex| regex.is_match(text)) {
        violations.push(Violation::new(
            Part::Value,
            "invalid-value",
            field,
            "invalid value",
            format!("must match `{written}`"),
        ));
    }
}

/// Checks the range of a number. No definition has exclusive limits.
fn number_at(schema: Schema, number: Option<f64>, field: &str, violations: &mut Vec<Violation>) {
    let is_below = |limit: f64| number.is_some_and(|number| number < limit);
    let is_above = |limit: f64| number.is_some_and(|number| number > limit);
    let hint = match (schema.minimum, schema.maximum) {
        (Some(limit), _) if is_below(limit) => format!("use at least {limit}"),
        (_, Some(limit)) if is_above(limit) => format!("use at most {limit}"),
        _ => return,
    };
    violations.push(Violation::new(
        Part::Value,
        "invalid-value",
        field,
        "out of range",
        hint,
    ));
}

/// Checks a size, and returns whether it is within its limits.
fn size_at(
    (least, most, unit): (Option<i64>, Option<i64>, &str),
    size: usize,
    field: &str,
    violations: &mut Vec<Violation>,
) -> bool {
    let count = violations.len();
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if let Some(most) = most.filter(|most| size > *most) {
        let message = format!("too long: {} (limit {most})", counted(size, unit));
        violations.push(Violation::new(Part::Size, "too-long", field, message, ""));
    }
    if let Some(least) = least.filter(|least| size < *least) {
        let message = match size {
            0 => "must not be empty".to_owned(),
            _ => format!("too short: {}", counted(size, unit)),
        };
        let hint = format!("use at least {}", counted(least, unit));
        violations.push(Violation::new(
            Part::Value,
            "too-short",
            field,
            message,
            hint,
        ));
    }
    violations.len() == count
}

fn counted(size: i64, unit: &str) -> String {
    match (size, unit) {
        (1, _) => format!("1 {unit}"),
        (_, "entry") => format!("{size} entries"),
        _ => format!("{size} {unit}s"),
    }
}

/// Reports items of a set, or keys of a list of type `map`, that occur twice.
fn duplicates(schema: Schema, items: &[Value], field: &str, violations: &mut Vec<Violation>) {
    let mut seen = HashSet::new();
    let mut report = |index: usize, key: String, message: &str, hint: &str| {
        if !seen.insert(key) {
            let field = format!("{field}[{index}]");
            violations.push(Violation::new(
                Part::Value,
                "duplicate-item",
                &field,
                message,
                hint,
            ));
        }
    };
    match schema.x_kubernetes_list_type.as_deref() {
        Some("set") => {
            for (index, item) in items.iter().enumerate() {
                let hint = "remove one of the entries";
                report(index, item.to_string(), "duplicate entry", hint);
            }
        }
        Some("map") => {
            let names = schema.x_kubernetes_list_map_keys.as_deref();
            for (index, item) in items.iter().enumerate() {
                let keys: Vec<Option<&Value>> = names
                    .unwrap_or_default()
                    .iter()
                    .map(|name| item.get(name))
                    .collect();
                let key = format!("{keys:?}");
                report(
                    index,
                    key,
                    "duplicate name",
                    "give each entry a unique name",
                );
            }
        }
        _ => {}
    }
}
