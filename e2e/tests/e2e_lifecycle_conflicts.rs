//! What others made stays theirs, and one broken object is nobody else's problem.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{
    Lab, condition, eventually, message, pause, record, secret_name, section, text, version,
    workflow,
};

const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_stays_theirs() {
    let lab = Lab::start("conflicts", &["--unused-grace-seconds", "3"]).await;
    squatted_secrets_stay_untouched(&lab).await;
    foreign_pipeline_stays_untouched(&lab).await;
    own_pipeline_is_repaired(&lab).await;
    one_broken_object_delays_no_other(&lab).await;
    lab.stop().await;
}

fn inline() -> Value {
    json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}])
}

async fn squatted_secrets_stay_untouched(lab: &Lab) {
    section("a Secret that was there before the policies stays untouched and is named");
    lab.namespace("squat");
    let cases = [
        ("squat-opaque", "Opaque", false),
        ("squat-typed", "servicebinding.io/s3", false),
        ("squat-immutable", "servicebinding.io/s3", true),
    ];
    let binding = lab.lift_policy("managed-secrets");
    for (name, kind, immutable) in cases {
        let squatted = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "immutable": immutable,
            "metadata": {"namespace": "squat", "name": secret_name(name, "main")},
            "stringData": {"LD_PRELOAD": "mine"},
        });
        let what = "the policy is lifted";
        eventually(Duration::from_secs(20), what, async || {
            lab.try_apply(&squatted)
                .await
                .map_err(|error| error.to_string())
        })
        .await;
    }
    lab.cluster.apply(&binding).unwrap();
    // Times of creation have whole seconds.
    pause(1.1).await;
    for (name, ..) in cases {
        let secret = secret_name(name, "main");
        let before = lab.get("Secret", "squat", &secret).await;
        lab.apply(&record(name, &inline())).await;
        lab.apply(&workflow("squat", name, &json!({"product": name})))
            .await;
        let refused = lab.refused("squat", name, "SecretConflict").await;
        let command = format!("kubectl delete secret -n squat {secret}");
        assert!(
            message(&refused).contains(&command),
            "{}",
            message(&refused)
        );
        assert_eq!(condition(&refused, "Resolved")["status"], "True");
        assert!(lab.get("Pipeline", "squat", name).await.is_null());
        assert_eq!(lab.get("Secret", "squat", &secret).await, before);
    }
    for (name, ..) in cases {
        lab.delete("Secret", "squat", &secret_name(name, "main"))
            .await;
    }
    for (name, ..) in cases {
        lab.ready("squat", name).await;
        let healed = lab.get("Secret", "squat", &secret_name(name, "main")).await;
        assert_eq!(healed["type"], "servicebinding.io/s3");
        assert!(healed["data"]["LD_PRELOAD"].is_null() && healed["data"]["KEY"].is_string());
    }
}

async fn foreign_pipeline_stays_untouched(lab: &Lab) {
    section("a user's own pipeline stays untouched");
    lab.namespace("foreign");
    lab.apply(&record("foreign", &inline())).await;
    lab.apply(&json!({
        "apiVersion": "tekton.dev/v1", "kind": "Pipeline",
        "metadata": {"namespace": "foreign", "name": "one"},
        "spec": {"tasks": [{"name": "mine"}]},
    }))
    .await;
    let before = lab.get("Pipeline", "foreign", "one").await;
    lab.apply(&workflow("foreign", "one", &json!({"product": "foreign"})))
        .await;
    lab.refused("foreign", "one", "PipelineConflict").await;
    assert_eq!(lab.get("Pipeline", "foreign", "one").await, before);
    lab.delete("Pipeline", "foreign", "one").await;
    lab.ready("foreign", "one").await;
    let healed = lab.get("Pipeline", "foreign", "one").await;
    assert_eq!(healed["metadata"]["ownerReferences"][0]["kind"], "Workflow");
}

async fn own_pipeline_is_repaired(lab: &Lab) {
    section("the pipeline of a workflow is not edited or deleted, and is repaired where it was");
    lab.namespace("repair");
    lab.apply(&record("repair", &inline())).await;
    lab.apply(&workflow("repair", "one", &json!({"product": "repair"})))
        .await;
    lab.ready("repair", "one").await;
    let good = lab.get("Pipeline", "repair", "one").await;
    let edit = Patch::Merge(json!({"spec": {"tasks": []}}));
    let pipelines = lab.api("Pipeline", "repair");
    let said = pipelines.patch("one", &PatchParams::default(), &edit).await;
    let said = said.unwrap_err().to_string();
    assert!(said.contains("hint: change the workflow"), "{said}");
    let said = pipelines.delete("one", &DeleteParams::default()).await;
    let said = said.map(drop).unwrap_err().to_string();
    assert!(said.contains("hint: delete the workflow"), "{said}");
    // The collectors of garbage may do both.
    let collector = people::person(&lab.cluster, COLLECTOR, &["system:masters"]);
    let pipelines = people::objects(&collector, "tekton.dev/v1", "Pipeline", "repair");
    pipelines
        .patch("one", &PatchParams::default(), &edit)
        .await
        .unwrap();
    let key = ("Pipeline", "repair", "one");
    lab.until(key, "is as it was", |now| {
        version(now) != version(&good) && now["spec"] == good["spec"]
    })
    .await;
    let parameters = DeleteParams::default();
    pipelines.delete("one", &parameters).await.unwrap();
    lab.until(key, "is there again", |now| {
        now["metadata"]["uid"] != good["metadata"]["uid"] && now["spec"] == good["spec"]
    })
    .await;
    lab.ready("repair", "one").await;
}

async fn one_broken_object_delays_no_other(lab: &Lab) {
    section("one broken object delays no other");
    lab.namespace("broken");
    let any = json!({"x-kubernetes-preserve-unknown-fields": true});
    let at = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let open_workflow = json!([
        {"op": "replace", "path": format!("{at}/properties/steps"), "value": any},
        {"op": "remove", "path": format!("{at}/x-kubernetes-validations")},
    ]);
    let open_record =
        json!([{"op": "replace", "path": format!("{at}/properties/version"), "value": any}]);
    let definitions = [
        ("workflows.registry.fuseml.io", open_workflow),
        ("clusterextensions.registry.fuseml.io", open_record),
    ];
    let crds = lab.api("CustomResourceDefinition", "");
    let mut originals = Vec::new();
    for (name, change) in &definitions {
        originals.push(lab.get("CustomResourceDefinition", "", name).await);
        let change = change.to_string();
        lab.cluster
            .kubectl_run(&["patch", "crd", name, "--type", "json", "--patch", &change])
            .unwrap();
    }
    let mut bad_workflow = workflow("broken", "bad", &json!({"product": "broken"}));
    bad_workflow["spec"]["steps"] = json!("canary-in-steps");
    let mut bad_record = record("broken-bad", &inline());
    bad_record["spec"]["version"] = json!(427_001);
    for bad in [&bad_workflow, &bad_record] {
        eventually(
            Duration::from_secs(20),
            "the open definition is in force",
            async || lab.try_apply(bad).await.map_err(|error| error.to_string()),
        )
        .await;
    }
    for original in &originals {
        let name = text(&original["metadata"]["name"]);
        let mut now = lab.get("CustomResourceDefinition", "", name).await;
        now["spec"] = original["spec"].clone();
        let object = serde_json::from_value(now).unwrap();
        crds.replace(name, &PostParams::default(), &object)
            .await
            .unwrap();
    }
    eventually(
        Duration::from_secs(20),
        "the definition is in force again",
        async || {
            let mut other = bad_workflow.clone();
            other["metadata"]["name"] = json!("other");
            let parameters = PatchParams {
                dry_run: true,
                ..PatchParams::apply("user").force()
            };
            let tried = lab
                .api("Workflow", "broken")
                .patch("other", &parameters, &Patch::Apply(&other))
                .await;
            tried.err().map(|_| ()).ok_or_else(|| "accepted".to_owned())
        },
    )
    .await;

    lab.apply(&record("broken", &inline())).await;
    lab.apply(&workflow("broken", "good", &json!({"product": "broken"})))
        .await;
    lab.ready("broken", "good").await;
    for (kind, namespace, name) in [
        ("Workflow", "broken", "bad"),
        ("ClusterExtension", "", "broken-bad"),
    ] {
        let refused = lab
            .until((kind, namespace, name), "is refused", |object| {
                condition(object, "Ready")["status"] == "False"
            })
            .await;
        let message = message(&refused);
        assert!(!message.is_empty());
        assert!(
            !message.contains("canary") && !message.contains("427001"),
            "{message}"
        );
    }
    assert!(!lab.logs().contains("canary-in-steps"));

    // What comes after the broken objects is not held up either.
    lab.apply(&workflow("broken", "later", &json!({"product": "broken"})))
        .await;
    lab.ready("broken", "later").await;
    let parameters = DeleteParams::default();
    lab.api("Workflow", "broken")
        .delete("bad", &parameters)
        .await
        .unwrap();
    lab.api("ClusterExtension", "")
        .delete("broken-bad", &parameters)
        .await
        .unwrap();
}
