//! The files in `crds/` and in the chart match the types.

#![expect(clippy::unwrap_used, reason = "test helper")]

use std::fs;
use std::path::Path;

#[test]
fn definitions_are_up_to_date() {
    for folder in ["crds", "charts/extension-registry/files/crds"] {
        assert_up_to_date(folder);
    }
}

fn assert_up_to_date(place: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(place);
    let files = extension_registry_api::crd::files().unwrap();
    for (name, expected) in &files {
        let found = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            found == *expected,
            "{place}/{name} is outdated; run: make crds"
        );
    }
    let mut found: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    found.sort();
    let mut expected: Vec<&String> = files.iter().map(|(name, _)| name).collect();
    expected.sort();
    assert_eq!(
        found.iter().collect::<Vec<_>>(),
        expected,
        "unexpected files in {place}/; run: make crds"
    );
}

#[test]
fn specs_have_no_defaults() {
    // GitOps tools report defaults in the schema of a spec as drift.
    for definition in extension_registry_api::crd::all() {
        let name = definition.spec.names.kind.clone();
        let value = serde_json::to_value(definition).unwrap();
        let spec = value
            .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
            .unwrap_or_else(|| panic!("{name} has no spec"));
        assert!(!has_default(spec), "{name}");
    }
}

fn has_default(schema: &serde_json::Value) -> bool {
    let nested = |schemas: &serde_json::Value| {
        schemas
            .as_object()
            .is_some_and(|fields| fields.values().any(has_default))
    };
    schema.get("default").is_some()
        || schema.get("properties").is_some_and(nested)
        || schema.get("items").is_some_and(has_default)
}
