//! Objects that a real API server rejects at apply.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::fs;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::repository;
use extension_registry_e2e::{Cluster, Options};

/// Occurs in each invalid object in place of a value; no message may contain it.
const PLANTED: &str = "planted-secret";

const PROJECT: &str = "admit-refused";

fn options() -> Options {
    Options {
        node: Node::None,
        ..Options::default()
    }
}

/// Applies a manifest that must be rejected, and returns the output of kubectl.
fn refusal(cluster: &Cluster, manifest: &str) -> String {
    let mut arguments = vec!["apply", "-n", PROJECT, "-f", "-"];
    // The annotation of a client-side apply has its own limit, which would be exceeded first.
    if manifest.len() > 100_000 {
        arguments.push("--server-side");
    }
    match cluster.kubectl_with(&arguments, manifest) {
        Ok(output) => format!("accepted: {output}"),
        Err(error) => format!("{error:#}"),
    }
}

fn record(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_invalid_objects_without_repeating_values() {
    let cluster = Cluster::from_environment_or_start(options()).await.unwrap();
    cluster.install().unwrap();
    cluster.create_namespace(PROJECT).unwrap();

    let mut wrong = String::new();
    let mut files = 0;
    for entry in fs::read_dir(repository("crates/api/tests/refused")).unwrap() {
        let path = entry.unwrap().path();
        let manifest = fs::read_to_string(&path).unwrap();
        let expected = manifest
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# expect: "));
        let output = refusal(&cluster, &manifest);
        files += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_refused = expected.is_some_and(|expected| output.contains(expected));
        if !is_refused || output.starts_with("accepted") || output.contains(PLANTED) {
            let excerpt: String = output.chars().take(600).collect();
            let _ = writeln!(wrong, "{name}: expected {expected:?}: {excerpt}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(files >= 60, "only {files} bad objects");

    rejects_invalid_manifests(&cluster);
    invalid_object_does_not_block_valid_ones(&cluster);
    second_apply_is_a_no_op(&cluster);
    cluster.stop().await.unwrap();
}

fn rejects_invalid_manifests(cluster: &Cluster) {
    let large = "x".repeat(2 * 1024 * 1024);
    let entries: Vec<String> = (0..48)
        .map(|index| format!("{{name: K{index}, value: {}}}", &large[..44_000]))
        .collect();
    for (manifest, expected) in [
        (record("admit-unknown", &format!("{{prodcut: {PLANTED}}}")), r#"unknown field "spec.prodcut""#),
        (
            record("admit-unknown", &format!("{{services: [{{name: s3, credentials: [{{name: main, pasword: {PLANTED}}}]}}]}}")),
            r#"unknown field "spec.services[0].credentials[0].pasword""#,
        ),
        (record("admit-nameless", "{services: [{resource: s3}]}"), "spec.services[0].name: Required value"),
        (
            record("admit-twice", "{services: [{name: s3, resource: a}, {name: s3, resource: b}]}"),
            r#"spec.services[1]: Duplicate value: {"name":"s3"}"#,
        ),
        // One value that is too large, and an object that is too large although each value is valid.
        (record("admit-large", &format!("{{configuration: [{{name: KEY, value: {large}}}]}}")), "Too long"),
        (record("admit-large", &format!("{{configuration: [{}]}}", entries.join(", "))), "large"),
        ("apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata:\n  name: [\n".to_owned(), "error parsing STDIN"),
        ("apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtention\nmetadata: {name: admit-kind}\n".to_owned(), r#"no matches for kind "ClusterExtention""#),
    ] {
        let output = refusal(cluster, &manifest);
        let excerpt: String = output.chars().take(600).collect();
        let is_expected = output.to_lowercase().contains(&expected.to_lowercase());
        assert!(is_expected && !output.starts_with("accepted"), "{expected}: {excerpt}");
        assert!(!output.contains(PLANTED) && !output.contains(&large[..1000]), "{expected}: {excerpt}");
    }
}

fn invalid_object_does_not_block_valid_ones(cluster: &Cluster) {
    let good = |name| {
        record(
            name,
            "{product: minio, services: [{name: s3, resource: s3}]}",
        )
    };
    let bad = record(
        "admit-bad",
        &format!(
            "{{services: [{{name: s3, endpoints: [{{name: main, url: 'https://u:{PLANTED}@h'}}]}}]}}"
        ),
    );
    let output = refusal(
        cluster,
        &[good("admit-good-1"), bad, good("admit-good-2")].join("---\n"),
    );
    assert!(
        output.contains("`url` must not contain a user name or password")
            && !output.contains(PLANTED),
        "{output}"
    );
    let names = cluster
        .kubectl_run(&["get", "clusterextensions", "-o", "name"])
        .unwrap();
    assert!(
        names.contains("admit-good-1") && names.contains("admit-good-2"),
        "{names}"
    );
    assert!(!names.contains("admit-bad"), "{names}");
    for name in ["admit-good-1", "admit-good-2"] {
        cluster
            .kubectl_run(&["delete", "clusterextension", name])
            .unwrap();
    }
}

/// Fields that the API server sets or reorders would appear as drift in tools like Flux.
fn second_apply_is_a_no_op(cluster: &Cluster) {
    let manifest = fs::read_to_string(repository("examples/records/seldon-core-production.yaml"))
        .unwrap()
        .replace("name: seldon-core-production", "name: admit-again");
    let apply = || {
        cluster
            .kubectl_with(
                &[
                    "apply",
                    "--server-side",
                    "-o",
                    "jsonpath={.metadata.resourceVersion}",
                    "-f",
                    "-",
                ],
                &manifest,
            )
            .unwrap()
    };
    // Without an operator, the first write after the creation stores the default status once.
    let versions = [apply(), apply(), apply(), apply()];
    assert_eq!(versions[1..3], versions[2..], "{versions:?}");
    let spec = cluster
        .kubectl_run(&[
            "get",
            "clusterextension",
            "admit-again",
            "-o",
            "jsonpath={.spec.services[0].endpoints[0]}",
        ])
        .unwrap();
    assert!(
        !spec.contains("configuration") && spec.contains("external"),
        "{spec}"
    );
    let diff = cluster.kubectl_with(&["diff", "--server-side", "-f", "-"], &manifest);
    assert!(diff.is_ok(), "{diff:?}");
    cluster
        .kubectl_run(&["delete", "clusterextension", "admit-again"])
        .unwrap();
}
