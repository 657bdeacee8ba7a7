//! Objects of other users are left unchanged, and an invalid object does not affect others.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;
#[path = "support/users.rs"]
mod users;

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{
    TestEnv, condition, eventually, message, pause, record, secret_name, section, text, version,
    workflow,
};

const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";

#[tokio::test(flavor = "multi_thread")]
async fn foreign_objects_are_left_unchanged() {
    let env = TestEnv::start("conflicts", &["--unused-grace-seconds", "3"]).await;
    foreign_secrets_are_left_unchanged(&env).await;
    foreign_pipeline_is_left_unchanged(&env).await;
    changed_pipeline_is_restored(&env).await;
    invalid_object_does_not_delay_others(&env).await;
    env.stop().await;
}

fn inline() -> Value {
    json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}])
}

async fn foreign_secrets_are_left_unchanged(env: &TestEnv) {
    section("a foreign Secret from before the policies is left unchanged and named");
    env.namespace("squat");
    let cases = [
        ("squat-opaque", "Opaque", false),
        ("squat-typed", "servicebinding.io/s3", false),
        ("squat-immutable", "servicebinding.io/s3", true),
    ];
    let binding = env.lift_policy("managed-secrets");
    for (name, kind, immutable) in cases {
        let squatted = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "immutable": immutable,
            "metadata": {"namespace": "squat", "name": secret_name(name, "main")},
            "stringData": {"LD_PRELOAD": "mine"},
        });
        let what = "the policy is lifted";
        eventually(Duration::from_mins(1), what, async || {
            env.try_apply(&squatted)
                .await
                .map_err(|error| error.to_string())
        })
        .await;
    }
    env.cluster.apply(&binding).unwrap();
    // Creation timestamps have a resolution of one second.
    pause(1.1).await;
    for (name, ..) in cases {
        let secret = secret_name(name, "main");
        let before = env.get("Secret", "squat", &secret).await;
        env.apply(&record(name, &inline())).await;
        env.apply(&workflow("squat", name, &json!({"product": name})))
            .await;
        let refused = env
            .wait_until_refused("squat", name, "SecretConflict")
            .await;
        let command = format!("kubectl delete secret -n squat {secret}");
        assert!(
            message(&refused).contains(&command),
            "{}",
            message(&refused)
        );
        assert_eq!(condition(&refused, "Resolved")["status"], "True");
        assert!(env.get("Pipeline", "squat", name).await.is_null());
        assert_eq!(env.get("Secret", "squat", &secret).await, before);
    }
    for (name, ..) in cases {
        env.delete("Secret", "squat", &secret_name(name, "main"))
            .await;
    }
    for (name, ..) in cases {
        env.wait_until_ready("squat", name).await;
        let healed = env.get("Secret", "squat", &secret_name(name, "main")).await;
        assert_eq!(healed["type"], "servicebinding.io/s3");
        assert!(healed["data"]["LD_PRELOAD"].is_null() && healed["data"]["KEY"].is_string());
    }
}

async fn foreign_pipeline_is_left_unchanged(env: &TestEnv) {
    section("a user's own Pipeline is left unchanged");
    env.namespace("foreign");
    env.apply(&record("foreign", &inline())).await;
    env.apply(&json!({
        "apiVersion": "tekton.dev/v1", "kind": "Pipeline",
        "metadata": {"namespace": "foreign", "name": "one"},
        "spec": {"tasks": [{"name": "mine"}]},
    }))
    .await;
    let before = env.get("Pipeline", "foreign", "one").await;
    env.apply(&workflow("foreign", "one", &json!({"product": "foreign"})))
        .await;
    env.wait_until_refused("foreign", "one", "PipelineConflict")
        .await;
    assert_eq!(env.get("Pipeline", "foreign", "one").await, before);
    env.delete("Pipeline", "foreign", "one").await;
    env.wait_until_ready("foreign", "one").await;
    let healed = env.get("Pipeline", "foreign", "one").await;
    assert_eq!(healed["metadata"]["ownerReferences"][0]["kind"], "Workflow");
}

async fn changed_pipeline_is_restored(env: &TestEnv) {
    section(
        "users cannot change or delete the Pipeline of a workflow, and the operator restores it",
    );
    env.namespace("repair");
    env.apply(&record("repair", &inline())).await;
    env.apply(&workflow("repair", "one", &json!({"product": "repair"})))
        .await;
    env.wait_until_ready("repair", "one").await;
    let good = env.get("Pipeline", "repair", "one").await;
    let edit = Patch::Merge(json!({"spec": {"tasks": []}}));
    let pipelines = env.api("Pipeline", "repair");
    let message = pipelines.patch("one", &PatchParams::default(), &edit).await;
    let message = message.unwrap_err().to_string();
    assert!(message.contains("hint: change the workflow"), "{message}");
    let message = pipelines.delete("one", &DeleteParams::default()).await;
    let message = message.map(drop).unwrap_err().to_string();
    assert!(message.contains("hint: delete the workflow"), "{message}");
    // The garbage collector may do both.
    let collector = users::impersonate(&env.cluster, COLLECTOR, &["system:masters"]);
    let pipelines = users::objects(&collector, "tekton.dev/v1", "Pipeline", "repair");
    pipelines
        .patch("one", &PatchParams::default(), &edit)
        .await
        .unwrap();
    let key = ("Pipeline", "repair", "one");
    env.wait_until(key, "is as it was", |now| {
        version(now) != version(&good) && now["spec"] == good["spec"]
    })
    .await;
    let parameters = DeleteParams::default();
    pipelines.delete("one", &parameters).await.unwrap();
    env.wait_until(key, "is restored", |now| {
        now["metadata"]["uid"] != good["metadata"]["uid"] && now["spec"] == good["spec"]
    })
    .await;
    env.wait_until_ready("repair", "one").await;
}

async fn invalid_object_does_not_delay_others(env: &TestEnv) {
    section("invalid objects do not delay others");
    env.namespace("broken");
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
    let crds = env.api("CustomResourceDefinition", "");
    let mut originals = Vec::new();
    for (name, change) in &definitions {
        originals.push(env.get("CustomResourceDefinition", "", name).await);
        let change = change.to_string();
        env.cluster
            .kubectl_run(&["patch", "crd", name, "--type", "json", "--patch", &change])
            .unwrap();
    }
    let mut bad_workflow = workflow("broken", "bad", &json!({"product": "broken"}));
    bad_workflow["spec"]["steps"] = json!("canary-in-steps");
    let mut bad_record = record("broken-bad", &inline());
    bad_record["spec"]["version"] = json!(427_001);
    for bad in [&bad_workflow, &bad_record] {
        eventually(
            Duration::from_mins(1),
            "the open definition is in force",
            async || env.try_apply(bad).await.map_err(|error| error.to_string()),
        )
        .await;
    }
    for original in &originals {
        let name = text(&original["metadata"]["name"]);
        let mut now = env.get("CustomResourceDefinition", "", name).await;
        now["spec"] = original["spec"].clone();
        let object = serde_json::from_value(now).unwrap();
        crds.replace(name, &PostParams::default(), &object)
            .await
            .unwrap();
    }
    eventually(
        Duration::from_mins(1),
        "the definition is in force again",
        async || {
            let mut other = bad_workflow.clone();
            other["metadata"]["name"] = json!("other");
            let parameters = PatchParams {
                dry_run: true,
                ..PatchParams::apply("user").force()
            };
            let tried = env
                .api("Workflow", "broken")
                .patch("other", &parameters, &Patch::Apply(&other))
                .await;
            tried.err().map(|_| ()).ok_or_else(|| "accepted".to_owned())
        },
    )
    .await;

    env.apply(&record("broken", &inline())).await;
    env.apply(&workflow("broken", "good", &json!({"product": "broken"})))
        .await;
    env.wait_until_ready("broken", "good").await;
    for (kind, namespace, name) in [
        ("Workflow", "broken", "bad"),
        ("ClusterExtension", "", "broken-bad"),
    ] {
        let refused = env
            .wait_until((kind, namespace, name), "is refused", |object| {
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
    assert!(!env.logs().contains("canary-in-steps"));

    // Objects after the invalid ones are not delayed either.
    env.apply(&workflow("broken", "later", &json!({"product": "broken"})))
        .await;
    env.wait_until_ready("broken", "later").await;
    let parameters = DeleteParams::default();
    env.api("Workflow", "broken")
        .delete("bad", &parameters)
        .await
        .unwrap();
    env.api("ClusterExtension", "")
        .delete("broken-bad", &parameters)
        .await
        .unwrap();
}
