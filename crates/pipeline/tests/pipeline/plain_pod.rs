//! Patching of plain Pods.

use extension_registry_api::requirement::{RequirementSpec, ServiceRequirement};
use extension_registry_pipeline::{Mount, Site, patch};
use serde_json::{Value, json};

use crate::support::{format_errors, resolved, same, seed_records};

fn needs(name: &str, resource: &str) -> RequirementSpec {
    RequirementSpec {
        name: name.to_owned(),
        requirement: ServiceRequirement {
            resource: Some(resource.to_owned()),
            ..ServiceRequirement::default()
        },
    }
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "notebook"},
        "spec": {
            "containers": [
                {
                    "name": "notebook",
                    "image": "notebook:1.0",
                    "args": ["--store", "{{ extension.store.uri }}", "--port=$(PORT)"],
                    "env": [
                        {"name": "PORT", "value": "8888"},
                        {"name": "EXT_STORE_URI", "value": "mine"},
                        {"name": "KEY", "value": "{{ extension.store.AWS_SECRET_ACCESS_KEY }}"},
                    ],
                    "volumeMounts": [{"name": "ext-store", "mountPath": "/data"}],
                },
                {"name": "helper", "image": "helper:1.0"},
            ],
            "volumes": [{"name": "ext-store", "emptyDir": {}}],
        },
    })
}

fn patch_all(pod: &mut Value, requirement: &RequirementSpec) -> Result<Vec<String>, String> {
    let resolved = resolved(&seed_records(), requirement).expect("resolves");
    let mut volumes = pod["spec"]["volumes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut notes = Vec::new();
    for container in pod["spec"]["containers"]
        .as_array_mut()
        .expect("containers")
    {
        let mut site = Site::new(
            container.as_object_mut().expect("a container"),
            &mut volumes,
        );
        notes.extend(
            patch(&mut site, &[resolved.binding()], &|_| false)
                .map_err(|errors| format_errors(&errors))?,
        );
    }
    pod["spec"]["volumes"] = json!(volumes);
    Ok(notes)
}

#[test]
fn adds_volumes_mounts_and_variables_to_pod() {
    let mut pod = pod();
    let notes = patch_all(&mut pod, &needs("store", "s3")).expect("patched");
    assert_eq!(notes.len(), 2, "{notes:?}");
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_yaml_snapshot!("plain_pod", pod);
    });
}

#[test]
fn rejected_container_is_unchanged() {
    let mut pod = pod();
    pod["spec"]["containers"][0]["image"] = json!("{{ extension.store.uri }}");
    let before = pod.clone();
    let errors = patch_all(&mut pod, &needs("sotre", "s3")).expect_err("refused");
    assert_eq!(pod, before);
    same("plain_pod_errors", &errors);
}

#[test]
fn adds_nothing_without_requirements() {
    let mut container = json!({"name": "a", "image": "a:1", "args": ["$(A) {{ .b }}"]});
    let before = container.clone();
    let mut volumes = Vec::new();
    let mut site = Site::new(
        container.as_object_mut().expect("a container"),
        &mut volumes,
    );
    assert_eq!(patch(&mut site, &[], &|_| false), Ok(Vec::new()));
    assert_eq!((container, volumes), (before, Vec::new()));
}

#[test]
fn rejects_conflicting_mounts() {
    let resolved = resolved(&seed_records(), &needs("store", "s3")).expect("resolves");
    for (path, read_only, refused) in [
        ("/bindings/store", false, true),
        ("/bindings//store/", false, true),
        ("/bindings/./store", true, true),
        ("/bindings", true, true),
        ("/", true, true),
        ("/bindings/store/more", false, true),
        ("/bindings", false, false),
        ("/bindings/store-2", true, false),
        ("/bind", true, false),
    ] {
        for is_volume_mount in [true, false] {
            let mut container = json!({"name": "a"});
            let mut volumes = Vec::new();
            let mut site = Site::new(
                container.as_object_mut().expect("a container"),
                &mut volumes,
            );
            if is_volume_mount {
                let mount = json!([{"name": "other", "mountPath": path, "readOnly": read_only}]);
                site.container.insert("volumeMounts".to_owned(), mount);
            } else {
                site.mounts.push(Mount {
                    path: path.to_owned(),
                    read_only,
                    name: "other".to_owned(),
                });
            }
            let result = patch(&mut site, &[resolved.binding()], &|_| false);
            assert_eq!(result.is_err(), refused, "{path} {read_only}");
        }
    }
}
