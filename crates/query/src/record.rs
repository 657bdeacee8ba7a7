//! Records as JSON: their construction, redaction of credentials, and differences.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

mod build;

use std::fmt;

use extension_registry_api::extension::visit_configured;
use extension_registry_core::lookalike::{self, REDACTED};
use extension_registry_core::record::ConfigurationLevel;
use extension_registry_seal::inline_entries;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use build::{items, object, only, restrict, set_entry};

/// Returns a record without literal and sealed credentials, and without values that look like credentials.
#[must_use]
pub fn redacted(record: &Value) -> Value {
    let mut redacted = record.clone();
    for entry in credential_entries(&mut redacted) {
        for field in ["/value", "/valueFrom/sealed"] {
            if let Some(value) = entry.pointer_mut(field) {
                *value = REDACTED.into();
            }
        }
    }
    redact_plain(&mut redacted);
    redacted
}

/// Returns whether a record contains literal credentials.
#[must_use]
pub fn has_literal_credentials(record: &Value) -> bool {
    inline_entries(&record["spec"]).next().is_some()
}

/// Redacts values of an object that look like credentials.
fn redact_plain(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else {
        return;
    };
    visit_configured(spec, &mut |level, parent| {
        redact_entries(Some(parent));
        if level == ConfigurationLevel::Endpoint
            && let Some(Value::String(url)) = parent.get_mut("url")
        {
            *url = lookalike::without_credentials(url);
        }
    });
}

fn redact_entries(parent: Option<&mut Value>) {
    for entry in items(parent, "configuration") {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        if lookalike::is_credential(text("name"), text("value")) {
            entry["value"] = REDACTED.into();
        }
    }
}

/// Returns the entries of all credentials.
fn credential_entries(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    items(object.get_mut("spec"), "services")
        .flat_map(|service| items(Some(service), "credentials"))
        .flat_map(|set| items(Some(set), "configuration"))
}

/// A changed field.
#[derive(JsonSchema, Serialize)]
pub struct Change {
    pub field: String,
    /// Absent if the field is new or a credential.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// Absent if the field is removed or a credential.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub after: Value,
}

#[derive(JsonSchema, Serialize)]
pub struct Changes {
    pub changes: Vec<Change>,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            before,
            after,
        } = self;
        match (before, after) {
            (Value::Null, Value::Null) => write!(formatter, "{field}: replaced"),
            (Value::Null, after) => write!(formatter, "{field}: {after}"),
            (_, Value::Null) => write!(formatter, "{field}: removed"),
            (before, after) => write!(formatter, "{field}: {before} -> {after}"),
        }
    }
}

/// Returns the changed fields of a spec.
#[must_use]
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    differences("spec", old, new, &mut changes);
    changes
}

/// Collects the fields that differ.
fn differences(field: &str, old: &Value, new: &Value, found: &mut Vec<Change>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                let before = old.get(name).unwrap_or(&Value::Null);
                differences(&format!("{field}.{name}"), before, value, found);
            }
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                let before = old[name].clone();
                found.push(Change {
                    field: format!("{field}.{name}"),
                    before,
                    after: Value::Null,
                });
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (index, value) in new.iter().enumerate() {
                let before = old.get(index).unwrap_or(&Value::Null);
                differences(&format!("{field}[{index}]"), before, value, found);
            }
        }
        (old, new) => found.push(Change {
            field: field.to_owned(),
            before: old.clone(),
            after: new.clone(),
        }),
    }
}
