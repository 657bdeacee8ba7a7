//! Reference pages of the API, generated from the CustomResourceDefinitions.

use std::fmt::Write;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Map, Value};

use crate::crd::{self, Error};
use crate::limits;

const NOTICE: &str = "<!-- Generated from crates/api by `make docs`. -->\n";

/// Fields with a Kubernetes type, whose subfields are omitted.
const KUBERNETES: [&str; 2] = ["spec.steps[].env[].valueFrom", "spec.steps[].resources"];

/// Returns the file name and the Markdown of each page: one for each kind, and the index.
///
/// # Errors
/// Fails if a definition cannot be represented as JSON.
pub fn pages() -> Result<Vec<(String, String)>, Error> {
    let mut index = format!(
        "{NOTICE}# API\n\nAll kinds are in the API group `{}`, version `{}`, category `registry`. Use the short names, or the full\nform such as `workflows.{}`, because other projects use the same kind names.\n\n| kind | short name | scope | purpose |\n|---|---|---|---|\n",
        crate::GROUP,
        crate::VERSION,
        crate::GROUP,
    );
    let mut pages = Vec::new();
    for definition in crd::all() {
        let names = &definition.spec.names;
        let file = format!("{}.md", names.plural);
        let schema = schema(&definition)?;
        let _ = writeln!(
            index,
            "| [{}]({file}) | {} | {} | {} |",
            names.kind,
            short_names(&definition),
            definition.spec.scope,
            cell(text(&schema["description"])),
        );
        let page = page(&definition, &schema);
        pages.push((file, page));
    }
    index.push_str(
        "\nSee also [Labels and annotations](../labels.md), [Conditions](../conditions.md) and the\n[API version policy](../version-policy.md).\n",
    );
    pages.push(("README.md".to_owned(), index));
    Ok(pages)
}

/// Returns the schema of the only version, with the lines of its descriptions joined.
fn schema(definition: &CustomResourceDefinition) -> Result<Value, Error> {
    let mut definition = serde_json::to_value(definition)?;
    crd::unwrap_descriptions(&mut definition);
    Ok(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take())
}

fn short_names(definition: &CustomResourceDefinition) -> String {
    let names = definition.spec.names.short_names.iter().flatten();
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn page(definition: &CustomResourceDefinition, schema: &Value) -> String {
    let names = &definition.spec.names;
    let mut page = format!(
        "{NOTICE}# {}\n\n{}\n\n| | |\n|---|---|\n| apiVersion | `{}/{}` |\n| scope | {} |\n| resource | `{}.{}` |\n",
        names.kind,
        text(&schema["description"]),
        crate::GROUP,
        crate::VERSION,
        definition.spec.scope,
        names.plural,
        crate::GROUP,
    );
    let short = short_names(definition);
    if !short.is_empty() {
        let _ = writeln!(page, "| short name | {short} |");
    }
    let columns = definition.spec.versions.iter();
    let columns = columns.flat_map(|version| version.additional_printer_columns.iter().flatten());
    let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
    let _ = writeln!(page, "| columns | {} |", columns.join(", "));
    for part in ["spec", "status"] {
        let Some(schema) = schema["properties"].get(part) else {
            continue;
        };
        let _ = write!(
            page,
            "\n## {part}\n\n{}\n\n| field | type | description |\n|---|---|---|\n",
            text(&schema["description"])
        );
        fields(&mut page, part, schema);
    }
    let mut rules = String::new();
    validations(&mut rules, "", schema);
    if !rules.is_empty() {
        let _ = write!(
            page,
            "\n## Validation rules\n\nThe API server rejects an object that violates one of these rules and returns the message of the rule.\n\n| field | message |\n|---|---|\n{rules}"
        );
    }
    page
}

/// Writes a row for each field below `path`, depth first.
fn fields(page: &mut String, path: &str, schema: &Value) {
    let required: Vec<&str> = list(&schema["required"])
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in object(&schema["properties"]) {
        let path = format!("{path}.{name}");
        let mut notes = vec![text(&field["description"]).to_owned()];
        if required.contains(&name.as_str()) {
            notes.push("Required.".to_owned());
        }
        notes.extend(constraints(field));
        notes.retain(|note| !note.is_empty());
        let _ = writeln!(
            page,
            "| `{path}` | {} | {} |",
            type_name(field),
            cell(&notes.join(" "))
        );
        if KUBERNETES.contains(&path.as_str()) {
            continue;
        }
        let (suffix, inner) = element(field);
        fields(page, &format!("{path}{suffix}"), inner);
    }
}

/// Returns the suffix of a path for the items of a list or the values of a map, and their schema.
fn element(field: &Value) -> (&'static str, &Value) {
    if field["items"].is_object() {
        ("[]", &field["items"])
    } else if field["additionalProperties"].is_object() {
        ("{}", &field["additionalProperties"])
    } else {
        ("", field)
    }
}

fn type_name(field: &Value) -> String {
    match element(field) {
        ("[]", items) => format!("[]{}", type_name(items)),
        ("{}", values) => format!("map of {}", type_name(values)),
        _ if field["x-kubernetes-int-or-string"] == true => "integer or string".to_owned(),
        _ => field["type"].as_str().unwrap_or("any").to_owned(),
    }
}

/// Returns sentences that describe the constraints of a field.
fn constraints(field: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let values: Vec<String> = list(&field["enum"])
        .filter_map(Value::as_str)
        .map(|value| format!("`{value}`"))
        .collect();
    if !values.is_empty() {
        notes.push(format!("One of {}.", values.join(", ")));
    }
    for (key, unit) in [
        ("maxItems", "items"),
        ("maxProperties", "entries"),
        ("maxLength", "characters"),
    ] {
        if let Some(limit) = field[key].as_u64() {
            notes.push(format!("At most {limit} {unit}."));
        }
    }
    match field["pattern"].as_str() {
        Some(limits::NAME_PATTERN) => notes.push(
            "Letters, digits, `-`, `_`, `.` and `+`; must start and end with a letter or digit."
                .to_owned(),
        ),
        Some(pattern) => notes.push(format!("Pattern: `{pattern}`.")),
        None => {}
    }
    if field["x-kubernetes-list-type"] == "atomic" {
        notes.push("Atomic: applied as a whole.".to_owned());
    }
    notes
}

/// Writes a row for each CEL rule below `path`.
fn validations(rules: &mut String, path: &str, schema: &Value) {
    for rule in list(&schema["x-kubernetes-validations"]) {
        let place = if path.is_empty() { "the object" } else { path };
        let _ = writeln!(rules, "| `{place}` | {} |", cell(text(&rule["message"])));
    }
    for (name, field) in object(&schema["properties"]) {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        validations(rules, &path, field);
    }
    let (suffix, inner) = element(schema);
    if !suffix.is_empty() {
        validations(rules, &format!("{path}{suffix}"), inner);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Escapes text for a table cell, which must be a single line.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut escaped = String::with_capacity(text.len());
    for (number, part) in words.join(" ").split('`').enumerate() {
        if number > 0 {
            escaped.push('`');
        }
        // Outside of code, `<` would begin an HTML element.
        let part = part.replace('|', "\\|");
        escaped.push_str(&if number % 2 == 0 {
            part.replace('<', "&lt;")
        } else {
            part
        });
    }
    escaped
}
