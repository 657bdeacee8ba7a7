//! Changes that make slightly wrong objects of valid ones, by the schema of their kind.

use serde_json::{Map, Value, json};

/// A change of an object.
pub(crate) struct Edit {
    /// Description of the change.
    pub(crate) text: String,
    /// JSON pointer of the value to change.
    pointer: String,
    action: Action,
}

enum Action {
    Replace(Value),
    Add(String, Value),
    Remove(String),
}

impl Edit {
    /// Changes an object that has the value to change.
    pub(crate) fn apply(&self, object: &mut Value) {
        let Some(value) = object.pointer_mut(&self.pointer) else {
            return;
        };
        match (&self.action, value) {
            (Action::Replace(new), old) => old.clone_from(new),
            (Action::Add(name, new), Value::Object(fields)) => {
                fields.insert(name.clone(), new.clone());
            }
            (Action::Remove(name), Value::Object(fields)) => {
                fields.remove(name);
            }
            _ => {}
        }
    }
}

/// Texts that are valid in few fields.
const TEXTS: [&str; 22] = [
    "",
    " ",
    "a b",
    "-a",
    "a-",
    "A",
    "ä",
    "a/b",
    "..",
    ".",
    "a\nb",
    "a=b",
    "a..b",
    "type",
    "extension.yaml",
    "ext-a",
    "http://s:+9000",
    "http://u:p@h",
    "https://[::ffff:1.2.3.4]",
    "http://münchen",
    "/relative/../path",
    "{{ inputs.unknown }}",
];

/// Returns every change of a valid object.
pub(crate) fn edits(schema: &Value, object: &Value) -> Vec<Edit> {
    let mut visitor = Visitor { found: Vec::new() };
    for part in ["spec", "status"] {
        if let Some(value) = object.get(part) {
            visitor.visit(&schema["properties"][part], value, &format!("/{part}"));
        }
    }
    for value in [json!(1), json!(null), json!([]), json!("text")] {
        visitor.replace("/spec", "another type", value);
    }
    visitor.remove("/spec");
    visitor.add("", "unknown", json!(1));
    visitor.metadata();
    visitor.found
}

struct Visitor {
    found: Vec<Edit>,
}

impl Visitor {
    fn push(&mut self, pointer: &str, change: &str, action: Action) {
        self.found.push(Edit {
            text: format!("{pointer}: {change}"),
            pointer: pointer.to_owned(),
            action,
        });
    }

    fn replace(&mut self, pointer: &str, change: &str, value: Value) {
        self.push(pointer, change, Action::Replace(value));
    }

    fn add(&mut self, pointer: &str, name: &str, value: Value) {
        let change = match value.to_string() {
            text if text.len() < 80 => format!("with {name} {text}"),
            _ => format!("with a long {name}"),
        };
        self.push(pointer, &change, Action::Add(name.to_owned(), value));
    }

    fn remove(&mut self, pointer: &str) {
        if let Some((parent, name)) = pointer.rsplit_once('/') {
            let action = Action::Remove(name.to_owned());
            self.push(parent, &format!("without {name}"), action);
        }
    }

    /// Adds the changes of a value and of its parts.
    fn visit(&mut self, schema: &Value, value: &Value, pointer: &str) {
        for other in [
            json!(null),
            json!(1),
            json!(1.5),
            json!(true),
            json!("text"),
            json!([]),
            json!({}),
            json!([null]),
            json!([1]),
        ] {
            self.replace(pointer, &format!("is {other}"), other);
        }
        match value {
            Value::String(_) => self.text(schema, pointer),
            Value::Array(items) => self.list(schema, items, pointer),
            Value::Object(fields) => self.fields(schema, fields, pointer),
            _ => {}
        }
    }

    fn text(&mut self, schema: &Value, pointer: &str) {
        for text in TEXTS {
            self.replace(pointer, &format!("is {text:?}"), json!(text));
        }
        if let Some(limit) = schema["maxLength"].as_u64() {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            for (change, letter, length) in [
                ("at its limit", "a", limit),
                ("one above its limit", "a", limit + 1),
                ("at its limit in other letters", "ä", limit),
            ] {
                self.replace(pointer, change, json!(letter.repeat(length)));
            }
        }
    }

    fn list(&mut self, schema: &Value, items: &[Value], pointer: &str) {
        let Some(first) = items.first() else {
            return;
        };
        let doubled: Vec<&Value> = items.iter().chain([first]).collect();
        self.replace(pointer, "with its first item twice", json!(doubled));
        if let Some(limit) = schema["maxItems"].as_u64() {
            for (change, count) in [("at its limit", limit), ("one above its limit", limit + 1)] {
                let many: Vec<Value> = (0..count).map(|index| renamed(first, index)).collect();
                self.replace(pointer, change, json!(many));
            }
        }
        for (index, item) in items.iter().enumerate() {
            self.visit(&schema["items"], item, &format!("{pointer}/{index}"));
        }
    }

    fn fields(&mut self, schema: &Value, fields: &Map<String, Value>, pointer: &str) {
        self.add(pointer, "unknown", json!("value"));
        if let Some(limit) = schema["maxProperties"].as_u64() {
            for count in [limit, limit + 1] {
                let first = fields.values().next().cloned().unwrap_or_default();
                let many = (0..count).map(|index| (format!("example.org/k{index}"), first.clone()));
                let many: Map<String, Value> = many.collect();
                self.replace(pointer, &format!("with {count} entries"), many.into());
            }
        }
        for name in fields.keys() {
            self.remove(&format!("{pointer}/{name}"));
        }
        // Fields that exclude each other.
        let absent = schema["properties"].as_object().into_iter().flatten();
        for (name, schema) in absent.filter(|(name, _)| !fields.contains_key(*name)) {
            for value in samples(schema) {
                self.add(pointer, name, value);
            }
        }
        for (name, value) in fields {
            let schema = match schema["properties"].get(name) {
                Some(schema) => schema,
                None => &schema["additionalProperties"],
            };
            self.visit(schema, value, &format!("{pointer}/{name}"));
        }
    }

    fn metadata(&mut self) {
        let long = "a".repeat(63);
        let prefix = vec!["a".repeat(60); 4].join(".");
        for name in [
            "",
            "A",
            "a_b",
            "-a",
            "a.",
            "a..b",
            "ä",
            &long,
            &format!("{long}a"),
            &"a".repeat(254),
            "a.b",
            "1",
            &prefix,
        ] {
            self.add("/metadata", "name", json!(name));
        }
        for value in [json!(1), json!(null), json!(true), json!([])] {
            self.add("/metadata", "name", value.clone());
            for field in [
                "labels",
                "annotations",
                "finalizers",
                "ownerReferences",
                "generateName",
                "creationTimestamp",
            ] {
                self.add("/metadata", field, value.clone());
            }
            for field in ["labels", "annotations"] {
                self.add("/metadata", field, json!({ "a": value }));
            }
            self.add("/metadata", "finalizers", json!([value]));
        }
        for key in [
            "",
            "a",
            "A",
            "a b",
            "-a",
            "a_b.c",
            "a/b",
            "A/b",
            "a/b/c",
            "/a",
            "a/",
            "ä",
            &long,
            &format!("{long}a"),
            &format!("{prefix}/a"),
            &format!("{prefix}.{long}/a"),
            "a..b/c",
            "kubernetes.io/x",
        ] {
            self.add("/metadata", "labels", json!({ key: "value" }));
            self.add("/metadata", "annotations", json!({ key: "value" }));
            self.add("/metadata", "finalizers", json!([key]));
        }
        for value in [
            "",
            "a b",
            "-a",
            "a-",
            "a/b",
            "ä",
            "A_b.c",
            &long,
            &format!("{long}a"),
        ] {
            self.add("/metadata", "labels", json!({ "team": value }));
            self.add("/metadata", "annotations", json!({ "team": value }));
        }
        self.server_fields();
        self.owners();
        self.replace("/metadata", "is a list", json!([]));
        self.replace("/metadata", "is null", json!(null));
        self.remove("/metadata");
    }

    fn server_fields(&mut self) {
        for size in [262_140, 262_141] {
            self.add(
                "/metadata",
                "annotations",
                json!({ "team": "x".repeat(size) }),
            );
        }
        self.add(
            "/metadata",
            "finalizers",
            json!(["orphan", "foregroundDeletion"]),
        );
        self.add(
            "/metadata",
            "finalizers",
            json!(["example.org/a", "example.org/a"]),
        );
        for (name, value) in [
            ("lables", json!({})),
            ("clusterName", json!("a")),
            ("generation", json!(7)),
            ("generation", json!("7")),
            ("generation", json!(1.5)),
            ("generation", json!(-1)),
            ("generateName", json!("a-")),
            ("generateName", json!("A-")),
            ("generateName", json!("-")),
            ("selfLink", json!("/x")),
            ("deletionGracePeriodSeconds", json!(1)),
            ("deletionGracePeriodSeconds", json!("1")),
            ("creationTimestamp", json!("2024-01-01T00:00:00Z")),
            ("creationTimestamp", json!("2024-01-01")),
            ("creationTimestamp", json!("yesterday")),
            ("creationTimestamp", json!("")),
            ("uid", json!(5)),
            ("resourceVersion", json!("5")),
            ("resourceVersion", json!(5)),
            ("managedFields", json!([])),
            ("managedFields", json!("x")),
        ] {
            self.add("/metadata", name, value);
        }
    }

    fn owners(&mut self) {
        let owner = |changes: Value| {
            let mut owner = json!({ "apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u" });
            for (name, value) in changes.as_object().into_iter().flatten() {
                owner[name] = value.clone();
            }
            owner
        };
        for owners in [
            json!([owner(json!({}))]),
            json!([owner(json!({ "uid": "" }))]),
            json!([owner(json!({ "name": "" }))]),
            json!([owner(json!({ "name": null }))]),
            json!([owner(json!({ "kind": "" }))]),
            json!([owner(json!({ "kind": "Event" }))]),
            json!([owner(json!({ "apiVersion": "" }))]),
            json!([owner(json!({ "apiVersion": "a/b/c" }))]),
            json!([owner(json!({ "controller": "true" }))]),
            json!([owner(json!({ "unknown": 1 }))]),
            json!([{ "kind": "Pod" }]),
            json!([{}]),
            json!([
                owner(json!({ "controller": true })),
                owner(json!({ "controller": true, "uid": "v" }))
            ]),
        ] {
            self.add("/metadata", "ownerReferences", owners);
        }
    }
}

/// Returns a copy with another name.
fn renamed(item: &Value, index: u64) -> Value {
    match item {
        Value::Object(fields) if fields.contains_key("name") => {
            let mut item = item.clone();
            item["name"] = json!(format!("n{index}"));
            item
        }
        Value::String(_) => json!(format!("n{index}")),
        item => item.clone(),
    }
}

/// Returns values for a field that a valid object does not have.
fn samples(schema: &Value) -> Vec<Value> {
    match schema["type"].as_str() {
        Some("string") => vec![json!("text"), json!(null)],
        Some("boolean") => vec![json!(true), json!(null)],
        Some("integer" | "number") => vec![json!(1)],
        Some("array") => vec![json!([]), json!(null), json!(["a"]), json!([{}])],
        Some("object") => vec![json!({}), json!(null)],
        _ => vec![json!(1), json!("1")],
    }
}
