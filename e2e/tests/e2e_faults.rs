//! Faults of the API server and etcd: the operator recovers by itself, with at most twice the necessary
//! writes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::time::Duration;

use extension_registry_e2e::{fault, skip_part};
use futures::{StreamExt, stream};
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{TestEnv, eventually, from_secret, pause, record, section, workflow};

const WORKFLOWS: u32 = 100;
const PROJECT: &str = "faults";
/// `RoleBinding` of the chart in the namespace of the records' Secrets.
const BINDING: &str = "extension-registry-records";

#[tokio::test(flavor = "multi_thread")]
async fn operator_recovers_from_faults() {
    let env = TestEnv::start("faults", &[]).await;
    env.namespace(PROJECT);
    env.source(support::RECORDS, "shared", "x").await;
    env.apply(&record("shared", &from_secret("shared"))).await;
    recovers_from_conflicting_writers(&env).await;
    recovers_from_revoked_permission(&env).await;
    if env.cluster.is_owned() {
        recovers_from_api_server_restart(&env).await;
        recovers_from_suspended_etcd(&env).await;
    } else {
        skip_part(
            "faults of etcd and the API server",
            "this harness did not start them",
        );
    }
    env.stop_after_faults().await;
}

/// Constant conflicts: another client changes the objects that the operator is about to write.
async fn recovers_from_conflicting_writers(env: &TestEnv) {
    section("another client writes the same objects all the time");
    let before = writes(env);
    let conflicting_writes = async {
        for round in 0..40 {
            for kind in ["Workflow", "Pipeline"] {
                let api = env.api(kind, PROJECT);
                let patch = Patch::Merge(
                    json!({"metadata": {"annotations": {"storm": round.to_string()}}}),
                );
                stream::iter(0..WORKFLOWS)
                    .for_each_concurrent(16, |number| {
                        let (api, patch) = (api.clone(), &patch);
                        async move {
                            // The object may not exist yet, or another write was faster.
                            let _ = api
                                .patch(&name("storm", number), &PatchParams::default(), patch)
                                .await;
                        }
                    })
                    .await;
            }
        }
    };
    tokio::join!(apply(env, "storm"), conflicting_writes);
    wait_until_all_ready(env, "storm").await;
    assert_write_count(env, before, "conflicting writers");
}

/// A watch does not report a restored permission, and an open watch does not even report that it was revoked.
async fn recovers_from_revoked_permission(env: &TestEnv) {
    section("the permission to read the Secrets of records is revoked for a while");
    env.source(support::RECORDS, "unreadable", "x").await;
    let bindings: Api<RoleBinding> = Api::namespaced(env.cluster.client(), support::RECORDS);
    let binding = bindings.get(BINDING).await.unwrap();
    bindings
        .delete(BINDING, &DeleteParams::default())
        .await
        .unwrap();
    // The authorizer observes the change with a delay. The answer `no` has exit code 1.
    let account = "--as=system:serviceaccount:extension-registry:extension-registry";
    let can = ["auth", "can-i", "get", "secrets", "-n"];
    let can = [&can[..], &[support::RECORDS, account]].concat();
    let revoked = async || match env.cluster.kubectl_run(&can) {
        Err(_) => Ok(()),
        Ok(answer) => Err(answer),
    };
    eventually(Duration::from_mins(1), "it is revoked", revoked).await;
    env.apply(&record("unreadable", &from_secret("unreadable")))
        .await;
    env.apply(&workflow(
        PROJECT,
        "unreadable",
        &json!({"product": "unreadable"}),
    ))
    .await;
    let refused = async || {
        let object = env.get("Workflow", PROJECT, "unreadable").await;
        let ready = support::condition(&object, "Ready");
        let message = ready["message"].as_str().unwrap_or_default();
        if message.contains("the operator is not allowed to read Secret") {
            Ok(())
        } else {
            Err(ready.to_string())
        }
    };
    eventually(support::TIMEOUT, "it is refused", refused).await;
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
    wait_until_ready(env, "unreadable", 1).await;
}

async fn recovers_from_api_server_restart(env: &TestEnv) {
    section("the API server is killed while workflows are bound, and all watches with it");
    let before = writes(env);
    apply(env, "restart").await;
    env.cluster.restart("kube-apiserver").unwrap();
    wait_until_all_ready(env, "restart").await;
    assert_write_count(env, before, "a killed API server");
    // Changes during an interrupted watch are still observed.
    env.cluster.restart("kube-apiserver").unwrap();
    eventually(
        Duration::from_mins(2),
        "the API server answers",
        async || {
            let object = workflow(PROJECT, "late", &json!({"product": "shared"}));
            env.try_apply(&object)
                .await
                .map_err(|error| error.to_string())
        },
    )
    .await;
    // Policies with parameters deny requests until the API server has discovered Workflows again, which takes
    // up to 30 seconds.
    eventually(
        Duration::from_mins(4),
        "the late one is ready",
        async || {
            let late = env.get("Workflow", PROJECT, "late").await;
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

async fn recovers_from_suspended_etcd(env: &TestEnv) {
    section("etcd is suspended for 30 seconds");
    let before = writes(env);
    apply(env, "etcd").await;
    {
        let _suspended = fault::freeze(env.cluster.process("etcd").unwrap()).unwrap();
        pause(30.0).await;
    }
    wait_until_all_ready(env, "etcd").await;
    assert_write_count(env, before, "a suspended etcd");
}

fn name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number}")
}

async fn apply(env: &TestEnv, prefix: &str) {
    stream::iter(0..WORKFLOWS)
        .for_each_concurrent(8, |number| async move {
            let object = workflow(
                PROJECT,
                &name(prefix, number),
                &json!({"product": "shared"}),
            );
            env.apply(&object).await;
        })
        .await;
}

async fn wait_until_all_ready(env: &TestEnv, prefix: &str) {
    wait_until_ready(env, prefix, usize::try_from(WORKFLOWS).unwrap()).await;
}

async fn wait_until_ready(env: &TestEnv, prefix: &str, wanted: usize) {
    eventually(Duration::from_mins(4), "all are ready", async || {
        let api = env.api("Workflow", PROJECT);
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

fn writes(env: &TestEnv) -> f64 {
    env.operator()
        .metric("extension_registry_writes_total", &[])
        .unwrap()
}

/// Asserts that the writes are at most twice the minimum: a Pipeline and a status for each workflow; a
/// projection, a Secret and a status for the namespace.
fn assert_write_count(env: &TestEnv, before: f64, what: &str) {
    let least = f64::from(WORKFLOWS * 2 + 3);
    let written = writes(env) - before;
    println!("{written} writes despite {what}; the minimum is {least}");
    assert!(written <= 2.0 * least, "{written} writes, minimum {least}");
}
