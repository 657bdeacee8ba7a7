//! Validates output against the schema of its command.

use extension_registry_cli::documentation;
use serde_json::Value;

/// Checks that the output of a command matches its schema.
pub(crate) fn fits(verb: &str, answer: &str) {
    let schemas = documentation::schemas();
    let (_, schema) = schemas.iter().find(|(name, _)| *name == verb).unwrap();
    let schema = schema.as_value();
    let answer = serde_json::from_str(answer).unwrap();
    let mut problems = Vec::new();
    check(schema, schema, &answer, verb, &mut problems);
    assert!(problems.is_empty(), "{problems:#?}");
    // A check that takes anything would say nothing.
    let other = serde_json::json!({"other": 1});
    check(schema, schema, &other, verb, &mut problems);
    assert!(!problems.is_empty(), "{verb}");
}

const UNKNOWN: &str = "is not in the schema";

/// Validates a value against the subset of JSON Schema that the schemas use.
fn check(root: &Value, schema: &Value, value: &Value, path: &str, problems: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return check(root, target, value, path, problems);
    }
    for form in ["anyOf", "oneOf"] {
        let Some(forms) = schema[form].as_array() else {
            continue;
        };
        let fits = |form: &Value| {
            let mut problems = Vec::new();
            check(root, form, value, path, &mut problems);
            // Where the forms are parts of an object, each knows its own fields only.
            let is_part = schema["properties"].is_object();
            problems.retain(|problem| !(is_part && problem.ends_with(UNKNOWN)));
            problems.is_empty()
        };
        if !forms.iter().any(fits) {
            problems.push(format!("{path}: fits none of {form}"));
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let own = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.is_empty() && !types.contains(&own) {
        problems.push(format!("{path}: is {own}, not {types:?}"));
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        problems.push(format!("{path}: {value} is no allowed value"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        problems.push(format!("{path}: {value} is not the one allowed value"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            problems.push(format!("{path}: has no {name}"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(
            root,
            &schema["items"],
            item,
            &format!("{path}[{index}]"),
            problems,
        );
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let known = &schema["properties"][name];
        if !known.is_null() {
            check(root, known, field, &format!("{path}.{name}"), problems);
        } else if schema["properties"].is_object() && !is_in_form(root, schema, name) {
            problems.push(format!("{path}.{name}: {UNKNOWN}"));
        }
    }
}

/// Returns whether a form of an object has a field.
fn is_in_form(root: &Value, schema: &Value, name: &str) -> bool {
    let forms = ["anyOf", "oneOf"].map(|form| schema[form].as_array());
    forms.into_iter().flatten().flatten().any(|form| {
        let target = form["$ref"].as_str();
        let target = target.and_then(|target| root.pointer(target.trim_start_matches('#')));
        let form = target.unwrap_or(form);
        form["properties"].get(name).is_some() || is_in_form(root, form, name)
    })
}
