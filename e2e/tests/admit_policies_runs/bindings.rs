//! Runs that request bindings in an annotation: they start once none of them is on hold.

use extension_registry_api::BIND_ANNOTATION;
use kube::Client;
use serde_json::{Value, json};

use crate::changes::{assert_change_admitted, assert_change_refused};
use crate::policies::{
    Stage, annotate, assert_admitted, assert_refused, create_stored, dry_run, section,
};
use crate::users::objects;

const HELD: &str = "ExtensionBinding `storage` is on hold: it is not ready (NotFound); hint: run `kubectl describe extb storage -n run-policies` for the cause, and start the run once the binding is ready";

fn requesting(run: &Value, names: &str) -> Value {
    let mut run = run.clone();
    annotate(&mut run, &json!({BIND_ANNOTATION: names}));
    run
}

pub(crate) async fn without_run_gate_no_binding_is_held(stage: &Stage) {
    section("a namespace without a RunGate holds no binding");
    for run in stage.runs() {
        assert_admitted(&stage.grace, &requesting(&run, "storage")).await;
    }
}

pub(crate) async fn runs_of_held_bindings_do_not_start(stage: &Stage) {
    section("a RunGate that holds only Pipelines holds no binding");
    stage
        .gate(json!({"heldPipelines": {"storage": "NotFound"}}))
        .await;
    for run in stage.runs() {
        assert_admitted(&stage.grace, &requesting(&run, "storage")).await;
    }
    hold(stage).await;
    held_binding_is_refused(stage).await;
    others_start(stage).await;
    refusal_lets_the_engine_retry(stage).await;
    pending_run_is_not_released(stage).await;
}

async fn hold(stage: &Stage) {
    let held = json!({"storage": "NotFound", "tracker": "SecretMissing"});
    stage.gate(json!({"heldBindings": held})).await;
}

async fn held_binding_is_refused(stage: &Stage) {
    section("a run that requests a held binding does not start");
    for run in stage.runs() {
        for names in [
            "storage",
            " storage ",
            "other,storage",
            ",storage, other,",
            "storage,storage",
        ] {
            let run = requesting(&run, names);
            for client in [&stage.grace, &stage.admin, &stage.engine] {
                assert_refused(client, &run, HELD).await;
            }
        }
        let mut generated = requesting(&run, "storage");
        generated["metadata"]["generateName"] = json!("run-");
        generated["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("name");
        assert_refused(&stage.grace, &generated, HELD).await;
        // The reason is that of the binding.
        let other =
            "ExtensionBinding `tracker` is on hold: it is not ready (SecretMissing); hint: ";
        assert_refused(
            &stage.grace,
            &requesting(&run, "other,tracker,storage"),
            other,
        )
        .await;
    }
}

async fn others_start(stage: &Stage) {
    section("runs without a held binding start, also if the binding does not exist");
    let many = "x,".repeat(120_000);
    for run in stage.runs() {
        for names in [
            "absent", "storage2", "stor,age", "Storage", "", " , ", &many,
        ] {
            assert_admitted(&stage.grace, &requesting(&run, names)).await;
        }
        let mut other = run.clone();
        annotate(
            &mut other,
            &json!({"registry.fuseml.io/bind-containers": "storage", "bind": "storage"}),
        );
        assert_admitted(&stage.grace, &other).await;
        assert_admitted(&stage.grace, &run).await;
    }
}

/// Returns the status code of the refusal.
async fn code(client: &Client, run: &Value) -> u16 {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let namespace = text(&run["metadata"]["namespace"]);
    let api = objects(
        client,
        &text(&run["apiVersion"]),
        &text(&run["kind"]),
        &namespace,
    );
    let run = serde_json::from_value(run.clone()).unwrap();
    match api.create(&dry_run(), &run).await.unwrap_err() {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

async fn refusal_lets_the_engine_retry(stage: &Stage) {
    section(
        "the refusal is not final: Tekton fails a PipelineRun whose TaskRun is invalid, and retries one that is forbidden",
    );
    for run in stage.runs() {
        assert_eq!(code(&stage.engine, &requesting(&run, "storage")).await, 403);
    }
}

async fn pending_run_is_not_released(stage: &Stage) {
    section("a pending run that requests a binding which is now held stays pending or ends");
    stage.gate(json!({})).await;
    let named = |name: &str, spec: Value| {
        let mut run = requesting(&stage.run(spec), "storage");
        run["metadata"]["name"] = json!(name);
        run
    };
    let pending = json!({"pipelineSpec": {"tasks": []}, "status": "PipelineRunPending"});
    let pending = named("binding-pending", pending);
    assert_admitted(&stage.grace, &pending).await;
    let pending = create_stored(&stage.grace, &pending).await;
    let started = named("binding-started", json!({"pipelineSpec": {"tasks": []}}));
    let started = create_stored(&stage.grace, &started).await;
    let mut plain = started.clone();
    plain["metadata"] = json!({"namespace": stage.project, "name": "binding-later"});
    let plain = create_stored(&stage.grace, &plain).await;
    hold(stage).await;
    assert_refused(
        &stage.grace,
        &requesting(&stage.run(pending["spec"].clone()), "storage"),
        HELD,
    )
    .await;
    let into = |status: &'static str| move |run: &mut Value| run["spec"]["status"] = json!(status);
    // The latter two run the finally tasks.
    for status in ["", "StoppedRunFinally", "CancelledRunFinally"] {
        for client in [&stage.grace, &stage.admin, &stage.engine] {
            assert_change_refused(client, &pending, "", into(status), HELD).await;
        }
    }
    let released = |run: &mut Value| {
        run["spec"].as_object_mut().unwrap().remove("status");
    };
    assert_change_refused(&stage.grace, &pending, "", released, HELD).await;
    assert_change_admitted(&stage.grace, &pending, "", into("Cancelled")).await;
    let label = |run: &mut Value| run["metadata"]["labels"] = json!({"seen": "yes"});
    assert_change_admitted(&stage.grace, &pending, "", label).await;

    section("a started run continues, and its annotation can be changed");
    for status in ["Cancelled", "StoppedRunFinally", "CancelledRunFinally"] {
        assert_change_admitted(&stage.grace, &started, "", into(status)).await;
    }
    assert_change_admitted(&stage.engine, &started, "", label).await;
    let annotated = |run: &mut Value| {
        run["metadata"]["annotations"][BIND_ANNOTATION] = json!("tracker,storage");
    };
    for run in [&started, &plain] {
        assert_change_admitted(&stage.grace, run, "", annotated).await;
    }
}
