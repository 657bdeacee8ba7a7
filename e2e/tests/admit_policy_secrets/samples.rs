//! Objects that satisfy every clause of the policies, or are of no concern to them.

use extension_registry_e2e::setup::RECORDS_NAMESPACE;
use serde_json::{Value, json};

use super::{CANARY, PROJECT};

/// Returns a Secret as the operator renders it.
pub(crate) fn rendered(name: &str, owner: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "servicebinding.io/s3",
        "metadata": {
            "namespace": PROJECT, "name": name,
            "labels": {"registry.fuseml.io/managed-by": "extension-registry"},
            "ownerReferences": [{"apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ExtensionProjection",
                "name": name, "uid": owner, "controller": true, "blockOwnerDeletion": false}],
        },
        "data": {"uri": "eA=="},
    })
}

pub(crate) fn sealed(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "registry.fuseml.io/sealed", "immutable": true,
        "metadata": {"namespace": RECORDS_NAMESPACE, "name": name, "labels": {"registry.fuseml.io/sealed": "true"}},
        "data": {"KEY": "eA=="},
    })
}

pub(crate) fn opaque(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": {"password": CANARY},
    })
}

pub(crate) fn projection(name: &str) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ExtensionProjection",
        "metadata": {"namespace": PROJECT, "name": name},
        "spec": {"record": {"kind": "ClusterExtension", "name": "r"}, "service": "s", "type": "s3"},
    })
}
