//! The run gate of a namespace with a running operator: what is held back and released, what an
//! administrator does to it, and what a restart keeps.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use identity::{
    ENGINE, PROJECT, TEAM, gate, held, listed, patch_as, pod, run, secret_of, start_users,
    user_workflow,
};
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use people::{create, create_dry, objects, of_kubeconfig, person};
use serde_json::{Value, json};
use support::{Lab, eventually, record, section, text, version, workflow};

const GATE: (&str, &str, &str) = ("RunGate", PROJECT, "extension-registry");

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gate_follows_its_workflows() {
    let mut lab = start_users("run-gate").await;
    let ada = person(&lab.cluster, "ada", &[TEAM]);
    lab.apply(&record("open", &json!([{"name": "all"}]))).await;
    held_while_not_ready(&lab, &ada).await;
    an_empty_gate_is_deleted(&lab).await;
    an_orphaned_pipeline_is_held(&lab, &ada).await;
    an_orphaned_pipeline_stays_held_beside_a_new_workflow(&lab, &ada).await;
    a_foreign_pipeline_does_not_run_in_place_of_a_workflow(&lab, &ada).await;
    an_administrator_does_not_write_it(&lab, &ada).await;
    a_restart_keeps_it(&mut lab, &ada).await;
    stale_entries_are_dropped(&mut lab).await;
    what_was_orphaned_meanwhile_is_held(&mut lab, &ada).await;
    a_deleted_projection_is_rendered_again(&lab).await;
    lab.stop().await;
}

async fn applied(client: &Client, object: &Value) {
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

async fn runs(client: &Client, pipeline: &str) {
    eventually(
        Duration::from_secs(10),
        &format!("{pipeline} runs"),
        async || create_dry(client, &run(pipeline)).await,
    )
    .await;
}

async fn does_not_run(client: &Client, pipeline: &str, reason: &str) {
    eventually(
        Duration::from_secs(10),
        &format!("{pipeline} is on hold"),
        async || match create_dry(client, &run(pipeline)).await {
            Err(said)
                if said.contains(&format!("is on hold: its workflow is not ready ({reason})")) =>
            {
                Ok(())
            }
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn held_while_not_ready(lab: &Lab, ada: &Client) {
    section("a Pipeline is held while its workflow is not ready, and released before it is");
    applied(ada, &open_workflow("train")).await;
    lab.ready(PROJECT, "train").await;
    assert!(gate(lab).await.is_null(), "nothing to hold");
    patch_as(ada, "train", selecting("nothing")).await;
    lab.refused(PROJECT, "train", "NotFound").await;
    assert_eq!(held(lab).await, json!({"train": "NotFound"}));
    does_not_run(ada, "train", "NotFound").await;
    // A changed reason is written too.
    lab.apply(&record("twice-1", &json!([{"name": "all"}])))
        .await;
    let mut second = record("twice-2", &json!([{"name": "all"}]));
    second["spec"]["product"] = json!("twice-1");
    lab.apply(&second).await;
    patch_as(ada, "train", selecting("twice-1")).await;
    lab.refused(PROJECT, "train", "Ambiguous").await;
    assert_eq!(held(lab).await, json!({"train": "Ambiguous"}));
    // Its name is held before there is a Pipeline: nobody else's may run in its place.
    applied(
        ada,
        &workflow(PROJECT, "never", &json!({"product": "nothing"})),
    )
    .await;
    lab.refused(PROJECT, "never", "NotFound").await;
    let both = json!({"never": "NotFound", "train": "Ambiguous"});
    assert_eq!(held(lab).await, both);
    lab.delete("Workflow", PROJECT, "never").await;
    lab.until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldPipelines"] == json!({"train": "Ambiguous"})
    })
    .await;
}

/// Without the operator's label, as another user creates it.
async fn a_foreign_pipeline_does_not_run_in_place_of_a_workflow(lab: &Lab, ada: &Client) {
    section("a Pipeline of another user does not run under the name of a workflow");
    lab.apply(&json!({
        "apiVersion": "tekton.dev/v1", "kind": "Pipeline",
        "metadata": {"namespace": PROJECT, "name": "taken"},
        "spec": {"tasks": [{"name": "theirs"}]},
    }))
    .await;
    runs(ada, "taken").await;
    applied(ada, &open_workflow("taken")).await;
    lab.refused(PROJECT, "taken", "PipelineConflict").await;
    does_not_run(ada, "taken", "PipelineConflict").await;
    lab.delete("Workflow", PROJECT, "taken").await;
    runs(ada, "taken").await;
    lab.delete("Pipeline", PROJECT, "taken").await;

    section("nor while a finalizer keeps a workflow that is being deleted");
    let mut kept = open_workflow("kept");
    kept["metadata"]["finalizers"] = json!(["example.org/wait"]);
    applied(ada, &kept).await;
    lab.ready(PROJECT, "kept").await;
    let delete = ["delete", "fwf", "kept", "-n", PROJECT, "--wait=false"];
    lab.cluster.kubectl_run(&delete).unwrap();
    does_not_run(ada, "kept", "Terminating").await;
    patch_as(ada, "kept", json!({"metadata": {"finalizers": null}})).await;
    lab.until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldPipelines"]["kept"].is_null()
    })
    .await;
}

async fn an_empty_gate_is_deleted(lab: &Lab) {
    section("a namespace with nothing to hold has no run gate");
    lab.delete("ClusterExtension", "", "twice-2").await;
    lab.ready(PROJECT, "train").await;
    assert!(gate(lab).await.is_null());
    let ada = person(&lab.cluster, "ada", &[TEAM]);
    runs(&ada, "train").await;
}

fn orphan(lab: &Lab, name: &str) {
    let delete = ["delete", "fwf", name, "-n", PROJECT, "--cascade=orphan"];
    lab.cluster.kubectl_run(&delete).unwrap();
}

async fn an_orphaned_pipeline_is_held(lab: &Lab, ada: &Client) {
    section("a workflow that is deleted with its Pipeline leaves nothing behind");
    applied(ada, &open_workflow("whole")).await;
    lab.ready(PROJECT, "whole").await;
    lab.delete("Workflow", PROJECT, "whole").await;
    // The collector of garbage learns of new kinds each half minute.
    eventually(
        Duration::from_mins(2),
        "the Pipeline is gone",
        async || match lab.get("Pipeline", PROJECT, "whole").await {
            Value::Null => Ok(()),
            pipeline => Err(pipeline.to_string()),
        },
    )
    .await;
    lab.settled(&["RunGate"]).await;
    assert!(gate(lab).await.is_null());

    section("the Pipeline of an orphaned workflow does not run");
    applied(ada, &user_workflow("left")).await;
    let secret = secret_of(&lab.ready(PROJECT, "left").await);
    runs(ada, "left").await;
    orphan(lab, "left");
    lab.until(GATE, "holds it", |gate| {
        gate["spec"]["heldPipelines"]["left"] == "Orphaned"
    })
    .await;
    let pipeline = lab.get("Pipeline", PROJECT, "left").await;
    assert!(
        pipeline["metadata"]["ownerReferences"].is_null(),
        "{pipeline}"
    );
    does_not_run(ada, "left", "Orphaned").await;
    assert_eq!(
        listed(lab).await[&secret]["user"],
        "ada",
        "for runs that go on"
    );
}

async fn an_orphaned_pipeline_stays_held_beside_a_new_workflow(lab: &Lab, ada: &Client) {
    section("another workflow of the same name does not release it");
    applied(ada, &open_workflow("left")).await;
    lab.refused(PROJECT, "left", "PipelineConflict").await;
    assert_eq!(held(lab).await, json!({"left": "PipelineConflict"}));
    does_not_run(ada, "left", "PipelineConflict").await;
    lab.delete("Workflow", PROJECT, "left").await;
    lab.until(GATE, "holds it as orphaned", |gate| {
        gate["spec"]["heldPipelines"]["left"] == "Orphaned"
    })
    .await;

    section("a deleted Pipeline is no longer held");
    lab.delete("Pipeline", PROJECT, "left").await;
    lab.until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldPipelines"]["left"].is_null()
    })
    .await;
    runs(ada, "left").await;
}

async fn an_administrator_does_not_write_it(lab: &Lab, ada: &Client) {
    section("an administrator neither changes nor deletes a run gate");
    applied(ada, &user_workflow("hers")).await;
    let secret = secret_of(&lab.ready(PROJECT, "hers").await);
    let before = gate(lab).await;
    let gates = lab.api("RunGate", PROJECT);
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
    for said in [changed.map(drop), deleted.map(drop)] {
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("rungates: can only be written by the registry operator"),
            "{said}"
        );
    }
    assert_eq!(gate(lab).await, before);

    section("where the policy is lifted, the operator restores it");
    let binding = lab.lift_policy("operator-kinds");
    eventually(
        Duration::from_secs(20),
        "the policy is lifted",
        async || {
            let changed = gates
                .patch(
                    "extension-registry",
                    &PatchParams::default(),
                    &Patch::Merge(&stolen),
                )
                .await;
            changed.map(drop).map_err(|error| error.to_string())
        },
    )
    .await;
    lab.until(GATE, "is as it was", |gate| gate["spec"] == before["spec"])
        .await;
    let uid = gate(lab).await["metadata"]["uid"].clone();
    lab.delete("RunGate", PROJECT, "extension-registry").await;
    lab.until(GATE, "is there again", |gate| {
        gate["spec"] == before["spec"] && gate["metadata"]["uid"] != uid
    })
    .await;
    lab.cluster.apply(&binding).unwrap();
    let engine = person(&lab.cluster, ENGINE, &["system:masters"]);
    eventually(
        Duration::from_secs(10),
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

async fn a_restart_keeps_it(lab: &mut Lab, ada: &Client) {
    section("a restart writes nothing to it");
    patch_as(ada, "train", selecting("nothing")).await;
    lab.refused(PROJECT, "train", "NotFound").await;
    lab.settled(&["RunGate", "Workflow", "ExtensionProjection"])
        .await;
    let before = gate(lab).await;
    lab.stop_operator();
    lab.start_operator();
    lab.apply(&record("after", &json!([{"name": "all"}]))).await;
    applied(
        ada,
        &workflow(PROJECT, "after", &json!({"product": "after"})),
    )
    .await;
    lab.ready(PROJECT, "after").await;
    lab.settled(&["RunGate", "Workflow", "ExtensionProjection"])
        .await;
    assert_eq!(version(&gate(lab).await), version(&before));
    let writes = lab
        .operator()
        .metric("extension_registry_writes_total", &["kind=\"RunGate\""])
        .unwrap();
    assert!(writes < 1.0, "{writes}");
    does_not_run(ada, "train", "NotFound").await;
}

async fn stale_entries_are_dropped(lab: &mut Lab) {
    section("a restart drops entries of Secrets and Pipelines that are gone");
    lab.stop_operator();
    let before = gate(lab).await["spec"].clone();
    let operator = of_kubeconfig(lab.installed.kubeconfig()).await;
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
    assert_eq!(held(lab).await["gone"], "NotFound");
    lab.start_operator();
    lab.until(GATE, "is as it was", |gate| gate["spec"] == before)
        .await;
}

async fn what_was_orphaned_meanwhile_is_held(lab: &mut Lab, ada: &Client) {
    section("a Pipeline that was orphaned while the operator was stopped is held when it starts");
    applied(ada, &open_workflow("late")).await;
    lab.ready(PROJECT, "late").await;
    lab.stop_operator();
    orphan(lab, "late");
    let orphaned = ("Pipeline", PROJECT, "late");
    lab.until(orphaned, "is orphaned", |pipeline| {
        pipeline["metadata"]["ownerReferences"].is_null()
    })
    .await;
    lab.start_operator();
    lab.until(GATE, "holds it", |gate| {
        gate["spec"]["heldPipelines"]["late"] == "Orphaned"
    })
    .await;
    does_not_run(ada, "late", "Orphaned").await;
}

async fn a_deleted_projection_is_rendered_again(lab: &Lab) {
    section("a projection that an administrator deletes is rendered and listed again");
    let secret = secret_of(&lab.get("Workflow", PROJECT, "hers").await);
    let before = lab.get("ExtensionProjection", PROJECT, &secret).await;
    lab.delete("ExtensionProjection", PROJECT, &secret).await;
    let key = ("ExtensionProjection", PROJECT, secret.as_str());
    lab.until(key, "is there again", |now| {
        now.is_object() && now["metadata"]["uid"] != before["metadata"]["uid"]
    })
    .await;
    let uid = lab.get("ExtensionProjection", PROJECT, &secret).await["metadata"]["uid"].clone();
    let rendered = ("Secret", PROJECT, secret.as_str());
    lab.until(rendered, "is the new projection's", |now| {
        now["metadata"]["ownerReferences"][0]["uid"] == uid
    })
    .await;
    lab.until(GATE, "lists it", |gate| {
        gate["spec"]["userSecrets"][&secret]["user"] == "ada"
    })
    .await;
    let hers = lab.ready(PROJECT, "hers").await;
    assert_eq!(text(&hers["status"]["bindings"][0]["secret"]), secret);
}
