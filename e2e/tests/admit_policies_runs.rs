//! The policies on runs and Pipelines: a held Pipeline does not start, nor does a run that requests a held binding, a run is
//! immutable, and only the operator writes the Pipeline of a workflow. No operator runs.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "admit_policies_runs/bindings.rs"]
mod bindings;
#[path = "support/changes.rs"]
mod changes;
#[path = "admit_policies_runs/operator.rs"]
mod operator;
#[path = "support/policies.rs"]
mod policies;
#[path = "support/users.rs"]
mod users;

use changes::{assert_change_admitted, assert_change_refused, dry_delete};
use kube::api::{Patch, PatchParams};
use policies::{
    Stage, TEKTON, assert_admitted, assert_refused, create_stored, dry_create, section,
};
use serde_json::{Value, json};
use users::objects;

const PROJECT: &str = "run-policies";
const BETA: &str = "tekton.dev/v1beta1";
const HELD: &str = "Pipeline `held` is on hold: its workflow is not ready (NotFound)";

#[tokio::test(flavor = "multi_thread")]
async fn held_pipelines_do_not_start_and_runs_are_immutable() {
    let stage = Stage::start(PROJECT).await;
    without_run_gate_everything_starts(&stage).await;
    bindings::without_run_gate_no_binding_is_held(&stage).await;
    stage
        .gate(json!({"heldPipelines": {"held": "NotFound", "left": "Orphaned"}}))
        .await;
    held_pipeline_does_not_start(&stage).await;
    pending_run_of_held_pipeline_is_not_released(&stage).await;
    run_is_immutable(&stage).await;
    only_the_engine_writes_the_status_of_a_run(&stage).await;
    only_the_operator_writes_workflow_pipelines(&stage).await;
    operator::operator_writes_only_workflow_pipelines(&stage).await;
    operator::operator_only_annotates_runs(&stage).await;
    bindings::runs_of_held_bindings_do_not_start(&stage).await;
    stage.stop().await;
}

fn by_name(name: &str) -> Value {
    json!({"pipelineRef": {"name": name}})
}

fn cluster(params: &[(&str, &str)]) -> Value {
    let params: Vec<Value> = params
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({"pipelineRef": {"resolver": "cluster", "params": params}})
}

async fn without_run_gate_everything_starts(stage: &Stage) {
    section("a namespace without a RunGate holds no Pipeline");
    let specs = [
        by_name("held"),
        by_name("he$(params.x)"),
        cluster(&[("kind", "pipeline"), ("name", "$(params.x)")]),
    ];
    for spec in specs {
        assert_admitted(&stage.grace, &stage.run(spec)).await;
    }
}

async fn held_pipeline_does_not_start(stage: &Stage) {
    section("a held Pipeline does not start, for every form of reference");
    let kind = ("kind", "pipeline");
    let refusals = [
        by_name("held"),
        json!({"pipelineRef": {"name": "held"}, "status": "PipelineRunPending"}),
        json!({"pipelineRef": {"name": "held", "apiVersion": "tekton.dev/v1"}}),
        cluster(&[kind, ("name", "held")]),
        cluster(&[kind, ("name", "held"), ("namespace", PROJECT)]),
        cluster(&[kind, ("name", "held"), ("namespace", "")]),
        cluster(&[kind, ("name", "other"), ("name", "held")]),
        cluster(&[kind, ("name", "held"), ("name", "other")]),
        // The resolver uses the last of several parameters with the same name.
        cluster(&[
            kind,
            ("name", "held"),
            ("namespace", "elsewhere"),
            ("namespace", PROJECT),
        ]),
        cluster(&[
            kind,
            ("name", "held"),
            ("namespace", "elsewhere"),
            ("namespace", ""),
        ]),
        cluster(&[kind, ("name", "held"), ("namespace", "$(params.n)")]),
        cluster(&[
            kind,
            ("name", "held"),
            ("namespace", "$(context.pipelineRun.namespace)"),
        ]),
    ];
    for spec in refusals {
        for version in [TEKTON, BETA] {
            let run = stage.object(version, "PipelineRun", "run", spec.clone());
            for client in [&stage.grace, &stage.admin, &stage.engine] {
                assert_refused(client, &run, HELD).await;
            }
            let mut generated = run.clone();
            generated["metadata"] = json!({"namespace": PROJECT, "generateName": "held-"});
            assert_refused(&stage.grace, &generated, HELD).await;
            let other = run.to_string().replace("\"held\"", "\"ready\"");
            assert_admitted(&stage.grace, &serde_json::from_str(&other).unwrap()).await;
        }
    }
    let message = dry_create(&stage.grace, &stage.run(by_name("left")))
        .await
        .unwrap_err();
    for part in [
        "`left` is on hold",
        "(Orphaned)",
        "kubectl describe fwf left -n run-policies",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }

    section("while a Pipeline is held, names of Pipelines cannot contain parameters");
    let templated = [
        by_name("he$(params.x)"),
        by_name("$(context.pipelineRun.name)"),
        by_name("$(params['x'])"),
        cluster(&[kind, ("name", "$(params.x)")]),
        cluster(&[
            kind,
            ("name", "he$(params.x)"),
            ("namespace", "$(params.n)"),
        ]),
    ];
    for spec in templated {
        assert_refused(
            &stage.grace,
            &stage.run(spec),
            "the Pipeline name must not contain parameters",
        )
        .await;
    }
    for value in [json!(["held"]), json!({"name": "held"})] {
        let mut spec = cluster(&[kind, ("name", "held")]);
        spec["pipelineRef"]["params"][1]["value"] = value;
        assert_refused(&stage.grace, &stage.run(spec), "denied request").await;
    }

    section("runs without a held Pipeline start");
    let others = [
        by_name("ready"),
        by_name("held2"),
        by_name("Held"),
        cluster(&[kind, ("name", "held"), ("namespace", "elsewhere")]),
        cluster(&[kind, ("name", "$(params.x)"), ("namespace", "elsewhere")]),
        json!({"pipelineRef": {"resolver": "git", "params": [{"name": "name", "value": "held"}]}}),
        json!({"pipelineSpec": {"tasks": [{"name": "t", "taskRef": {"name": "held"}}]}}),
    ];
    for spec in others {
        assert_admitted(&stage.grace, &stage.run(spec)).await;
    }
    let task = stage.object(
        TEKTON,
        "TaskRun",
        "run",
        json!({"taskRef": {"name": "held"}}),
    );
    assert_admitted(&stage.grace, &task).await;
}

async fn pending_run_of_held_pipeline_is_not_released(stage: &Stage) {
    section("a pending run of a Pipeline that is now held stays pending or ends");
    stage.gate(json!({"heldPipelines": {}})).await;
    let pending = json!({"pipelineRef": {"name": "held"}, "status": "PipelineRunPending"});
    let mut run = stage.run(pending);
    run["metadata"]["name"] = json!("pending");
    assert_admitted(&stage.grace, &run).await;
    let pending = create_stored(&stage.grace, &run).await;
    run["metadata"]["name"] = json!("started");
    run["spec"].as_object_mut().unwrap().remove("status");
    let started = create_stored(&stage.grace, &run).await;
    stage
        .gate(json!({"heldPipelines": {"held": "NotFound"}}))
        .await;
    let into = |status: &'static str| move |run: &mut Value| run["spec"]["status"] = json!(status);
    // Both run the finally tasks.
    for status in ["", "StoppedRunFinally", "CancelledRunFinally"] {
        for client in [&stage.grace, &stage.admin] {
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
    // A started run continues, and can be cancelled.
    for status in ["Cancelled", "StoppedRunFinally", "CancelledRunFinally"] {
        assert_change_admitted(&stage.grace, &started, "", into(status)).await;
    }
    let turned = |run: &mut Value| run["spec"]["pipelineRef"]["name"] = json!("held");
    let mut other = stage.run(by_name("ready"));
    other["metadata"]["name"] = json!("other");
    let other = create_stored(&stage.grace, &other).await;
    assert_change_refused(&stage.engine, &other, "", turned, HELD).await;
}

async fn run_is_immutable(stage: &Stage) {
    section("only the engine changes a run, except to cancel or release it");
    let pipeline = json!({"pipelineRef": {"name": "ready"}, "status": "PipelineRunPending",
        "params": [{"name": "p", "value": "v"}], "timeouts": {"pipeline": "1h"}});
    let task =
        json!({"taskRef": {"name": "t"}, "params": [{"name": "p", "value": "v"}], "timeout": "1h"});
    let changes: [fn(&mut Value); 7] = [
        |run| run["spec"]["params"][0]["value"] = json!("other"),
        |run| run["spec"]["params"] = json!([]),
        |run| run["spec"]["taskRunSpecs"] = json!([{"pipelineTaskName": "t", "podTemplate": {}}]),
        |run| run["spec"]["podTemplate"] = json!({"hostAliases": []}),
        |run| run["spec"]["taskSpec"] = json!({"steps": []}),
        |run| run["spec"]["workspaces"] = json!([{"name": "w", "emptyDir": {}}]),
        |run| {
            run["spec"].as_object_mut().unwrap().remove("params");
        },
    ];
    for (number, (kind, spec)) in [("PipelineRun", &pipeline), ("TaskRun", &task)]
        .into_iter()
        .enumerate()
    {
        for version in [TEKTON, BETA] {
            let name = format!("run-{number}-{}", version.rsplit('/').next().unwrap());
            let run = create_stored(
                &stage.ada,
                &stage.object(version, kind, &name, spec.clone()),
            )
            .await;
            for change in changes {
                for client in [&stage.ada, &stage.grace, &stage.admin] {
                    assert_change_refused(
                        client,
                        &run,
                        "",
                        change,
                        "a run cannot be changed, only cancelled",
                    )
                    .await;
                }
                assert_change_admitted(&stage.engine, &run, "", change).await;
            }
            for status in ["Cancelled", "TaskRunCancelled"] {
                let cancelled = |run: &mut Value| {
                    run["spec"]["status"] = json!(status);
                    run["spec"]["statusMessage"] = json!("enough");
                };
                assert_change_admitted(&stage.grace, &run, "", cancelled).await;
            }
            let both = |run: &mut Value| {
                run["spec"]["status"] = json!("Cancelled");
                run["spec"]["params"] = json!([]);
            };
            assert_change_refused(
                &stage.grace,
                &run,
                "",
                both,
                "a run cannot be changed, only cancelled",
            )
            .await;
            let label = |run: &mut Value| run["metadata"]["labels"] = json!({"seen": "yes"});
            assert_change_admitted(&stage.grace, &run, "", label).await;
            dry_delete(&stage.grace, &run, json!({})).await.unwrap();
        }
    }
}

async fn only_the_engine_writes_the_status_of_a_run(stage: &Stage) {
    section("only the engine writes the status of a run");
    for (kind, spec) in [
        ("PipelineRun", json!({"pipelineRef": {"name": "ready"}})),
        ("TaskRun", json!({"taskRef": {"name": "t"}})),
    ] {
        let name = format!("status-{}", kind.to_lowercase());
        let run = create_stored(&stage.ada, &stage.object(TEKTON, kind, &name, spec)).await;
        // The engine continues from the stored spec, and does not read the Pipeline or Task again.
        let changes: [fn(&mut Value); 4] = [
            |run| run["status"] = json!({"pipelineSpec": {"tasks": [{"name": "mine"}]}}),
            |run| run["status"] = json!({"taskSpec": {"steps": []}}),
            |run| run["status"] = json!({"podName": "mine"}),
            |run| run["status"] = json!({"completionTime": "2026-01-01T00:00:00Z"}),
        ];
        for change in changes {
            for client in [&stage.ada, &stage.grace, &stage.admin, &stage.collector] {
                assert_change_refused(
                    client,
                    &run,
                    "status",
                    change,
                    "only the pipeline engine can write the status",
                )
                .await;
            }
            assert_change_admitted(&stage.engine, &run, "status", change).await;
            // An update of the object itself does not change the status.
            let label = |run: &mut Value| {
                change(run);
                run["metadata"]["labels"] = json!({"seen": "yes"});
            };
            for now in assert_change_admitted(&stage.grace, &run, "", label).await {
                assert!(now["status"].is_null(), "{now}");
            }
        }
    }
}

async fn only_the_operator_writes_workflow_pipelines(stage: &Stage) {
    section("only the operator creates, changes or deletes the Pipeline of a workflow");
    let owned = stage.owned_pipeline("train").await;
    let others = [&stage.grace, &stage.ada, &stage.admin, &stage.engine];
    let written = "only the registry operator can create or change the Pipeline of a workflow";
    for client in others {
        assert_refused(client, &owned, written).await;
        let mut second = owned.clone();
        second["metadata"]["ownerReferences"][0]["controller"] = json!(false);
        assert_refused(client, &second, written).await;
    }
    let owned = create_stored(&stage.token, &owned).await;
    let changes: [fn(&mut Value); 6] = [
        |pipeline| pipeline["spec"]["tasks"] = json!([{"name": "mine"}]),
        |pipeline| pipeline["metadata"]["labels"] = json!({"app": "x"}),
        |pipeline| pipeline["metadata"]["annotations"] = json!({"a": "b"}),
        // A run that cannot be deleted would continue.
        |pipeline| pipeline["metadata"]["finalizers"] = json!(["example.org/hold"]),
        |pipeline| pipeline["metadata"]["ownerReferences"] = json!([]),
        |pipeline| pipeline["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = json!(true),
    ];
    for change in changes {
        for client in others {
            assert_change_refused(client, &owned, "", change, written).await;
        }
    }
    for client in others {
        for policy in ["Background", "Foreground", "Orphan"] {
            let message = dry_delete(client, &owned, json!({"propagationPolicy": policy}))
                .await
                .unwrap_err();
            assert!(
                message.contains("this Pipeline is owned by a workflow"),
                "{message}"
            );
        }
    }

    section("the garbage collector deletes it and its owners");
    assert_change_admitted(&stage.collector, &owned, "", changes[4]).await;
    dry_delete(&stage.collector, &owned, json!({}))
        .await
        .unwrap();

    section("a Pipeline without a workflow is not restricted");
    let mut free = stage.object(TEKTON, "Pipeline", "free", json!({"tasks": []}));
    free["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "Workflow", "name": "x", "uid": "u"}]);
    let free = create_stored(&stage.grace, &free).await;
    assert_change_admitted(&stage.grace, &free, "", changes[0]).await;
    dry_delete(&stage.grace, &free, json!({})).await.unwrap();
    let claimed = |pipeline: &mut Value| {
        pipeline["metadata"]["ownerReferences"] = owned["metadata"]["ownerReferences"].clone();
    };
    assert_change_refused(&stage.grace, &free, "", claimed, written).await;

    section("an orphaned Pipeline keeps its label and content, and can be deleted");
    let label = json!({"registry.fuseml.io/managed-by": "extension-registry"});
    let labelled = |pipeline: &mut Value| pipeline["metadata"]["labels"] = label.clone();
    assert_change_refused(&stage.grace, &free, "", labelled, written).await;
    let mut left = stage.owned_pipeline("left-behind").await;
    labelled(&mut left);
    assert_refused(&stage.grace, &left, written).await;
    let left = create_stored(&stage.token, &left).await;
    // As Tekton validates a Pipeline that a resolver returned.
    let mut resolved = stage.object(TEKTON, "Pipeline", "resolved", json!({"tasks": []}));
    labelled(&mut resolved);
    dry_create(&stage.engine, &resolved).await.unwrap();
    let pipelines = objects(&stage.collector, TEKTON, "Pipeline", stage.project);
    let orphan = Patch::Merge(json!({"metadata": {"ownerReferences": null}}));
    let parameters = PatchParams::default();
    let orphaned = pipelines.patch("left-behind", &parameters, &orphan).await;
    assert!(orphaned.unwrap().metadata.owner_references.is_none());
    let left = serde_json::to_value(pipelines.get("left-behind").await.unwrap()).unwrap_or(left);
    let bare: fn(&mut Value) = |pipeline| pipeline["metadata"]["labels"] = json!({});
    for change in [changes[0], bare] {
        assert_change_refused(&stage.grace, &left, "", change, written).await;
    }
    dry_delete(&stage.grace, &left, json!({})).await.unwrap();
}
