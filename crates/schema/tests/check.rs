//! Violations of the shipped definitions.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use extension_registry_schema::check;
use serde_json::{Value, json};

fn folder(path: &str) -> impl Iterator<Item = (String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    })
}

/// Returns `FIELD: RULE: MESSAGE` of each violation.
fn violations(object: &Value) -> Vec<String> {
    let kind = object["kind"].as_str().unwrap();
    let texts = check(kind, object).into_iter().map(|violation| {
        let diagnostic = violation.diagnostic;
        let (field, rule, message) = (diagnostic.field, diagnostic.rule, diagnostic.message);
        format!("{field}: {rule}: {message}")
    });
    texts.collect()
}

fn record(spec: &Value) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "ClusterExtension",
        "metadata": { "name": "store" },
        "spec": spec,
    })
}

fn with_metadata(metadata: &Value) -> Value {
    let mut object = record(&json!({}));
    object["metadata"] = metadata.clone();
    object["metadata"]["name"] = "store".into();
    object
}

#[test]
fn reports_every_object_that_the_api_server_refuses() {
    let mut accepted = Vec::new();
    let mut files = 0;
    for (name, text) in folder("../api/tests/refused") {
        let object: Value = serde_saphyr::from_str(&text).unwrap();
        files += 1;
        if violations(&object).is_empty() {
            accepted.push(name);
        }
    }
    assert!(files > 50, "{files}");
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn accepts_the_examples() {
    let mut objects = 0;
    for path in ["../../examples/records", "../../examples/workflows"] {
        for (name, text) in folder(path) {
            let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
            for object in documents.iter().filter(|object| object["kind"].is_string()) {
                objects += 1;
                assert_eq!(violations(object), Vec::<String>::new(), "{name}");
            }
        }
    }
    assert!(objects > 10, "{objects}");
}

#[test]
fn reports_rules_with_their_messages() {
    let object = record(&json!({
        "access": {},
        "services": [{ "name": "s3", "endpoints": [{ "name": "main", "url": "http://s:+9000" }] }],
    }));
    insta::assert_snapshot!(violations(&object).join("\n"));
}

#[test]
fn reports_sizes_before_rules() {
    let long = "x".repeat(64);
    let services: Vec<Value> = (0..33)
        .map(|index| json!({ "name": format!("s{index}") }))
        .collect();
    let object = record(&json!({ "product": long, "access": {}, "services": services }));
    insta::assert_snapshot!(violations(&object).join("\n"));
}

#[test]
fn reports_metadata() {
    let object = with_metadata(&json!({
        "labels": { "a b": "x", "ok": "-", "example.org/team": "ml", "number": 1, "/x": "y" },
        "annotations": { "Example.org/A": "any text", "a/b/c": "", "flag": true },
        "finalizers": ["a b", "example.org/hold", "example.org/hold"],
        "managedFields": [],
        "generateName": "-",
        "lables": {},
        "creationTimestamp": "yesterday",
        "ownerReferences": [{ "apiVersion": "v1", "kind": "Pod", "name": "" }],
    }));
    insta::assert_snapshot!(violations(&object).join("\n"));
}

#[test]
fn accepts_metadata_that_tools_write() {
    let object = with_metadata(&json!({
        "creationTimestamp": null,
        "labels": null,
        "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
        "generation": 3,
    }));
    assert_eq!(violations(&object), Vec::<String>::new());
}

/// To a rule, a null is absent; an enumeration does not contain it.
#[test]
fn treats_null_as_the_api_server() {
    let set = |scope: Value, project: Value, user: Value| {
        let set = json!({ "name": "main", "scope": scope, "project": project, "user": user });
        let object = record(&json!({ "services": [{ "name": "s3", "credentials": [set] }] }));
        violations(&object)
    };
    let none = Vec::<String>::new();
    assert_eq!(set(json!("global"), Value::Null, Value::Null), none);
    assert_eq!(set(json!("project"), json!([]), Value::Null), none);
    for (violations, expected) in [
        (
            set(json!("project"), Value::Null, Value::Null),
            "spec.services[0].credentials[0]: validation-rule: scope `project` requires `project`",
        ),
        (
            set(Value::Null, Value::Null, Value::Null),
            "spec.services[0].credentials[0].scope: unknown-value: unsupported value",
        ),
        (
            violations(&record(&json!({ "access": { "projects": null } }))),
            "spec.access: validation-rule: `access` requires at least one list",
        ),
    ] {
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].starts_with(expected), "{violations:?}");
    }
}

#[test]
fn never_repeats_a_value() {
    let planted = "planted-secret";
    for spec in [
        json!({ "product": format!("{planted} {planted}") }),
        json!({ "services": [{ "name": planted, "endpoints": [{ "name": "m", "url": format!("http://u:{planted}@h") }] }] }),
        json!({ "access": { "users": [planted, planted] } }),
        json!({ "services": [{ "name": "s", "credentials": [{ "name": "c", "configuration": [{ "name": "k", "value": planted, "valueFrom": null }] }] }] }),
    ] {
        let violations = violations(&record(&spec));
        assert!(!violations.join("\n").contains(planted), "{violations:?}");
    }
}
