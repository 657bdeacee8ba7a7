//! What is written about the commands is what they say.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use extension_registry_cli::documentation;
use serde_json::Value;

#[test]
fn the_reference_and_the_man_pages_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let hint = "make docs writes it anew";
    let written = fs::read_to_string(docs.join("commands.md")).unwrap();
    assert!(
        written == documentation::reference(),
        "docs/commands.md: {hint}"
    );
    let pages = documentation::pages().unwrap();
    for (name, text) in &pages {
        let written = fs::read(docs.join("man").join(name)).unwrap_or_default();
        assert!(written == *text, "docs/man/{name}: {hint}");
    }
    for (name, schema) in documentation::schemas() {
        let written = fs::read_to_string(docs.join(format!("schemas/{name}.json")));
        let text = documentation::schema_text(&schema).unwrap();
        assert!(written.unwrap_or_default() == text, "{name}.json: {hint}");
    }
    let names: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let files: BTreeSet<String> = fs::read_dir(docs.join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, files);
}

#[test]
fn answers_are_as_their_schemas_say() {
    fn with<'a>(arguments: &[&'a str], files: &[&'a str]) -> Vec<&'a str> {
        [arguments, files, &["-o", "json"]].concat()
    }
    let files = [
        "-f",
        "../../examples/records",
        "-f",
        "../../examples/workflows",
    ];
    let base = [
        "--base",
        "../../examples/records",
        "--base",
        "../../examples/workflows",
    ];
    let answers = [
        ("list", with(&["list"], &files)),
        (
            "describe",
            with(&["describe", "seldon-core-production"], &files),
        ),
        ("resolve", with(&["resolve"], &files)),
        (
            "explain",
            with(&["explain", "train-explicit", "--all"], &files),
        ),
        (
            "whatif",
            with(&["whatif", "--delete", "mlflow-0001"], &base),
        ),
        ("lint", with(&["lint", "tests/data/mistakes"], &[])),
        ("version", with(&["version"], &[])),
    ];
    for (name, arguments) in answers {
        let (_, schema) = documentation::schemas()
            .into_iter()
            .find(|(verb, _)| *verb == name)
            .unwrap();
        let schema = schema.as_value();
        let answer = serde_json::from_str(&support::ext(&arguments).out).unwrap();
        let mut problems = Vec::new();
        check(schema, schema, &answer, name, &mut problems);
        assert!(problems.is_empty(), "{problems:#?}");
        // A check that takes anything would say nothing.
        check(
            schema,
            schema,
            &serde_json::json!({"other": 1}),
            name,
            &mut problems,
        );
        assert!(!problems.is_empty(), "{name}");
    }
}

const UNKNOWN: &str = "is not in the schema";

/// Checks a value against the part of JSON Schema that the schemas use.
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
        } else if schema["properties"].is_object() && schema.get("oneOf").is_none() {
            problems.push(format!("{path}.{name}: {UNKNOWN}"));
        }
    }
}
