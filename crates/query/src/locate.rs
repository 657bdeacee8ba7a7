//! The question in which Secrets the values of records are.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use std::collections::BTreeMap;

use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::{environment_key, projection_key};
use extension_registry_render::workflow::prepare;
use schemars::JsonSchema;
use serde::Serialize;

use crate::consumer::ObjectName;
use crate::inventory::Inventory;

/// Secrets with the values of one service.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    pub kind: &'static str,
    pub record: String,
    pub service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Namespace of the Secrets and consumers.
    pub namespace: String,
    pub secrets: Vec<String>,
    pub consumers: Vec<ObjectName>,
}

#[derive(JsonSchema, Serialize)]
pub struct Locations {
    pub locations: Vec<Location>,
}

/// Returns the Secrets that the operator renders for workflows and bindings, sorted by record.
#[must_use]
pub fn locate(inventory: &Inventory) -> Locations {
    let mut found: BTreeMap<ObjectKey, Location> = BTreeMap::new();
    for entry in &inventory.workflows {
        let Ok(prepared) = prepare(&inventory.resolved(entry)) else {
            continue;
        };
        for needed in prepared.projections {
            let secrets = vec![needed.key.name.to_string()];
            let location = found
                .entry(needed.key.clone())
                .or_insert_with(|| location(&needed.key, &needed.choice, secrets));
            location.consumers.push(ObjectName::Workflow {
                workflow: entry.key.name.to_string(),
            });
        }
    }
    for entry in &inventory.bindings {
        let Ok((_, selection)) = inventory.selected(entry) else {
            continue;
        };
        let key = projection_key(&entry.key);
        let names = [&key.name, &environment_key(&entry.key).name].map(ToString::to_string);
        let mut location = location(&key, &selection.choice, names.to_vec());
        location.consumers.push(ObjectName::Binding {
            binding: entry.key.name.to_string(),
        });
        found.insert(key, location);
    }
    let mut locations: Vec<Location> = found.into_values().collect();
    locations.sort_by(|left, right| order(left).cmp(&order(right)));
    Locations { locations }
}

fn order(location: &Location) -> (&str, &str, &str, &[String]) {
    (
        &location.record,
        &location.service,
        &location.namespace,
        &location.secrets,
    )
}

fn location(key: &ObjectKey, choice: &Choice, secrets: Vec<String>) -> Location {
    let credentials = choice.credentials();
    Location {
        kind: choice.record.key.kind().as_str(),
        record: choice.record.key.name.to_string(),
        service: choice.service().name.to_string(),
        credentials: credentials.map(|set| set.name.to_string()),
        scope: credentials.map(|set| set.scope.as_str()),
        namespace: key.namespace.to_string(),
        secrets,
        consumers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::locate;
    use crate::consumer::ObjectName;
    use crate::inventory::{Inventory, Settings};

    const OBJECTS: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: store
  services:
    - name: s3
      endpoints: [{name: main, url: http://store.example.org}]
      credentials:
        - {name: all, scope: global, configuration: [{name: KEY, valueFrom: {secretKeyRef: {name: keys, key: k}}}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec:
  steps:
    - {name: fit, image: fit, extensions: [{name: a, product: store}, {name: b, product: store}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: other, namespace: dev}
spec:
  steps:
    - {name: fit, image: fit, extensions: [{name: a, product: store}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: ExtensionBinding
metadata: {name: storage, namespace: dev}
spec: {product: store}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: ExtensionBinding
metadata: {name: none, namespace: dev}
spec: {product: unknown}
";

    #[test]
    fn workflows_share_a_secret_and_bindings_have_two() {
        let inventory = Inventory::from_texts([("a.yaml", OBJECTS)], Settings::default());
        assert!(inventory.findings.is_empty(), "{:?}", inventory.findings);
        let found = locate(&inventory).locations;
        assert_eq!(found.len(), 2);
        let binding = found.iter().find(|one| one.secrets.len() == 2).unwrap();
        assert_eq!(binding.secrets, ["ext-storage", "ext-storage.env"]);
        let shared = found.iter().find(|one| one.secrets.len() == 1).unwrap();
        let names: Vec<&str> = shared.consumers.iter().map(ObjectName::name).collect();
        assert_eq!(names, ["other", "train"]);
        assert_eq!(shared.scope, Some("global"));
    }
}
