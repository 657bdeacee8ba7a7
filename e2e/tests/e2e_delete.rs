//! Deletion of registry objects completes while the webhook is down, with every propagation policy. Changes
//! are refused.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::time::Duration;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use serde_json::{Value, json};
use support::{TestEnv, eventually, from_secret, own, record, section, text, workflow};
use webhook::{KubectlResult, kubectl};

const PROJECT: &str = "deleting";
const RECORDS: &str = "extension-registry-records";
/// The garbage collector discovers new kinds every 30 seconds.
const COLLECTION: Duration = Duration::from_mins(4);
const CASCADES: [&str; 3] = ["background", "foreground", "orphan"];

fn run(env: &TestEnv, arguments: &[&str]) -> KubectlResult {
    kubectl(&env.cluster, arguments, "")
}

/// Creates one record of each kind and a workflow for each record, so that all of them have dependents.
async fn create(env: &TestEnv, name: &str) {
    env.source(PROJECT, name, "p").await;
    env.source(RECORDS, name, "p").await;
    let mut project = record(name, &from_secret(name));
    project["spec"]["product"] = json!(format!("own-{name}"));
    env.apply(&own(project, PROJECT)).await;
    env.apply(&record(name, &from_secret(name))).await;
    for product in [name.to_owned(), format!("own-{name}")] {
        env.apply(&workflow(PROJECT, &product, &json!({"product": product})))
            .await;
        env.wait_until_ready(PROJECT, &product).await;
    }
}

async fn terminating_record_is_unbound(env: &TestEnv) {
    section("a terminating record is not bound, even while a finalizer keeps it");
    env.source(PROJECT, "waits", "p").await;
    let mut waits = own(record("waits", &from_secret("waits")), PROJECT);
    waits["metadata"]["finalizers"] = json!(["example.org/wait"]);
    env.apply(&waits).await;
    env.apply(&workflow(PROJECT, "waits", &json!({"product": "waits"})))
        .await;
    let bound = env.wait_until_ready(PROJECT, "waits").await;
    let secret = text(&bound["status"]["bindings"][0]["secret"]).to_owned();
    assert!(env.get("Secret", PROJECT, &secret).await.is_object());
    run(
        env,
        &["delete", "ext", "waits", "-n", PROJECT, "--wait=false"],
    )
    .unwrap();
    env.wait_until_refused(PROJECT, "waits", "NotFound").await;
    env.wait_until(("Secret", PROJECT, &secret), "is gone", Value::is_null)
        .await;
    let record = env.get("Extension", PROJECT, "waits").await;
    assert!(record["metadata"]["deletionTimestamp"].is_string());
    let none = r#"{"metadata": {"finalizers": null}}"#;
    run(
        env,
        &[
            "patch",
            "ext",
            "waits",
            "-n",
            PROJECT,
            "--type=merge",
            "-p",
            none,
        ],
    )
    .unwrap();
    env.delete("Workflow", PROJECT, "waits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_completes_while_the_webhook_is_down() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut env = TestEnv::with_webhook("delete", options, &[], &[]).await;
    env.namespace(PROJECT);
    for name in CASCADES.into_iter().chain(["stays"]) {
        create(&env, name).await;
    }
    largest_record_is_within_the_cost_limit(&env).await;
    terminating_record_is_unbound(&env).await;
    env.stop_operator();

    changes_are_refused(&env);
    for cascade in CASCADES {
        section(&format!("{cascade} deletion"));
        let projections = dependents(&env, "ExtensionProjection", cascade).await;
        assert_eq!(projections.len(), 2);
        for (kind, name) in [
            ("fwf", cascade),
            ("fwf", &format!("own-{cascade}")),
            ("ext", cascade),
            ("cext", cascade),
        ] {
            let how = format!("--cascade={cascade}");
            let arguments = ["delete", kind, name, "-n", PROJECT, &how, "--timeout=240s"];
            run(&env, &arguments).unwrap();
        }
        let expected = if cascade == "orphan" { 2 } else { 0 };
        for kind in ["ExtensionProjection", "Pipeline"] {
            let found = eventually(COLLECTION, "dependents are collected", async || {
                let found = remaining(&env, kind, cascade).await;
                (found.len() == expected)
                    .then_some(found)
                    .ok_or_else(|| kind.to_owned())
            })
            .await;
            for object in found {
                assert!(
                    object["metadata"]["ownerReferences"].is_null(),
                    "{object:#}"
                );
            }
        }
    }
    owners_and_finalizers_can_change(&env).await;

    section("the namespace with all remaining objects");
    run(&env, &["delete", "namespace", PROJECT, "--timeout=240s"]).unwrap();
    env.start_operator();
    env.stop().await;
}

/// Returns the dependents of the objects with this name, by their owners.
async fn dependents(env: &TestEnv, kind: &str, name: &str) -> Vec<Value> {
    let mut all = env.list(kind, PROJECT).await;
    all.retain(|object| {
        let owner = text(&object["metadata"]["ownerReferences"][0]["name"]);
        owner == name || owner == format!("own-{name}")
    });
    all
}

/// Returns the remaining dependents, by name: a Pipeline has the name of its workflow, the name of a
/// projection contains that of its record.
async fn remaining(env: &TestEnv, kind: &str, name: &str) -> Vec<Value> {
    let mut all = env.list(kind, PROJECT).await;
    all.retain(|object| text(&object["metadata"]["name"]).contains(name));
    all
}

/// The match conditions compare whole objects, and the API server limits the cost of CEL.
async fn largest_record_is_within_the_cost_limit(env: &TestEnv) {
    section("the comparison of the largest record is within the cost limit");
    let configuration: Vec<Value> = (0..60)
        .map(|index| json!({"name": format!("KEY_{index}"), "value": "v".repeat(4000)}))
        .collect();
    let mut large = record("large", &json!([{"name": "main"}]));
    large["spec"]["services"][0]["configuration"] = json!(configuration);
    env.apply(&large).await;
    large["spec"]["services"][0]["configuration"][59]["value"] = json!("changed");
    env.apply(&large).await;
}

fn changes_are_refused(env: &TestEnv) {
    section("a change of spec or annotations is refused, and so is an update that changes nothing");
    for (kind, spec) in [
        ("fwf", r#"{"spec": {"description": "changed"}}"#),
        ("ext", r#"{"spec": {"product": "changed"}}"#),
        ("cext", r#"{"spec": {"product": "changed"}}"#),
    ] {
        let annotations = r#"{"metadata": {"annotations": {"a": "b"}}}"#;
        let both = r#"{"metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}}}"#;
        for patch in [spec, annotations, both] {
            let arguments = [
                "patch",
                kind,
                "stays",
                "-n",
                PROJECT,
                "--type=merge",
                "-p",
                patch,
            ];
            let error = run(env, &arguments).unwrap_err();
            assert!(error.contains("failed calling webhook"), "{error}");
        }
        let stored = run(env, &["get", kind, "stays", "-n", PROJECT, "-o", "json"]).unwrap();
        let error = kubectl(&env.cluster, &["replace", "-f", "-"], &stored).unwrap_err();
        assert!(error.contains("failed calling webhook"), "{error}");
    }
}

/// Tools use finalizers to order deletion, and owner references for what they apply.
async fn owners_and_finalizers_can_change(env: &TestEnv) {
    section("finalizers, owners and labels can be added and removed");
    let owner = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": PROJECT, "name": "owner"},
    });
    let owner = env
        .cluster
        .kubectl_with(&["create", "-o", "json", "-f", "-"], &owner.to_string());
    let owner: Value = serde_json::from_str(&owner.unwrap()).unwrap();
    let reference = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    });
    let held = json!({"metadata": {
        "finalizers": ["example.com/hold"], "ownerReferences": [reference], "labels": {"a": "b"},
    }})
    .to_string();
    let kinds = [("fwf", "Workflow"), ("ext", "Extension")];
    for (short, _) in kinds {
        let arguments = [
            "patch",
            short,
            "stays",
            "-n",
            PROJECT,
            "--type=merge",
            "-p",
            &held,
        ];
        run(env, &arguments).unwrap();
    }
    let arguments = [
        "delete",
        "configmap",
        "owner",
        "-n",
        PROJECT,
        "--cascade=orphan",
    ];
    run(env, &arguments).unwrap();
    for (short, kind) in kinds {
        env.wait_until((kind, PROJECT, "stays"), "has no owner", |object| {
            object["metadata"]["ownerReferences"].is_null()
        })
        .await;
        let arguments = ["delete", short, "stays", "-n", PROJECT, "--wait=false"];
        run(env, &arguments).unwrap();
        let free = r#"{"metadata": {"finalizers": null}}"#;
        let arguments = [
            "patch",
            short,
            "stays",
            "-n",
            PROJECT,
            "--type=merge",
            "-p",
            free,
        ];
        run(env, &arguments).unwrap();
        env.wait_until_gone(kind, PROJECT, "stays").await;
    }
}
