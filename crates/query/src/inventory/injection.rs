//! Pods and Pod templates that request bindings, of any kind of workload.

use extension_registry_api::{BIND_ANNOTATION, BIND_CONTAINERS_ANNOTATION};
use extension_registry_render::ObjectKey;
use serde_json::{Map, Value};

use super::model::{Injection, Inventory};
use super::origin::Origin;

/// Kinds whose own annotations do not reach their Pods.
const WITH_TEMPLATE: [&str; 7] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
];

impl Injection {
    /// Returns the path of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Returns the key of a binding in the namespace of the Pod.
    #[must_use]
    pub fn binding(&self, name: &str) -> ObjectKey {
        ObjectKey::new(self.namespace.as_str(), name)
    }
}

impl Inventory {
    /// Adds the requests for bindings of an object of another API group.
    pub(super) fn add_injections(&mut self, mut origin: Origin, object: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, metadata) = (text(&object["kind"]), &object["metadata"]);
        let namespace = match text(&metadata["namespace"]) {
            empty if empty.is_empty() => self.namespace.clone(),
            namespace => namespace,
        };
        origin.object = format!("{kind} {namespace}/{}", text(&metadata["name"]));
        let is_misplaced = |path: &str| path.is_empty() && WITH_TEMPLATE.contains(&kind.as_str());
        let mut found = Vec::new();
        search(object, "", &mut |path, fields| {
            let at = |name: &str| match path {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            // Argo Workflows has the metadata of its Pods in `spec.podMetadata`.
            for (name, metadata) in fields {
                let is_metadata = matches!(name.as_str(), "metadata" | "podMetadata");
                let annotations = metadata.get("annotations").filter(|_| is_metadata);
                let annotation = |key| annotations.and_then(|all| all.get(key)).cloned();
                let names = annotation(BIND_ANNOTATION);
                let containers = annotation(BIND_CONTAINERS_ANNOTATION);
                if names.is_none() && containers.is_none() {
                    continue;
                }
                let pod = fields.get("spec").filter(|_| name == "metadata");
                let pod = pod.filter(|pod| pod["containers"].is_array());
                found.push(Injection {
                    origin: origin.clone(),
                    namespace: namespace.clone(),
                    path: at(&format!("{name}.annotations")),
                    names,
                    containers,
                    pod: pod.cloned(),
                    pod_path: at("spec"),
                    is_misplaced: is_misplaced(path),
                });
            }
        });
        self.injections.append(&mut found);
    }
}

/// Visits all mappings of a value with their paths.
fn search(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(path, fields);
            for (name, child) in fields {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                search(child, &path, visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                search(item, &format!("{path}[{index}]"), visit);
            }
        }
        _ => {}
    }
}
