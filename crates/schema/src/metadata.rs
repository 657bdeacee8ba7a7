//! Object metadata, as the API server validates it for every kind.

use std::sync::LazyLock;

use extension_registry_api::convert::{is_name_part, is_subdomain};
use extension_registry_api::shape::{self, SchemaViolation};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::schema::StructuralSchemaRewriter;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::violation::{Part, Violation};

/// Maximum size of all annotations of an object in bytes.
const ANNOTATIONS: usize = 256 * 1024;

/// Schema of the metadata. None only if it cannot be generated, which a test rules out.
static SCHEMA: LazyLock<Option<JSONSchemaProps>> = LazyLock::new(|| {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    let settings = settings.with_transform(StructuralSchemaRewriter);
    let schema = settings
        .into_generator()
        .into_root_schema_for::<ObjectMeta>();
    serde_json::from_value(schema.to_value()).ok()
});

/// Validates the metadata of an object, except its name and namespace.
pub(crate) fn check(object: &Value) -> Vec<Violation> {
    let Some(metadata) = object.get("metadata").filter(|value| !value.is_null()) else {
        return Vec::new();
    };
    let mut violations = Vec::new();
    if let Some(schema) = SCHEMA.as_ref() {
        let shape = shape::check_field(schema, &without_nulls(metadata), "metadata");
        let shape = shape.into_iter().filter(|violation| !is_name(violation));
        violations.extend(shape.map(Violation::of_shape).map(|violation| Violation {
            part: Part::Metadata,
            ..violation
        }));
    }
    labels(&metadata["labels"], &mut violations);
    annotations(&metadata["annotations"], &mut violations);
    finalizers(&metadata["finalizers"], &mut violations);
    owners(&metadata["ownerReferences"], &mut violations);
    generate_name(&metadata["generateName"], &mut violations);
    set_by_server(metadata, &mut violations);
    violations
}

/// Names are validated by those who read them, with messages for the kind.
fn is_name(violation: &SchemaViolation) -> bool {
    matches!(&*violation.field, "metadata.name" | "metadata.namespace")
}

/// Removes nulls, which the API server reads as absent in metadata.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect::<Map<String, Value>>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        value => value.clone(),
    }
}

fn invalid(field: &str, message: &str, hint: &str) -> Violation {
    Violation::new(Part::Metadata, "invalid-metadata", field, message, hint)
}

fn labels(labels: &Value, violations: &mut Vec<Violation>) {
    for (name, value) in labels.as_object().into_iter().flatten() {
        let field = format!("metadata.labels.{name}");
        key(name, "label key", &field, violations);
        let text = value.as_str().unwrap_or_default();
        if !text.is_empty() && !is_name_part(text) {
            violations.push(invalid(
                &field,
                "invalid label value",
                "use at most 63 letters, digits, `-`, `_` or `.`; start and end with a letter or digit; or move the text to an annotation",
            ));
        }
    }
}

fn annotations(annotations: &Value, violations: &mut Vec<Violation>) {
    let mut size = 0;
    for (name, value) in annotations.as_object().into_iter().flatten() {
        let field = format!("metadata.annotations.{name}");
        // Their prefix may contain uppercase letters.
        key(&name.to_lowercase(), "annotation key", &field, violations);
        size += name.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        let message = format!("too long: {size} bytes in total (limit {ANNOTATIONS})");
        violations.push(invalid(
            "metadata.annotations",
            &message,
            "remove some of them",
        ));
    }
}

fn finalizers(finalizers: &Value, violations: &mut Vec<Violation>) {
    let names: Vec<&str> = finalizers
        .as_array()
        .into_iter()
        .flatten()
        .map(|name| name.as_str().unwrap_or_default())
        .collect();
    for (index, name) in names.iter().enumerate() {
        let field = format!("metadata.finalizers[{index}]");
        key(name, "finalizer", &field, violations);
        if names[..index].contains(name) {
            let hint = "remove one of the entries";
            violations.push(invalid(&field, "duplicate entry", hint));
        }
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        violations.push(invalid(
            "metadata.finalizers",
            "`orphan` and `foregroundDeletion` are mutually exclusive",
            "keep one of them",
        ));
    }
}

fn owners(owners: &Value, violations: &mut Vec<Violation>) {
    let mut controllers = 0;
    for (index, owner) in owners.as_array().into_iter().flatten().enumerate() {
        let field = format!("metadata.ownerReferences[{index}]");
        for name in ["apiVersion", "kind", "name", "uid"] {
            if owner[name] == "" {
                let field = format!("{field}.{name}");
                violations.push(invalid(&field, "must not be empty", "set a value"));
            }
        }
        let version = owner["apiVersion"].as_str().unwrap_or_default();
        if version.matches('/').count() > 1 {
            let field = format!("{field}.apiVersion");
            violations.push(invalid(
                &field,
                "invalid API version",
                "use `VERSION` or `GROUP/VERSION`",
            ));
        }
        if version == "v1" && owner["kind"] == "Event" {
            violations.push(invalid(
                &field,
                "an Event cannot be an owner",
                "remove the owner reference",
            ));
        }
        controllers += usize::from(owner["controller"] == true);
    }
    if controllers > 1 {
        violations.push(invalid(
            "metadata.ownerReferences",
            "more than one owner with `controller: true`",
            "keep one of them",
        ));
    }
}

fn generate_name(prefix: &Value, violations: &mut Vec<Violation>) {
    let prefix = prefix.as_str().unwrap_or_default();
    // The API server validates the prefix with its last two characters replaced by a letter.
    let name = match prefix.len().checked_sub(2) {
        Some(end) if prefix.ends_with('-') => {
            format!("{}a", String::from_utf8_lossy(&prefix.as_bytes()[..end]))
        }
        _ => prefix.to_owned(),
    };
    if !prefix.is_empty() && !is_subdomain(&name) {
        violations.push(invalid(
            "metadata.generateName",
            "invalid prefix of a name",
            "use lowercase letters, digits, `-` or `.`; start with a letter or digit",
        ));
    }
}

fn set_by_server(metadata: &Value, violations: &mut Vec<Violation>) {
    if !metadata["managedFields"].is_null() {
        violations.push(invalid(
            "metadata.managedFields",
            "must not be set: server-side apply rejects it",
            "remove the field: the API server sets it",
        ));
    }
    for name in ["creationTimestamp", "deletionTimestamp"] {
        let Some(time) = metadata[name].as_str() else {
            continue;
        };
        if time.parse::<k8s_openapi::jiff::Timestamp>().is_err() {
            let field = format!("metadata.{name}");
            violations.push(invalid(
                &field,
                "invalid time",
                "remove the field: the API server sets it",
            ));
        }
    }
}

/// Checks a qualified name: an optional DNS subdomain and `/`, and a name.
fn key(name: &str, what: &str, field: &str, violations: &mut Vec<Violation>) {
    let is_valid = match name.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name_part(name),
        None => is_name_part(name),
    };
    if !is_valid {
        violations.push(invalid(
            field,
            &format!("invalid {what}"),
            "use at most 63 letters, digits, `-`, `_` or `.`, starting and ending with a letter or digit; optionally after a DNS subdomain and `/`",
        ));
    }
}
