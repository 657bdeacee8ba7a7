//! What the operator may write of the engine's kinds.

use extension_registry_api::RUN_BINDINGS_ANNOTATION;
use serde_json::{Value, json};

use crate::changes::{assert_change_admitted, assert_change_refused, dry_delete};
use crate::policies::{
    Stage, TEKTON, assert_admitted, assert_refused, create_stored, dry_create, section,
};
use crate::{BETA, by_name};

pub(crate) async fn operator_writes_only_workflow_pipelines(stage: &Stage) {
    section("the operator writes only a Pipeline controlled by the Workflow of the same name");
    let good = stage.owned_pipeline("built").await;
    let limited = "a Pipeline controlled by the Workflow of the same name";
    dry_create(&stage.operator, &good).await.unwrap();
    let breaks: [fn(&mut Value); 6] = [
        |pipeline| pipeline["metadata"]["ownerReferences"] = json!([]),
        // The garbage collector does not find owners with a version that is not served.
        |pipeline| {
            pipeline["metadata"]["ownerReferences"][0]["apiVersion"] =
                json!("registry.fuseml.io/v9");
        },
        |pipeline| pipeline["metadata"]["ownerReferences"][0]["name"] = json!("other"),
        |pipeline| pipeline["metadata"]["ownerReferences"][0]["kind"] = json!("Extension"),
        |pipeline| {
            pipeline["metadata"]["ownerReferences"][0]["apiVersion"] =
                json!("argoproj.io/v1alpha1");
        },
        |pipeline| pipeline["metadata"]["ownerReferences"][0]["controller"] = json!(false),
    ];
    let built = create_stored(&stage.operator, &good).await;
    let free = stage.object(TEKTON, "Pipeline", "foreign", json!({"tasks": []}));
    let free = create_stored(&stage.grace, &free).await;
    for change in breaks {
        let mut bad = good.clone();
        bad["metadata"]["name"] = json!("bad");
        bad["metadata"]["ownerReferences"][0]["name"] = json!("bad");
        change(&mut bad);
        assert_refused(&stage.operator, &bad, limited).await;
        assert_change_refused(&stage.operator, &built, "", change, limited).await;
    }
    let rewritten = |pipeline: &mut Value| pipeline["spec"]["tasks"] = json!([{"name": "t"}]);
    assert_change_admitted(&stage.operator, &built, "", rewritten).await;
    assert_change_refused(&stage.operator, &free, "", rewritten, limited).await;
    let adopted = |pipeline: &mut Value| {
        pipeline["metadata"]["ownerReferences"] = built["metadata"]["ownerReferences"].clone();
        pipeline["metadata"]["ownerReferences"][0]["name"] = json!("foreign");
    };
    assert_change_refused(&stage.operator, &free, "", adopted, limited).await;
    for pipeline in [&built, &free] {
        let message = dry_delete(&stage.operator, pipeline, json!({}))
            .await
            .unwrap_err();
        assert!(
            message.contains(
                "may only write Pipelines that belong to workflows, and annotate PipelineRuns"
            ),
            "{message}"
        );
    }
}

pub(crate) async fn operator_only_annotates_runs(stage: &Stage) {
    section("the operator annotates a PipelineRun, and writes no other objects of the engine");
    let mut run = stage.run(by_name("ready"));
    run["metadata"]["name"] = json!("annotated");
    run["metadata"]["annotations"] = json!({"a": "b"});
    let run = create_stored(&stage.grace, &run).await;
    let bound =
        |run: &mut Value| run["metadata"]["annotations"][RUN_BINDINGS_ANNOTATION] = json!("{}");
    assert_change_admitted(&stage.operator, &run, "", bound).await;
    let changes: [fn(&mut Value); 7] = [
        |run| run["metadata"]["annotations"]["other"] = json!("x"),
        |run| run["metadata"]["annotations"]["a"] = json!("x"),
        |run| {
            run["metadata"]["annotations"]
                .as_object_mut()
                .unwrap()
                .remove("a");
        },
        |run| run["metadata"]["labels"] = json!({"app": "x"}),
        |run| run["metadata"]["finalizers"] = json!(["example.org/hold"]),
        |run| {
            run["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "u"}]);
        },
        |run| run["spec"]["status"] = json!("Cancelled"),
    ];
    for change in changes {
        let expected =
            "may only change the annotation registry.fuseml.io/bindings of a PipelineRun";
        assert_change_refused(&stage.operator, &run, "", change, expected).await;
    }
    let nothing_else =
        "may only write Pipelines that belong to workflows, and annotate PipelineRuns";
    let status = |run: &mut Value| run["status"] = json!({"podName": "p"});
    assert_change_refused(&stage.operator, &run, "status", status, "denied request").await;
    let message = dry_delete(&stage.operator, &run, json!({}))
        .await
        .unwrap_err();
    assert!(message.contains(nothing_else), "{message}");
    for (version, kind) in [
        (TEKTON, "PipelineRun"),
        (TEKTON, "TaskRun"),
        (TEKTON, "Task"),
        (BETA, "StepAction"),
        (BETA, "CustomRun"),
    ] {
        let object = stage.object(version, kind, "made", json!({"taskRef": {"name": "t"}}));
        assert_refused(&stage.operator, &object, nothing_else).await;
        assert_admitted(&stage.grace, &object).await;
    }
}
