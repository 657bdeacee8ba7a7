//! The run gate of a namespace with a running operator: held and released Pipelines and bindings, writes of an
//! administrator, and restarts.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "e2e_run_gate/bindings.rs"]
mod bindings;
#[path = "support/identity.rs"]
mod identity;
mod support;
#[path = "support/users.rs"]
mod users;

use std::time::Duration;

use identity::{
    ENGINE, PROJECT, TEAM, gate, held, listed, patch_as, pod, run, secret_of, start_users,
    user_workflow,
};
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{TestEnv, eventually, record, section, text, version, workflow};
use users::{client_from_kubeconfig, create, create_dry, impersonate, objects};

const GATE: (&str, &str, &str) = ("RunGate", PROJECT, "extension-registry");

#[tokio::test(flavor = "multi_thread")]
async fn run_gate_follows_its_workflows() {
    let mut env = start_users("run-gate").await;
    let ada = impersonate(&env.cluster, "ada", &[TEAM]);
    env.apply(&record("open", &json!([{"name": "all"}]))).await;
    env.wait_until_observed("ClusterExtension", "", "open")
        .await;
    pipeline_is_held_while_not_ready(&env, &ada).await;
    empty_gate_is_deleted(&env).await;
    orphaned_pipeline_is_held(&env, &ada).await;
    orphaned_pipeline_stays_held_despite_new_workflow(&env, &ada).await;
    foreign_pipeline_cannot_replace_a_workflow(&env, &ada).await;
    administrator_cannot_write_the_gate(&env, &ada).await;
    restart_keeps_the_gate(&mut env, &ada).await;
    stale_entries_are_removed(&mut env).await;
    pipeline_orphaned_during_downtime_is_held(&mut env, &ada).await;
    deleted_projection_is_rendered_again(&env).await;
    bindings::binding_is_held_while_not_ready(&mut env, &ada).await;
    env.stop().await;
}

async fn create_as(client: &Client, object: &Value) {
    create(client, object, &PostParams::default())
        .await
        .unwrap();
}

fn open_workflow(name: &str) -> Value {
    workflow(PROJECT, name, &json!({"product": "open"}))
}

fn selecting(product: &str) -> Value {
    let requirement = json!([{"name": "data", "product": product}]);
    json!({"spec": {"steps": [{"name": "train", "image": "i", "extensions": requirement}]}})
}

async fn assert_starts(client: &Client, pipeline: &str) {
    eventually(
        Duration::from_mins(1),
        &format!("{pipeline} runs"),
        async || create_dry(client, &run(pipeline)).await,
    )
    .await;
}

async fn assert_held(client: &Client, pipeline: &str, reason: &str) {
    eventually(
        Duration::from_mins(1),
        &format!("{pipeline} is on hold"),
        async || match create_dry(client, &run(pipeline)).await {
            Err(message)
                if message
                    .contains(&format!("is on hold: its workflow is not ready ({reason})")) =>
            {
                Ok(())
            }
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn pipeline_is_held_while_not_ready(env: &TestEnv, ada: &Client) {
    section("a Pipeline is held while its workflow is not ready, and released before it is");
    create_as(ada, &open_workflow("train")).await;
    env.wait_until_ready(PROJECT, "train").await;
    assert!(gate(env).await.is_null(), "nothing to hold");
    patch_as(ada, "train", selecting("nothing")).await;
    env.wait_until_refused(PROJECT, "train", "NotFound").await;
    assert_eq!(held(env).await, json!({"train": "NotFound"}));
    assert_held(ada, "train", "NotFound").await;
    // Changed reasons are written too.
    env.apply(&record("twice-1", &json!([{"name": "all"}])))
        .await;
    let mut second = record("twice-2", &json!([{"name": "all"}]));
    second["spec"]["product"] = json!("twice-1");
    env.apply(&second).await;
    patch_as(ada, "train", selecting("twice-1")).await;
    env.wait_until_refused(PROJECT, "train", "Ambiguous").await;
    assert_eq!(held(env).await, json!({"train": "Ambiguous"}));
    // The name is held before the Pipeline exists, so that a Pipeline of another user cannot run in its
    // place.
    create_as(
        ada,
        &workflow(PROJECT, "never", &json!({"product": "nothing"})),
    )
    .await;
    env.wait_until_refused(PROJECT, "never", "NotFound").await;
    let both = json!({"never": "NotFound", "train": "Ambiguous"});
    assert_eq!(held(env).await, both);
    env.delete("Workflow", PROJECT, "never").await;
    env.wait_until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldPipelines"] == json!({"train": "Ambiguous"})
    })
    .await;
}

/// Returns a Pipeline without the operator's label, as another user creates it.
async fn foreign_pipeline_cannot_replace_a_workflow(env: &TestEnv, ada: &Client) {
    section("a Pipeline of another user does not run under the name of a workflow");
    env.apply(&json!({
        "apiVersion": "tekton.dev/v1", "kind": "Pipeline",
        "metadata": {"namespace": PROJECT, "name": "taken"},
        "spec": {"tasks": [{"name": "theirs"}]},
    }))
    .await;
    assert_starts(ada, "taken").await;
    create_as(ada, &open_workflow("taken")).await;
    env.wait_until_refused(PROJECT, "taken", "PipelineConflict")
        .await;
    assert_held(ada, "taken", "PipelineConflict").await;
    env.delete("Workflow", PROJECT, "taken").await;
    assert_starts(ada, "taken").await;
    env.delete("Pipeline", PROJECT, "taken").await;

    section("the same while a finalizer keeps a terminating workflow");
    let mut terminating = open_workflow("kept");
    terminating["metadata"]["finalizers"] = json!(["example.org/wait"]);
    create_as(ada, &terminating).await;
    env.wait_until_ready(PROJECT, "kept").await;
    let delete = ["delete", "fwf", "kept", "-n", PROJECT, "--wait=false"];
    env.cluster.kubectl_run(&delete).unwrap();
    assert_held(ada, "kept", "Terminating").await;
    patch_as(ada, "kept", json!({"metadata": {"finalizers": null}})).await;
    env.wait_until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldPipelines"]["kept"].is_null()
    })
    .await;
}

async fn empty_gate_is_deleted(env: &TestEnv) {
    section("a namespace without held Pipelines and user Secrets has no run gate");
    env.delete("ClusterExtension", "", "twice-2").await;
    env.wait_until_ready(PROJECT, "train").await;
    assert!(gate(env).await.is_null());
    let ada = impersonate(&env.cluster, "ada", &[TEAM]);
    assert_starts(&ada, "train").await;
}

fn orphan(env: &TestEnv, name: &str) {
    let delete = ["delete", "fwf", name, "-n", PROJECT, "--cascade=orphan"];
    env.cluster.kubectl_run(&delete).unwrap();
}

async fn orphaned_pipeline_is_held(env: &TestEnv, ada: &Client) {
    section("a workflow that is deleted with its Pipeline leaves no entry");
    create_as(ada, &open_workflow("whole")).await;
    env.wait_until_ready(PROJECT, "whole").await;
    env.delete("Workflow", PROJECT, "whole").await;
    // The garbage collector discovers new kinds every 30 seconds.
    eventually(
        Duration::from_mins(2),
        "the Pipeline is gone",
        async || match env.get("Pipeline", PROJECT, "whole").await {
            Value::Null => Ok(()),
            pipeline => Err(pipeline.to_string()),
        },
    )
    .await;
    env.wait_until_settled(&["RunGate"]).await;
    assert!(gate(env).await.is_null());

    section("the Pipeline of an orphaned workflow does not run");
    create_as(ada, &user_workflow("left")).await;
    let secret = secret_of(&env.wait_until_ready(PROJECT, "left").await);
    assert_starts(ada, "left").await;
    orphan(env, "left");
    env.wait_until(GATE, "holds it", |gate| {
        gate["spec"]["heldPipelines"]["left"] == "Orphaned"
    })
    .await;
    let pipeline = env.get("Pipeline", PROJECT, "left").await;
    assert!(
        pipeline["metadata"]["ownerReferences"].is_null(),
        "{pipeline}"
    );
    assert_held(ada, "left", "Orphaned").await;
    assert_eq!(
        listed(env).await[&secret]["user"],
        "ada",
        "for runs that go on"
    );
}

async fn orphaned_pipeline_stays_held_despite_new_workflow(env: &TestEnv, ada: &Client) {
    section("another workflow of the same name does not release it");
    create_as(ada, &open_workflow("left")).await;
    env.wait_until_refused(PROJECT, "left", "PipelineConflict")
        .await;
    assert_eq!(held(env).await, json!({"left": "PipelineConflict"}));
    assert_held(ada, "left", "PipelineConflict").await;
    env.delete("Workflow", PROJECT, "left").await;
    env.wait_until(GATE, "holds it as orphaned", |gate| {
        gate["spec"]["heldPipelines"]["left"] == "Orphaned"
    })
    .await;

    section("a deleted Pipeline is no longer held");
    env.delete("Pipeline", PROJECT, "left").await;
    env.wait_until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldPipelines"]["left"].is_null()
    })
    .await;
    assert_starts(ada, "left").await;
}

async fn administrator_cannot_write_the_gate(env: &TestEnv, ada: &Client) {
    section("an administrator cannot change or delete a run gate");
    create_as(ada, &user_workflow("hers")).await;
    let secret = secret_of(&env.wait_until_ready(PROJECT, "hers").await);
    let before = gate(env).await;
    let gates = env.api("RunGate", PROJECT);
    let stolen = json!({"spec": {"userSecrets": {&secret: {"user": "grace"}}}});
    let changed = gates
        .patch(
            "extension-registry",
            &PatchParams::default(),
            &Patch::Merge(&stolen),
        )
        .await;
    let deleted = gates
        .delete("extension-registry", &DeleteParams::default())
        .await;
    for message in [changed.map(drop), deleted.map(drop)] {
        let message = message.unwrap_err().to_string();
        assert!(
            message.contains("rungates: can only be written by the registry operator"),
            "{message}"
        );
    }
    assert_eq!(gate(env).await, before);

    section("without the policy, the operator restores the run gate");
    let binding = env.lift_policy("operator-kinds");
    eventually(Duration::from_mins(1), "the policy is lifted", async || {
        let changed = gates
            .patch(
                "extension-registry",
                &PatchParams::default(),
                &Patch::Merge(&stolen),
            )
            .await;
        changed.map(drop).map_err(|error| error.to_string())
    })
    .await;
    env.wait_until(GATE, "is as it was", |gate| gate["spec"] == before["spec"])
        .await;
    let uid = gate(env).await["metadata"]["uid"].clone();
    env.delete("RunGate", PROJECT, "extension-registry").await;
    env.wait_until(GATE, "is restored", |gate| {
        gate["spec"] == before["spec"] && gate["metadata"]["uid"] != uid
    })
    .await;
    env.cluster.apply(&binding).unwrap();
    let engine = impersonate(&env.cluster, ENGINE, &["system:masters"]);
    eventually(
        Duration::from_mins(1),
        "only ada gets the Secret",
        async || {
            create_dry(&engine, &pod(&secret, "ada", "")).await?;
            match create_dry(&engine, &pod(&secret, "grace", "")).await {
                Err(_) => Ok(()),
                Ok(()) => Err("grace gets it".to_owned()),
            }
        },
    )
    .await;
}

async fn restart_keeps_the_gate(env: &mut TestEnv, ada: &Client) {
    section("a restart writes nothing to it");
    patch_as(ada, "train", selecting("nothing")).await;
    env.wait_until_refused(PROJECT, "train", "NotFound").await;
    env.wait_until_settled(&["RunGate", "Workflow", "ExtensionProjection"])
        .await;
    let before = gate(env).await;
    env.stop_operator();
    env.start_operator();
    env.apply(&record("after", &json!([{"name": "all"}]))).await;
    env.wait_until_observed("ClusterExtension", "", "after")
        .await;
    create_as(
        ada,
        &workflow(PROJECT, "after", &json!({"product": "after"})),
    )
    .await;
    env.wait_until_ready(PROJECT, "after").await;
    env.wait_until_settled(&["RunGate", "Workflow", "ExtensionProjection"])
        .await;
    assert_eq!(version(&gate(env).await), version(&before));
    let writes = env
        .operator()
        .metric("extension_registry_writes_total", &["kind=\"RunGate\""])
        .unwrap();
    assert!(writes < 1.0, "{writes}");
    assert_held(ada, "train", "NotFound").await;
}

async fn stale_entries_are_removed(env: &mut TestEnv) {
    section("a restart removes entries of deleted Secrets and Pipelines");
    env.stop_operator();
    let before = gate(env).await["spec"].clone();
    let operator = client_from_kubeconfig(env.installed.kubeconfig()).await;
    let stale = json!({"spec": {
        "userSecrets": {"ext-u-gone-0123456789abcdef": {"user": "grace"}},
        "heldPipelines": {"gone": "NotFound"},
    }});
    objects(&operator, "registry.fuseml.io/v1alpha1", "RunGate", PROJECT)
        .patch(
            "extension-registry",
            &PatchParams::default(),
            &Patch::Merge(&stale),
        )
        .await
        .unwrap();
    assert_eq!(held(env).await["gone"], "NotFound");
    env.start_operator();
    env.wait_until(GATE, "is as it was", |gate| gate["spec"] == before)
        .await;
}

async fn pipeline_orphaned_during_downtime_is_held(env: &mut TestEnv, ada: &Client) {
    section("a Pipeline that was orphaned while the operator was stopped is held when it starts");
    create_as(ada, &open_workflow("late")).await;
    env.wait_until_ready(PROJECT, "late").await;
    env.stop_operator();
    orphan(env, "late");
    let orphaned = ("Pipeline", PROJECT, "late");
    env.wait_until(orphaned, "is orphaned", |pipeline| {
        pipeline["metadata"]["ownerReferences"].is_null()
    })
    .await;
    env.start_operator();
    env.wait_until(GATE, "holds it", |gate| {
        gate["spec"]["heldPipelines"]["late"] == "Orphaned"
    })
    .await;
    assert_held(ada, "late", "Orphaned").await;
}

async fn deleted_projection_is_rendered_again(env: &TestEnv) {
    section("a projection that an administrator deletes is rendered and listed again");
    let secret = secret_of(&env.get("Workflow", PROJECT, "hers").await);
    let before = env.get("ExtensionProjection", PROJECT, &secret).await;
    env.delete("ExtensionProjection", PROJECT, &secret).await;
    let key = ("ExtensionProjection", PROJECT, secret.as_str());
    env.wait_until(key, "is restored", |now| {
        now.is_object() && now["metadata"]["uid"] != before["metadata"]["uid"]
    })
    .await;
    let uid = env.get("ExtensionProjection", PROJECT, &secret).await["metadata"]["uid"].clone();
    let rendered = ("Secret", PROJECT, secret.as_str());
    env.wait_until(rendered, "is the new projection's", |now| {
        now["metadata"]["ownerReferences"][0]["uid"] == uid
    })
    .await;
    env.wait_until(GATE, "lists it", |gate| {
        gate["spec"]["userSecrets"][&secret]["user"] == "ada"
    })
    .await;
    let ada_workflow = env.wait_until_ready(PROJECT, "hers").await;
    assert_eq!(
        text(&ada_workflow["status"]["bindings"][0]["secret"]),
        secret
    );
}
