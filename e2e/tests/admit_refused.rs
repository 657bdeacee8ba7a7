//! What a real API server refuses at apply.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fmt::Write as _;
use std::fs;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::repository;
use extension_registry_e2e::{Cluster, Options};

/// Occurs in every bad object where a value could be; no message may contain it.
const PLANTED: &str = "planted-secret";

const PROJECT: &str = "admit-refused";

fn options() -> Options {
    Options {
        node: Node::None,
        ..Options::default()
    }
}

/// Applies what must be refused; what kubectl said.
fn refusal(cluster: &Cluster, manifest: &str) -> String {
    let mut arguments = vec!["apply", "-n", PROJECT, "-f", "-"];
    // The annotation of a client-side apply has a limit of its own, which would come first.
    if manifest.len() > 100_000 {
        arguments.push("--server-side");
    }
    match cluster.kubectl_with(&arguments, manifest) {
        Ok(said) => format!("accepted: {said}"),
        Err(error) => format!("{error:#}"),
    }
}

fn record(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_refuses_what_is_wrong_and_repeats_no_value() {
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
        let said = refusal(&cluster, &manifest);
        files += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_refused = expected.is_some_and(|expected| said.contains(expected));
        if !is_refused || said.starts_with("accepted") || said.contains(PLANTED) {
            let shown: String = said.chars().take(600).collect();
            let _ = writeln!(wrong, "{name}: expected {expected:?}: {shown}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(files >= 60, "only {files} bad objects");

    what_no_file_holds(&cluster);
    one_bad_among_good(&cluster);
    a_second_apply_changes_nothing(&cluster);
    cluster.stop().await.unwrap();
}

fn what_no_file_holds(cluster: &Cluster) {
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
        // Too large in one value, and too large in all, each value small enough.
        (record("admit-large", &format!("{{configuration: [{{name: KEY, value: {large}}}]}}")), "Too long"),
        (record("admit-large", &format!("{{configuration: [{}]}}", entries.join(", "))), "large"),
        ("apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata:\n  name: [\n".to_owned(), "error parsing STDIN"),
        ("apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtention\nmetadata: {name: admit-kind}\n".to_owned(), r#"no matches for kind "ClusterExtention""#),
    ] {
        let said = refusal(cluster, &manifest);
        let shown: String = said.chars().take(600).collect();
        let is_expected = said.to_lowercase().contains(&expected.to_lowercase());
        assert!(is_expected && !said.starts_with("accepted"), "{expected}: {shown}");
        assert!(!said.contains(PLANTED) && !said.contains(&large[..1000]), "{expected}: {shown}");
    }
}

fn one_bad_among_good(cluster: &Cluster) {
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
    let said = refusal(
        cluster,
        &[good("admit-good-1"), bad, good("admit-good-2")].join("---\n"),
    );
    assert!(
        said.contains("`url` must not contain a user or password") && !said.contains(PLANTED),
        "{said}"
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

/// Whatever of an object the API server would fill in or reorder would be drift to a tool like Flux.
fn a_second_apply_changes_nothing(cluster: &Cluster) {
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
    // Without an operator the first write after the creation stores the default status, once.
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
