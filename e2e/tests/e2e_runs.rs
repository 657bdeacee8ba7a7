//! A new run restores manually deleted Secrets, and is annotated with its bindings.

mod support;
#[path = "support/users.rs"]
mod users;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::{
    RECORDS, TestEnv, eventually, from_secret, record, section, text, version, workflow,
};

const PROJECT: &str = "runs";
const ANNOTATION: &str = "registry.fuseml.io/bindings";
const ENGINE: &str = "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";
const VALUE: &str = "planted-in-runs";

#[tokio::test(flavor = "multi_thread")]
async fn run_restores_deleted_secrets() {
    let mut env = TestEnv::start("runs", &[]).await;
    env.namespace(PROJECT);
    env.source(RECORDS, "runs", VALUE).await;
    env.apply(&record("store", &from_secret("runs"))).await;
    env.apply(&workflow(PROJECT, "train", &json!({"product": "store"})))
        .await;
    let bound = env.wait_until_ready(PROJECT, "train").await;
    let secret = text(&bound["status"]["bindings"][0]["secret"]).to_owned();

    section("a manually deleted Secret is restored");
    let before = env.get("Secret", PROJECT, &secret).await;
    env.delete("Secret", PROJECT, &secret).await;
    env.wait_until_settled(&["Secret", "ExtensionProjection"])
        .await;
    assert!(
        env.get("Secret", PROJECT, &secret).await.is_null(),
        "the Secret is not watched"
    );
    env.apply(&run("first", "train")).await;
    let after = env
        .wait_until(
            ("Secret", PROJECT, &secret),
            "is restored",
            Value::is_object,
        )
        .await;
    assert_eq!(before["data"], after["data"]);

    section("the run is annotated with its bindings, without values");
    let run_object = env
        .wait_until(("PipelineRun", PROJECT, "first"), "is annotated", |run| {
            !annotation(run).is_empty()
        })
        .await;
    let reported: Value = serde_json::from_str(annotation(&run_object)).unwrap();
    assert_eq!(
        reported["workflowGeneration"],
        bound["metadata"]["generation"]
    );
    assert_eq!(reported["bindings"], bound["status"]["bindings"]);
    assert!(!run_object.to_string().contains(VALUE));

    section("a run of another pipeline is unchanged");
    env.apply(&run("other", "somebody-elses")).await;
    wait_until_runs_are_reconciled(&env, 2.0).await;
    let other = env.get("PipelineRun", PROJECT, "other").await;
    assert!(annotation(&other).is_empty());

    section("a restart does not write to them, nor to a completed run");
    env.stop_operator();
    env.apply(&run("over", "train")).await;
    let ended = Patch::Merge(json!({"status": {"completionTime": "2026-01-01T00:00:00Z"}}));
    let engine = users::impersonate(&env.cluster, ENGINE, &["system:masters"]);
    let runs = users::objects(&engine, "tekton.dev/v1", "PipelineRun", PROJECT);
    runs.patch_status("over", &PatchParams::default(), &ended)
        .await
        .unwrap();
    let over = env.get("PipelineRun", PROJECT, "over").await;
    env.start_operator();
    wait_until_runs_are_reconciled(&env, 2.0).await;
    env.wait_until_settled(&["PipelineRun"]).await;
    for (name, before) in [("first", &run_object), ("other", &other), ("over", &over)] {
        let now = env.get("PipelineRun", PROJECT, name).await;
        assert_eq!(version(&now), version(before), "{name}");
    }
    env.stop().await;
}

fn run(name: &str, pipeline: &str) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"namespace": PROJECT, "name": name},
        "spec": {"pipelineRef": {"name": pipeline}},
    })
}

/// Waits until the operator has reconciled this many runs since its start.
async fn wait_until_runs_are_reconciled(env: &TestEnv, count: f64) {
    eventually(support::TIMEOUT, "the runs are reconciled", async || {
        let labels = ["controller=\"run\"", "outcome=\"ok\""];
        let done = env
            .operator()
            .metric("extension_registry_work_total", &labels)
            .map_err(|error| error.to_string())?;
        if done >= count {
            Ok(())
        } else {
            Err(format!("{done} are"))
        }
    })
    .await;
}

fn annotation(run: &Value) -> &str {
    text(&run["metadata"]["annotations"][ANNOTATION])
}
