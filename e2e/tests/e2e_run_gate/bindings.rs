//! Bindings on hold: runs that request them.

use std::time::Duration;

use extension_registry_api::BIND_ANNOTATION;
use kube::Client;
use serde_json::{Value, json};

use crate::GATE;
use crate::identity::{PROJECT, gate};
use crate::support::{TestEnv, binding, eventually, from_secret, record, section, version};
use crate::users::create_dry;

/// Returns runs that request a binding.
fn runs(name: &str) -> [Value; 2] {
    [
        ("PipelineRun", json!({"pipelineSpec": {"tasks": []}})),
        ("TaskRun", json!({"taskSpec": {"steps": []}})),
    ]
    .map(|(kind, spec)| {
        json!({
            "apiVersion": "tekton.dev/v1", "kind": kind,
            "metadata": {
                "namespace": PROJECT, "name": "bound",
                "annotations": {BIND_ANNOTATION: format!("{name}, other")},
            },
            "spec": spec,
        })
    })
}

async fn assert_starts(client: &Client, name: &str) {
    for run in runs(name) {
        let what = format!("a run with {name} starts");
        eventually(Duration::from_mins(1), &what, async || {
            create_dry(client, &run).await
        })
        .await;
    }
}

async fn assert_held(client: &Client, name: &str, reason: &str) {
    for run in runs(name) {
        let what = format!("a run with {name} is on hold");
        let expected =
            format!("ExtensionBinding `{name}` is on hold: it is not ready ({reason}); hint: ");
        eventually(Duration::from_mins(1), &what, async || {
            match create_dry(client, &run).await {
                Err(message) if message.contains(&expected) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}

async fn held(env: &TestEnv) -> Value {
    gate(env).await["spec"]["heldBindings"].clone()
}

pub(crate) async fn binding_is_held_while_not_ready(env: &mut TestEnv, ada: &Client) {
    section("a run starts if its binding does not exist: the run gate does not know it");
    assert_starts(ada, "keys").await;

    section("a binding is held while it is not ready, with the reason, and released before it is");
    let keys = binding(PROJECT, "keys", &json!({"product": "keys"}));
    env.apply(&keys).await;
    env.wait_until_unbound(PROJECT, "keys", "NotFound").await;
    assert_eq!(held(env).await, json!({"keys": "NotFound"}));
    assert_held(ada, "keys", "NotFound").await;
    assert_starts(ada, "others").await;
    env.apply(&record("keys", &from_secret("keys"))).await;
    env.wait_until_unbound(PROJECT, "keys", "SecretMissing")
        .await;
    assert_eq!(held(env).await, json!({"keys": "SecretMissing"}));
    assert_held(ada, "keys", "SecretMissing").await;
    env.source(crate::support::RECORDS, "keys", "value").await;
    env.wait_until_bound(PROJECT, "keys").await;
    assert!(held(env).await.is_null());
    assert_starts(ada, "keys").await;

    section("it is held when it loses access, and a restart keeps that");
    let mut revoked = record("keys", &from_secret("keys"));
    revoked["spec"]["access"] = json!({"projects": ["other"]});
    env.apply(&revoked).await;
    env.wait_until_unbound(PROJECT, "keys", "NotFound").await;
    assert_held(ada, "keys", "NotFound").await;
    env.wait_until_settled(&["RunGate", "ExtensionBinding"])
        .await;
    let before = gate(env).await;
    env.stop_operator();
    assert_held(ada, "keys", "NotFound").await;
    env.start_operator();
    env.wait_until_settled(&["RunGate", "ExtensionBinding"])
        .await;
    assert_eq!(version(&gate(env).await), version(&before));

    section(
        "a deleted binding is no longer held, also if it was deleted while the operator was stopped",
    );
    env.delete("ExtensionBinding", PROJECT, "keys").await;
    env.wait_until(GATE, "no longer holds it", |gate| {
        gate["spec"]["heldBindings"].is_null()
    })
    .await;
    assert_starts(ada, "keys").await;
    env.apply(&keys).await;
    env.wait_until_unbound(PROJECT, "keys", "NotFound").await;
    env.stop_operator();
    env.delete("ExtensionBinding", PROJECT, "keys").await;
    assert_held(ada, "keys", "NotFound").await;
    env.start_operator();
    assert_starts(ada, "keys").await;
}
