//! `kubectl explain` describes every field.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::fixture::text;
use super::{options, single_spaced};

#[tokio::test(flavor = "multi_thread")]
async fn every_field_has_an_explanation() {
    let cluster = extension_registry_e2e::Cluster::from_environment_or_start(options())
        .await
        .unwrap();
    cluster.install().unwrap();
    let mut fields = 0;
    for plural in [
        "clusterextensions",
        "extensions",
        "workflows",
        "extensionprojections",
    ] {
        let name = format!("{plural}.registry.fuseml.io");
        let definition: Value = serde_json::from_str(
            &cluster
                .kubectl_run(&["get", "crd", &name, "-o", "json"])
                .unwrap(),
        )
        .unwrap();
        let root = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert!(
            !text(&root["description"]).is_empty(),
            "{plural} has no description"
        );
        for part in ["spec", "status"] {
            fields +=
                count_described_fields(&format!("{plural}.{part}"), &root["properties"][part]);
        }
    }
    assert!(fields > 150, "only {fields} fields");
    for (field, expected) in [
        (
            "clusterextension.spec.services.credentials",
            "Sets of credentials, each with a scope",
        ),
        (
            "clusterextension.spec.services.credentials.scope",
            "Scope of credentials",
        ),
        ("clusterextension.spec.access", "Restricts who can see"),
        ("extension.spec.services.endpoints.url", "Address: a URL"),
        (
            "workflow.spec.steps.extensions.environment",
            "Environment variables to set",
        ),
        ("workflow.status.bindings", "Services that the requirements"),
        ("extensionprojection.spec", "FIELDS:"),
    ] {
        let kind = field.split('.').next().unwrap();
        let full = field.replacen(kind, &format!("{kind}s.registry.fuseml.io"), 1);
        for name in [field, &full] {
            // An existing cluster may have other kinds of that name.
            if name == field && !cluster.is_owned() {
                continue;
            }
            wait_for_explanation(&cluster, name, expected);
        }
    }
    cluster.stop().await.unwrap();
}

/// The API server publishes schemas with a delay.
fn wait_for_explanation(cluster: &extension_registry_e2e::Cluster, name: &str, expected: &str) {
    let start = Instant::now();
    loop {
        let explained = cluster.kubectl_run(&["explain", name]);
        let flat = explained.as_deref().map(single_spaced).unwrap_or_default();
        if flat.contains(expected) {
            assert!(!flat.contains("<no description>"), "{name}: {flat}");
            assert!(!flat.contains("<empty>"), "{name}: {flat}");
            return;
        }
        assert!(
            start.elapsed() < Duration::from_mins(2),
            "{name}: {explained:?}"
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Fails if a field has no description. Returns the number of fields.
fn count_described_fields(path: &str, schema: &Value) -> usize {
    let mut fields = 1;
    if !path.ends_with(']') {
        let description = text(&schema["description"]).trim();
        assert!(!description.is_empty(), "{path} has no description");
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            fields += count_described_fields(&format!("{path}.{name}"), property);
        }
    }
    if schema["items"].is_object() {
        fields += count_described_fields(&format!("{path}[]"), &schema["items"]);
    }
    fields
}
