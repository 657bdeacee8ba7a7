//! Pods that request bindings, and what is injected into them.

use serde_json::{Value, json};

pub(crate) const BIND: &str = "registry.fuseml.io/bind";
pub(crate) const BIND_CONTAINERS: &str = "registry.fuseml.io/bind-containers";

pub(crate) const PROJECT: &str = "injection-policies";

/// Returns a Pod that requests these bindings.
pub(crate) fn pod(names: Option<&str>, mut spec: Value) -> Value {
    // The volume of the token has a random name.
    spec["automountServiceAccountToken"] = json!(false);
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": PROJECT, "name": "p", "annotations": {"note": "one"}},
        "spec": spec,
    });
    if let Some(names) = names {
        pod["metadata"]["annotations"][BIND] = json!(names);
    }
    pod
}

/// Returns a Pod with one container, `main`.
pub(crate) fn requesting(names: &str) -> Value {
    pod(Some(names), json!({"containers": [container("main")]}))
}

pub(crate) fn container(name: &str) -> Value {
    json!({"name": name, "image": "i"})
}

pub(crate) fn container_with(name: &str, field: &str, value: &Value) -> Value {
    let mut container = container(name);
    container[field] = value.clone();
    container
}

pub(crate) fn root(path: &str) -> Value {
    json!({"name": "SERVICE_BINDING_ROOT", "value": path})
}

pub(crate) fn volume(name: &str) -> Value {
    volume_with(
        name,
        &json!({"secret": {"secretName": name, "defaultMode": 420}}),
    )
}

pub(crate) fn volume_with(name: &str, source: &Value) -> Value {
    let mut volume = source.clone();
    volume["name"] = json!(name);
    volume
}

/// Returns the fields of a container that is bound at the default root and has none of these fields itself.
pub(crate) fn injected(name: &str, bindings: &[&str]) -> Value {
    let paths: Vec<String> = bindings
        .iter()
        .map(|binding| format!("/bindings/{binding}"))
        .collect();
    let bindings: Vec<(&str, &str)> = bindings
        .iter()
        .copied()
        .zip(paths.iter().map(String::as_str))
        .collect();
    let mut container = injected_at(name, &bindings);
    container["env"] = json!([root("/bindings")]);
    container
}

/// Returns the fields of a container that is bound at these paths and has its own root.
pub(crate) fn injected_at(name: &str, bindings: &[(&str, &str)]) -> Value {
    let mut container = json!({"name": name, "env": null, "envFrom": null, "volumeMounts": null});
    if bindings.is_empty() {
        return container;
    }
    container["envFrom"] = bindings
        .iter()
        .map(|(binding, _)| json!({"secretRef": {"name": format!("ext-{binding}.env")}}))
        .collect();
    container["volumeMounts"] = bindings
        .iter()
        .map(|(binding, path)| {
            json!({"name": format!("ext-{binding}"), "mountPath": path, "readOnly": true})
        })
        .collect();
    container
}

/// Returns Pods that do not request bindings: one with few fields, and one with all fields that the injection would modify.
pub(crate) fn plain_pods() -> Vec<Value> {
    let mut rich = container_with("main", "env", &json!([root("/own"), {"name": "A"}]));
    rich["envFrom"] = json!([{"secretRef": {"name": "ext-storage.env", "optional": true}}]);
    rich["volumeMounts"] = json!([{"name": "ext-storage", "mountPath": "/own/storage"}]);
    rich["resources"] = json!({"limits": {"cpu": "0.5", "memory": "1e9"}});
    let volumes = json!([
        {"name": "ext-storage", "emptyDir": {"sizeLimit": "0.5Gi"}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 4_294_967_295_u32}}]}},
    ]);
    let mut chosen = pod(None, json!({"containers": [rich], "volumes": volumes}));
    chosen["metadata"]["annotations"][BIND_CONTAINERS] = json!("unknown");
    let mut bare = pod(None, json!({"containers": [container("main")]}));
    bare["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("annotations");
    vec![bare, chosen]
}

/// Returns a Pod as text, without the fields that differ between two creations.
pub(crate) fn comparable(pod: &Value) -> String {
    let mut pod = pod.clone();
    let metadata = pod["metadata"].as_object_mut().unwrap();
    for field in ["uid", "creationTimestamp"] {
        assert!(metadata.remove(field).is_some(), "{field}");
    }
    for manager in metadata["managedFields"].as_array_mut().unwrap() {
        assert!(manager.as_object_mut().unwrap().remove("time").is_some());
    }
    pod.to_string()
}
