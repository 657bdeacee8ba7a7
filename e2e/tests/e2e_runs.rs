//! A run comes: what somebody deleted by hand is there again, and the run says what it was bound to.

#[path = "support/people.rs"]
mod people;
mod support;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use support::{Lab, RECORDS, from_secret, pause, record, section, text, version, workflow};

const PROJECT: &str = "runs";
const ANNOTATION: &str = "registry.fuseml.io/bindings";
const ENGINE: &str = "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller";
const VALUE: &str = "planted-in-runs";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_made_ready() {
    let mut lab = Lab::start("runs", &[]).await;
    lab.namespace(PROJECT);
    lab.source(RECORDS, "runs", VALUE).await;
    lab.apply(&record("store", &from_secret("runs"))).await;
    lab.apply(&workflow(PROJECT, "train", &json!({"product": "store"})))
        .await;
    let bound = lab.ready(PROJECT, "train").await;
    let secret = text(&bound["status"]["bindings"][0]["secret"]).to_owned();

    section("what was deleted by hand is there again");
    let before = lab.get("Secret", PROJECT, &secret).await;
    lab.delete("Secret", PROJECT, &secret).await;
    pause(1.0).await;
    assert!(
        lab.get("Secret", PROJECT, &secret).await.is_null(),
        "nobody watches it"
    );
    lab.apply(&run("first", "train")).await;
    let after = lab
        .until(
            ("Secret", PROJECT, &secret),
            "is there again",
            Value::is_object,
        )
        .await;
    assert_eq!(before["data"], after["data"]);

    section("the run says what it was bound to, and no value");
    let run_object = lab
        .until(("PipelineRun", PROJECT, "first"), "is annotated", |run| {
            !annotation(run).is_empty()
        })
        .await;
    let said: Value = serde_json::from_str(annotation(&run_object)).unwrap();
    assert_eq!(said["workflowGeneration"], bound["metadata"]["generation"]);
    assert_eq!(said["bindings"], bound["status"]["bindings"]);
    assert!(!run_object.to_string().contains(VALUE));

    section("another pipeline's run stays as it is");
    lab.apply(&run("other", "somebody-elses")).await;
    pause(2.0).await;
    let other = lab.get("PipelineRun", PROJECT, "other").await;
    assert!(annotation(&other).is_empty());

    section("a restart writes nothing to them, nor to one that is over");
    lab.stop_operator();
    lab.apply(&run("over", "train")).await;
    let ended = Patch::Merge(json!({"status": {"completionTime": "2026-01-01T00:00:00Z"}}));
    let engine = people::person(&lab.cluster, ENGINE, &["system:masters"]);
    let runs = people::objects(&engine, "tekton.dev/v1", "PipelineRun", PROJECT);
    runs.patch_status("over", &PatchParams::default(), &ended)
        .await
        .unwrap();
    let over = lab.get("PipelineRun", PROJECT, "over").await;
    lab.start_operator();
    pause(3.0).await;
    for (name, before) in [("first", &run_object), ("other", &other), ("over", &over)] {
        let now = lab.get("PipelineRun", PROJECT, name).await;
        assert_eq!(version(&now), version(before), "{name}");
    }
    lab.stop().await;
}

fn run(name: &str, pipeline: &str) -> Value {
    json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"namespace": PROJECT, "name": name},
        "spec": {"pipelineRef": {"name": pipeline}},
    })
}

fn annotation(run: &Value) -> &str {
    text(&run["metadata"]["annotations"][ANNOTATION])
}
