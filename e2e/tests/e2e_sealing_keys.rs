//! Sealing keys: rotation, loss, and references of earlier versions.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/sealing.rs"]
mod sealing;
mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::time::Duration;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::ByteString;
use sealing::{apply, data, rendered_name, sealed, with_value};
use serde_json::{Value, json};
use support::{RECORDS, TestEnv, condition, eventually, record, section, text, version, workflow};
use webhook::{canary, kubectl};

const PROJECT: &str = "sealing";
const KEYS: [&str; 4] = [
    "secret",
    "extension-registry-sealing-keys",
    "-n",
    "extension-registry",
];

fn options() -> Options {
    Options {
        node: Node::None,
        ..Options::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_keys_can_be_rotated_and_restored() {
    let mut env = TestEnv::with_webhook("sealing-keys", options(), &[], &[]).await;
    env.namespace(PROJECT);
    newest_key_seals_and_older_key_opens(&env).await;
    lost_key_is_reported_until_restored(&mut env).await;
    env.stop().await;
}

/// Returns the id of the key of a sealed value.
fn key_id(record: &Value) -> &str {
    sealed(record).split('.').nth(1).unwrap()
}

async fn newest_key_seals_and_older_key_opens(env: &TestEnv) {
    section("the key whose name sorts last seals without a restart, and the older one still opens");
    let record = ("ClusterExtension", "", "rotated");
    let object = with_value("rotated", &canary("rotated"));
    apply(env, &[], &object).unwrap();
    env.apply(&workflow(PROJECT, "uses", &json!({"product": "rotated"})))
        .await;
    env.wait_until_ready(PROJECT, "uses").await;
    let before = env.get(record.0, record.1, record.2).await;
    let name = rendered_name("rotated");
    let rendered = env.get("Secret", PROJECT, &name).await;

    let new = json!({"data": {"key-9999": ByteString(vec![9; 32])}}).to_string();
    kubectl(
        &env.cluster,
        &[&["patch"], &KEYS[..], &["-p", &new]].concat(),
        "",
    )
    .unwrap();
    let after = eventually(Duration::from_mins(4), "the new key is used", async || {
        apply(env, &[], &object).unwrap();
        let after = env.get(record.0, record.1, record.2).await;
        if key_id(&after) == key_id(&before) {
            support::pause(5.0).await;
            return Err(key_id(&after).to_owned());
        }
        Ok(after)
    })
    .await;
    let observed =
        |object: &Value| object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let settled = env
        .wait_until(record, "is ready", |object| {
            observed(object) && condition(object, "Ready")["status"] == "True"
        })
        .await;
    assert_eq!(settled["spec"], after["spec"]);
    let output = apply(env, &[], &object).unwrap();
    assert!(!output.contains("Warning"), "{output}");
    let again = env.get(record.0, record.1, record.2).await;
    assert_eq!(version(&again), version(&settled));
    let same = env.get("Secret", PROJECT, &name).await;
    assert_eq!(version(&same), version(&rendered), "the value is the same");
    assert!(data(&same, "KEY").starts_with(webhook::CANARY.as_bytes()));
}

async fn lost_key_is_reported_until_restored(env: &mut TestEnv) {
    section("a value without its key is named in the condition, and can be applied again");
    apply(env, &[], &with_value("lost", &canary("lost"))).unwrap();
    let keys = kubectl(
        &env.cluster,
        &[&["get"], &KEYS[..], &["-o", "json"]].concat(),
        "",
    )
    .unwrap();
    let mut keys: Value = serde_json::from_str(&keys).unwrap();
    keys["metadata"]
        .as_object_mut()
        .unwrap()
        .retain(|field, _| field == "name" || field == "namespace");
    kubectl(&env.cluster, &[&["delete"], &KEYS[..]].concat(), "").unwrap();
    env.stop_operator();
    env.start_operator();
    let is_lost = |object: &Value| condition(object, "Ready")["reason"] == "DecryptionFailed";
    let lost = env
        .wait_until(("ClusterExtension", "", "lost"), "is lost", is_lost)
        .await;
    let message = text(&condition(&lost, "Ready")["message"]);
    for part in [
        "failed to decrypt spec.services[store].credentials[main].configuration[KEY].valueFrom.sealed",
        "Secret extension-registry-sealing-keys",
        "hint: apply the record again with `value` instead of `valueFrom`",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    env.wait_until(("Workflow", PROJECT, "uses"), "is refused", is_lost)
        .await;
    // One record is repaired by its value, the others by the restored keys.
    let output = apply(env, &[], &with_value("lost", &canary("lost"))).unwrap();
    assert!(output.contains("sealed 2 values"), "{output}");
    let is_ready = |object: &Value| condition(object, "Ready")["status"] == "True";
    env.wait_until(("ClusterExtension", "", "lost"), "is ready", is_ready)
        .await;
    let restored = json!({"data": keys["data"]}).to_string();
    // The key that was created meanwhile has another name, so it coexists with the restored ones.
    kubectl(
        &env.cluster,
        &[&["patch"], &KEYS[..], &["-p", &restored]].concat(),
        "",
    )
    .unwrap();
    for (kind, namespace, name) in [
        ("ClusterExtension", "", "rotated"),
        ("ClusterExtension", "", "lost"),
        ("Workflow", PROJECT, "uses"),
    ] {
        env.wait_until((kind, namespace, name), "is ready", is_ready)
            .await;
    }
}

/// Returns a sealed Secret of an earlier version.
fn sealed_secret(name: &str, record: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "registry.fuseml.io/sealed", "immutable": true,
        "metadata": {
            "namespace": RECORDS, "name": name, "labels": {"registry.fuseml.io/sealed": "true"},
            "annotations": {"registry.fuseml.io/record-kind": "ClusterExtension", "registry.fuseml.io/record-name": record},
        },
        "stringData": {"KEY": canary("old")},
    })
}

fn with_reference(name: &str, secret: &str) -> Value {
    record(
        name,
        &json!([{"name": "main", "configuration": [
            {"name": "KEY", "valueFrom": {"sealedRef": {"name": secret, "key": "KEY"}}},
        ]}]),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_references_of_earlier_versions_remain_valid() {
    let cluster = Cluster::start(options()).await.unwrap();
    cluster.install().unwrap();
    // Created before the policies, which deny such a Secret to every user.
    cluster
        .apply(&sealed_secret("sealed-old", "old").to_string())
        .unwrap();
    for name in ["old", "thief"] {
        cluster
            .apply(&with_reference(name, "sealed-old").to_string())
            .unwrap();
    }
    let installed = Installed::with_webhook(&cluster, &[]).unwrap();
    let env = TestEnv::new(cluster, installed, "sealing-migration", &[]);
    env.namespace(PROJECT);
    let key = ("ClusterExtension", "", "old");
    let is_ready = |object: &Value| condition(object, "Ready")["status"] == "True";
    env.wait_until(key, "is ready", is_ready).await;
    env.wait_until(
        ("ClusterExtension", "", "thief"),
        "is not served",
        |object| condition(object, "Ready")["reason"] == "SecretMissing",
    )
    .await;
    env.apply(&workflow(PROJECT, "uses", &json!({"product": "old"})))
        .await;
    env.wait_until_ready(PROJECT, "uses").await;
    let name = support::secret_name("old", "main");
    let rendered = env.get("Secret", PROJECT, &name).await;
    assert_eq!(data(&rendered, "KEY"), canary("old").as_bytes());

    section("a stored reference is kept, a new one is refused");
    // The number of consumers is written with a delay after the workflow is ready.
    env.wait_until_settled(&["ClusterExtension"]).await;
    let before = env.get("ClusterExtension", "", "old").await;
    apply(&env, &[], &with_reference("old", "sealed-old")).unwrap();
    let after = env.get("ClusterExtension", "", "old").await;
    assert_eq!(version(&after), version(&before));
    let mut changed = with_reference("old", "sealed-old");
    changed["spec"]["version"] = json!("2.0.0");
    apply(&env, &[], &changed).unwrap();
    let mut moved = changed.clone();
    moved["spec"]["services"][0]["credentials"][0]["configuration"][0]["name"] = json!("OTHER");
    for object in [
        with_reference("new", "sealed-old"),
        moved,
        with_reference("old", "sealed-other"),
    ] {
        let output = apply(&env, &[], &object).unwrap_err();
        for part in [
            "valueFrom.sealedRef: `sealedRef` is deprecated",
            "hint: use `value`",
        ] {
            assert!(output.contains(part), "{part} is not in {output}");
        }
    }

    section("the value, applied again, replaces the reference");
    let key = ("Secret", PROJECT, &*name);
    let is_new = |secret: &Value| data(secret, "version") == b"2.0.0";
    let rendered = env.wait_until(key, "has the new version", is_new).await;
    let value =
        json!([{"name": "main", "configuration": [{"name": "KEY", "value": canary("old")}]}]);
    let mut object = record("old", &value);
    object["spec"]["version"] = json!("2.0.0");
    apply(&env, &[], &object).unwrap();
    let migrated = env.get("ClusterExtension", "", "old").await;
    assert!(sealed(&migrated).starts_with("v1."), "{migrated:#}");
    let secret = ["delete", "secret", "sealed-old", "-n", RECORDS];
    kubectl(&env.cluster, &secret, "").unwrap();
    let key = ("ClusterExtension", "", "old");
    env.wait_until(key, "is ready", |object| {
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
            && is_ready(object)
    })
    .await;
    let same = env.get("Secret", PROJECT, &name).await;
    assert_eq!(version(&same), version(&rendered));
    env.stop().await;
}
