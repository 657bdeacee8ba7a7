//! Deletion of our kinds finishes while the webhook is down, with every propagation policy. Changes are refused.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
mod support;

use std::time::Duration;

use door::{Said, kubectl};
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use serde_json::{Value, json};
use support::{Lab, eventually, from_secret, own, record, section, text, workflow};

const PROJECT: &str = "deleting";
const RECORDS: &str = "extension-registry-records";
/// The collector learns of new kinds every 30 seconds.
const COLLECTION: Duration = Duration::from_secs(90);
const CASCADES: [&str; 3] = ["background", "foreground", "orphan"];

fn run(lab: &Lab, arguments: &[&str]) -> Said {
    kubectl(&lab.cluster, arguments, "")
}

/// One record of each kind, and a workflow of each record, so that all of them have dependents.
async fn create(lab: &Lab, name: &str) {
    lab.source(PROJECT, name, "p").await;
    lab.source(RECORDS, name, "p").await;
    let mut project = record(name, &from_secret(name));
    project["spec"]["product"] = json!(format!("own-{name}"));
    lab.apply(&own(project, PROJECT)).await;
    lab.apply(&record(name, &from_secret(name))).await;
    for product in [name.to_owned(), format!("own-{name}")] {
        lab.apply(&workflow(PROJECT, &product, &json!({"product": product})))
            .await;
        lab.ready(PROJECT, &product).await;
    }
}

async fn a_record_with_a_finalizer_is_withdrawn(lab: &Lab) {
    section("a record that is being deleted gives nothing, however long a finalizer keeps it");
    lab.source(PROJECT, "waits", "p").await;
    let mut waits = own(record("waits", &from_secret("waits")), PROJECT);
    waits["metadata"]["finalizers"] = json!(["example.org/wait"]);
    lab.apply(&waits).await;
    lab.apply(&workflow(PROJECT, "waits", &json!({"product": "waits"})))
        .await;
    let bound = lab.ready(PROJECT, "waits").await;
    let secret = text(&bound["status"]["bindings"][0]["secret"]).to_owned();
    assert!(lab.get("Secret", PROJECT, &secret).await.is_object());
    run(
        lab,
        &["delete", "ext", "waits", "-n", PROJECT, "--wait=false"],
    )
    .unwrap();
    lab.refused(PROJECT, "waits", "NotFound").await;
    lab.until(("Secret", PROJECT, &secret), "is gone", Value::is_null)
        .await;
    let record = lab.get("Extension", PROJECT, "waits").await;
    assert!(record["metadata"]["deletionTimestamp"].is_string());
    let none = r#"{"metadata": {"finalizers": null}}"#;
    run(
        lab,
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
    lab.delete("Workflow", PROJECT, "waits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_finishes_while_the_webhook_is_down() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let mut lab = Lab::with_webhook("delete", options, &[], &[]).await;
    lab.namespace(PROJECT);
    for name in CASCADES.into_iter().chain(["stays"]) {
        create(&lab, name).await;
    }
    largest_record_is_compared(&lab).await;
    a_record_with_a_finalizer_is_withdrawn(&lab).await;
    lab.stop_operator();

    changes_are_refused(&lab);
    for cascade in CASCADES {
        section(&format!("{cascade} deletion"));
        let projections = dependents(&lab, "ExtensionProjection", cascade).await;
        assert_eq!(projections.len(), 2);
        for (kind, name) in [
            ("fwf", cascade),
            ("fwf", &format!("own-{cascade}")),
            ("ext", cascade),
            ("cext", cascade),
        ] {
            let how = format!("--cascade={cascade}");
            let arguments = ["delete", kind, name, "-n", PROJECT, &how, "--timeout=90s"];
            run(&lab, &arguments).unwrap();
        }
        let expected = if cascade == "orphan" { 2 } else { 0 };
        for kind in ["ExtensionProjection", "Pipeline"] {
            let left = eventually(COLLECTION, "dependents are collected", async || {
                let left = left(&lab, kind, cascade).await;
                (left.len() == expected)
                    .then_some(left)
                    .ok_or_else(|| kind.to_owned())
            })
            .await;
            for object in left {
                assert!(
                    object["metadata"]["ownerReferences"].is_null(),
                    "{object:#}"
                );
            }
        }
    }
    owners_and_finalizers_go(&lab).await;

    section("a namespace with all of them");
    run(&lab, &["delete", "namespace", PROJECT, "--timeout=60s"]).unwrap();
    lab.start_operator();
    lab.stop().await;
}

/// What belongs to the set of a name, by its owners.
async fn dependents(lab: &Lab, kind: &str, name: &str) -> Vec<Value> {
    let mut all = lab.list(kind, PROJECT).await;
    all.retain(|object| {
        let owner = text(&object["metadata"]["ownerReferences"][0]["name"]);
        owner == name || owner == format!("own-{name}")
    });
    all
}

/// What is left of the set of a name: a Pipeline has the name of its workflow, a projection that of its record in it.
async fn left(lab: &Lab, kind: &str, name: &str) -> Vec<Value> {
    let mut all = lab.list(kind, PROJECT).await;
    all.retain(|object| text(&object["metadata"]["name"]).contains(name));
    all
}

/// The match conditions compare whole objects, and the API server limits what that may cost.
async fn largest_record_is_compared(lab: &Lab) {
    section("the largest record is compared within the limit of the API server");
    let configuration: Vec<Value> = (0..60)
        .map(|index| json!({"name": format!("KEY_{index}"), "value": "v".repeat(4000)}))
        .collect();
    let mut large = record("large", &json!([{"name": "main"}]));
    large["spec"]["services"][0]["configuration"] = json!(configuration);
    lab.apply(&large).await;
    large["spec"]["services"][0]["configuration"][59]["value"] = json!("changed");
    lab.apply(&large).await;
}

fn changes_are_refused(lab: &Lab) {
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
            let error = run(lab, &arguments).unwrap_err();
            assert!(error.contains("failed calling webhook"), "{error}");
        }
        let stored = run(lab, &["get", kind, "stays", "-n", PROJECT, "-o", "json"]).unwrap();
        let error = kubectl(&lab.cluster, &["replace", "-f", "-"], &stored).unwrap_err();
        assert!(error.contains("failed calling webhook"), "{error}");
    }
}

/// Tools use finalizers to order deletion, and owner references for what they apply.
async fn owners_and_finalizers_go(lab: &Lab) {
    section("finalizers, owners and labels come and go");
    let owner = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": PROJECT, "name": "owner"},
    });
    let owner = lab
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
        run(lab, &arguments).unwrap();
    }
    let arguments = [
        "delete",
        "configmap",
        "owner",
        "-n",
        PROJECT,
        "--cascade=orphan",
    ];
    run(lab, &arguments).unwrap();
    for (short, kind) in kinds {
        lab.until((kind, PROJECT, "stays"), "has no owner", |object| {
            object["metadata"]["ownerReferences"].is_null()
        })
        .await;
        let arguments = ["delete", short, "stays", "-n", PROJECT, "--wait=false"];
        run(lab, &arguments).unwrap();
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
        run(lab, &arguments).unwrap();
        lab.gone(kind, PROJECT, "stays").await;
    }
}
