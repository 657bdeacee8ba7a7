//! What the operator leans on breaks: it comes back by itself, and does not write more than twice
//! what it must.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::time::Duration;

use extension_registry_e2e::{fault, leave_out};
use futures::{StreamExt, stream};
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{Lab, eventually, from_secret, pause, record, section, workflow};

const WORKFLOWS: u32 = 100;
const PROJECT: &str = "faults";
/// The chart's, in the namespace of records' Secrets.
const BINDING: &str = "extension-registry-records";

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_by_itself() {
    let lab = Lab::start("faults", &[]).await;
    lab.namespace(PROJECT);
    lab.source(support::RECORDS, "shared", "x").await;
    lab.apply(&record("shared", &from_secret("shared"))).await;
    others_write_the_same_objects(&lab).await;
    the_right_to_read_goes_and_comes_back(&lab).await;
    if lab.cluster.is_ours() {
        the_api_server_restarts(&lab).await;
        etcd_stands_still(&lab).await;
    } else {
        leave_out(
            "the end of etcd and of the API server",
            "they are not of this harness",
        );
    }
    lab.stop_after_faults().await;
}

/// Conflicts on end: somebody changes what the operator is about to write.
async fn others_write_the_same_objects(lab: &Lab) {
    section("somebody writes the same objects all the time");
    let before = writes(lab);
    let storm = async {
        for round in 0..40 {
            for kind in ["Workflow", "Pipeline"] {
                let api = lab.api(kind, PROJECT);
                let patch = Patch::Merge(
                    json!({"metadata": {"annotations": {"storm": round.to_string()}}}),
                );
                stream::iter(0..WORKFLOWS)
                    .for_each_concurrent(16, |number| {
                        let (api, patch) = (api.clone(), &patch);
                        async move {
                            // Not there yet, or another was faster: both are fine.
                            let _ = api
                                .patch(&name("storm", number), &PatchParams::default(), patch)
                                .await;
                        }
                    })
                    .await;
            }
        }
    };
    tokio::join!(apply(lab, "storm"), storm);
    all_ready(lab, "storm").await;
    counted(lab, before, "a storm of other writers");
}

/// No watch shows a permission that comes back, and an open watch does not even notice that it went.
async fn the_right_to_read_goes_and_comes_back(lab: &Lab) {
    section("the operator may not read the Secrets of records for a while");
    lab.source(support::RECORDS, "unreadable", "x").await;
    let bindings: Api<RoleBinding> = Api::namespaced(lab.cluster.client(), support::RECORDS);
    let binding = bindings.get(BINDING).await.unwrap();
    bindings
        .delete(BINDING, &DeleteParams::default())
        .await
        .unwrap();
    // An authorizer learns of it a moment later.
    pause(2.0).await;
    lab.apply(&record("unreadable", &from_secret("unreadable")))
        .await;
    lab.apply(&workflow(
        PROJECT,
        "unreadable",
        &json!({"product": "unreadable"}),
    ))
    .await;
    let refused = async || {
        let object = lab.get("Workflow", PROJECT, "unreadable").await;
        let ready = support::condition(&object, "Ready");
        let message = ready["message"].as_str().unwrap_or_default();
        if message.contains("the operator is not allowed to read Secret") {
            Ok(())
        } else {
            Err(ready.to_string())
        }
    };
    eventually(Duration::from_mins(1), "it is refused", refused).await;
    let again = RoleBinding {
        metadata: ObjectMeta {
            name: binding.metadata.name,
            labels: binding.metadata.labels,
            annotations: binding.metadata.annotations,
            ..ObjectMeta::default()
        },
        ..binding
    };
    bindings
        .create(&PostParams::default(), &again)
        .await
        .unwrap();
    all_of(lab, "unreadable", 1).await;
}

async fn the_api_server_restarts(lab: &Lab) {
    section("the API server is killed while workflows are bound, and all watches with it");
    let before = writes(lab);
    apply(lab, "restart").await;
    lab.cluster.restart("kube-apiserver").unwrap();
    all_ready(lab, "restart").await;
    counted(lab, before, "an API server that was killed");
    // What changed while no watch was there is seen all the same.
    lab.cluster.restart("kube-apiserver").unwrap();
    eventually(
        Duration::from_mins(1),
        "the API server answers",
        async || {
            let object = workflow(PROJECT, "late", &json!({"product": "shared"}));
            lab.try_apply(&object)
                .await
                .map_err(|error| error.to_string())
        },
    )
    .await;
    // Policies with parameters refuse until the API server has discovered Workflows again, which it
    // tries twice a minute.
    eventually(
        Duration::from_mins(2),
        "the late one is ready",
        async || {
            let late = lab.get("Workflow", PROJECT, "late").await;
            let ready = support::condition(&late, "Ready");
            if ready["status"] == "True" {
                Ok(())
            } else {
                Err(ready.to_string())
            }
        },
    )
    .await;
}

async fn etcd_stands_still(lab: &Lab) {
    section("etcd stands still for 30 seconds");
    let before = writes(lab);
    apply(lab, "etcd").await;
    {
        let _ice = fault::freeze(lab.cluster.process("etcd").unwrap()).unwrap();
        pause(30.0).await;
    }
    all_ready(lab, "etcd").await;
    counted(lab, before, "etcd standing still");
}

fn name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number}")
}

async fn apply(lab: &Lab, prefix: &str) {
    stream::iter(0..WORKFLOWS)
        .for_each_concurrent(8, |number| async move {
            let object = workflow(
                PROJECT,
                &name(prefix, number),
                &json!({"product": "shared"}),
            );
            lab.apply(&object).await;
        })
        .await;
}

async fn all_ready(lab: &Lab, prefix: &str) {
    all_of(lab, prefix, usize::try_from(WORKFLOWS).unwrap()).await;
}

async fn all_of(lab: &Lab, prefix: &str, wanted: usize) {
    eventually(Duration::from_mins(2), "all are ready", async || {
        let api = lab.api("Workflow", PROJECT);
        let list = api.list(&ListParams::default()).await;
        let list = list.map_err(|error| error.to_string())?;
        let is_ready = |object: &Value| support::condition(object, "Ready")["status"] == "True";
        let ready = list
            .items
            .into_iter()
            .filter(|object| {
                object
                    .metadata
                    .name
                    .as_deref()
                    .is_some_and(|name| name.starts_with(prefix))
            })
            .filter(|object| is_ready(&serde_json::to_value(object).unwrap()))
            .count();
        if ready == wanted {
            Ok(())
        } else {
            Err(format!("{ready} are"))
        }
    })
    .await;
}

fn writes(lab: &Lab) -> f64 {
    lab.operator()
        .metric("extension_registry_writes_total", &[])
        .unwrap()
}

/// A Pipeline and a status for each workflow; a projection, a Secret and a status for the namespace.
fn counted(lab: &Lab, before: f64, what: &str) {
    let least = f64::from(WORKFLOWS * 2 + 3);
    let written = writes(lab) - before;
    println!("{written} writes in spite of {what}; {least} is the least there can be");
    assert!(written <= 2.0 * least, "{written} writes, {least} at least");
}
