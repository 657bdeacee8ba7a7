//! Objects of the tests, and parts of objects.

use extension_registry_core::projection::Identity;
use extension_registry_core::record::RecordKey;
use serde_json::{Value, json};

/// Returns a cluster record with one s3 service with these credentials.
pub(crate) fn record(name: &str, credentials: &Value) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ClusterExtension",
        "metadata": {"name": name},
        "spec": {"product": name, "version": "1.0.0", "services": [
            {"name": "store", "resource": "s3", "credentials": credentials},
        ]},
    })
}

/// Returns global credentials from one source Secret.
pub(crate) fn from_secret(secret: &str) -> Value {
    json!([{"name": "main", "secretRef": {"name": secret}}])
}

/// Turns a cluster record into a namespaced record.
pub(crate) fn own(mut record: Value, namespace: &str) -> Value {
    record["kind"] = json!("Extension");
    record["metadata"]["namespace"] = json!(namespace);
    record
}

/// Returns a workflow of one step with one requirement, `data`, with these selectors.
pub(crate) fn workflow(namespace: &str, name: &str, selectors: &Value) -> Value {
    let mut requirement = selectors.clone();
    requirement["name"] = json!("data");
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"steps": [
            {"name": "train", "image": "example.org/train:1", "extensions": [requirement]},
        ]},
    })
}

/// Returns a binding with this spec.
pub(crate) fn binding(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ExtensionBinding",
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    })
}

/// Returns the name of the rendered Secret of a record from [`record`].
pub(crate) fn secret_name(record: &str, credentials: &str) -> String {
    Identity {
        record: RecordKey::cluster(record),
        service: "store".into(),
        binding_type: "s3".into(),
        endpoint: None,
        credentials: Some(credentials.into()),
        user: None,
    }
    .name()
}

/// Returns the condition of a type, or null.
pub(crate) fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

pub(crate) fn message(object: &Value) -> &str {
    text(&condition(object, "Ready")["message"])
}

pub(crate) fn version(object: &Value) -> &str {
    text(&object["metadata"]["resourceVersion"])
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
