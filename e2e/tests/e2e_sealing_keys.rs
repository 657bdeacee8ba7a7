//! Keys of sealed values: their rotation and their loss; and what an earlier version sealed.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
#[path = "support/sealing.rs"]
mod sealing;
mod support;

use std::time::Duration;

use door::{canary, kubectl};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::ByteString;
use sealing::{apply, data, rendered_name, sealed, with_value};
use serde_json::{Value, json};
use support::{Lab, RECORDS, condition, eventually, record, section, text, version, workflow};

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
async fn sealed_values_follow_their_keys() {
    let mut lab = Lab::with_webhook("sealing-keys", options(), &[], &[]).await;
    lab.namespace(PROJECT);
    keys_are_rotated(&lab).await;
    keys_are_lost(&mut lab).await;
    lab.stop().await;
}

/// Id of the key of a sealed value.
fn key_id(record: &Value) -> &str {
    sealed(record).split('.').nth(1).unwrap()
}

async fn keys_are_rotated(lab: &Lab) {
    section("a key with a greater name seals, without a restart, and the older one still opens");
    let record = ("ClusterExtension", "", "rotated");
    let object = with_value("rotated", &canary("rotated"));
    apply(lab, &[], &object).unwrap();
    lab.apply(&workflow(PROJECT, "uses", &json!({"product": "rotated"})))
        .await;
    lab.ready(PROJECT, "uses").await;
    let before = lab.get(record.0, record.1, record.2).await;
    let name = rendered_name("rotated");
    let rendered = lab.get("Secret", PROJECT, &name).await;

    let new = json!({"data": {"key-9999": ByteString(vec![9; 32])}}).to_string();
    kubectl(
        &lab.cluster,
        &[&["patch"], &KEYS[..], &["-p", &new]].concat(),
        "",
    )
    .unwrap();
    let after = eventually(Duration::from_secs(90), "the new key is used", async || {
        apply(lab, &[], &object).unwrap();
        let after = lab.get(record.0, record.1, record.2).await;
        if key_id(&after) == key_id(&before) {
            support::pause(5.0).await;
            return Err(key_id(&after).to_owned());
        }
        Ok(after)
    })
    .await;
    let observed =
        |object: &Value| object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let settled = lab
        .until(record, "is ready", |object| {
            observed(object) && condition(object, "Ready")["status"] == "True"
        })
        .await;
    assert_eq!(settled["spec"], after["spec"]);
    let said = apply(lab, &[], &object).unwrap();
    assert!(!said.contains("Warning"), "{said}");
    let again = lab.get(record.0, record.1, record.2).await;
    assert_eq!(version(&again), version(&settled));
    let same = lab.get("Secret", PROJECT, &name).await;
    assert_eq!(version(&same), version(&rendered), "the value is the same");
    assert!(data(&same, "KEY").starts_with(door::CANARY.as_bytes()));
}

async fn keys_are_lost(lab: &mut Lab) {
    section("without its key a value is named in the condition, and can be applied again");
    apply(lab, &[], &with_value("lost", &canary("lost"))).unwrap();
    let keys = kubectl(
        &lab.cluster,
        &[&["get"], &KEYS[..], &["-o", "json"]].concat(),
        "",
    )
    .unwrap();
    let mut keys: Value = serde_json::from_str(&keys).unwrap();
    keys["metadata"]
        .as_object_mut()
        .unwrap()
        .retain(|field, _| field == "name" || field == "namespace");
    kubectl(&lab.cluster, &[&["delete"], &KEYS[..]].concat(), "").unwrap();
    lab.stop_operator();
    lab.start_operator();
    let is_lost = |object: &Value| condition(object, "Ready")["reason"] == "DecryptionFailed";
    let lost = lab
        .until(("ClusterExtension", "", "lost"), "is lost", is_lost)
        .await;
    let message = text(&condition(&lost, "Ready")["message"]);
    for part in [
        "failed to decrypt spec.services[store].credentials[main].configuration[KEY].valueFrom.sealed",
        "Secret extension-registry-sealing-keys",
        "hint: apply the record again with `value` instead of `valueFrom`",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    lab.until(("Workflow", PROJECT, "uses"), "is refused", is_lost)
        .await;
    // One is healed by its value, the others by the keys.
    let said = apply(lab, &[], &with_value("lost", &canary("lost"))).unwrap();
    assert!(said.contains("sealed 2 values"), "{said}");
    let is_ready = |object: &Value| condition(object, "Ready")["status"] == "True";
    lab.until(("ClusterExtension", "", "lost"), "is ready", is_ready)
        .await;
    let restored = json!({"data": keys["data"]}).to_string();
    // The key that was created meanwhile has another name, so it stays beside the restored ones.
    kubectl(
        &lab.cluster,
        &[&["patch"], &KEYS[..], &["-p", &restored]].concat(),
        "",
    )
    .unwrap();
    for (kind, namespace, name) in [
        ("ClusterExtension", "", "rotated"),
        ("ClusterExtension", "", "lost"),
        ("Workflow", PROJECT, "uses"),
    ] {
        lab.until((kind, namespace, name), "is ready", is_ready)
            .await;
    }
}

/// As an earlier version made it.
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
async fn references_to_sealed_secrets_of_earlier_versions_stay_valid() {
    let cluster = Cluster::start(options()).await.unwrap();
    cluster.install().unwrap();
    // Before the policies, which deny such a Secret to every user.
    cluster
        .apply(&sealed_secret("sealed-old", "old").to_string())
        .unwrap();
    for name in ["old", "thief"] {
        cluster
            .apply(&with_reference(name, "sealed-old").to_string())
            .unwrap();
    }
    let installed = Installed::with_webhook(&cluster, &[]).unwrap();
    let lab = Lab::begin(cluster, installed, "sealing-migration", &[]);
    lab.namespace(PROJECT);
    let key = ("ClusterExtension", "", "old");
    let is_ready = |object: &Value| condition(object, "Ready")["status"] == "True";
    lab.until(key, "is ready", is_ready).await;
    lab.until(
        ("ClusterExtension", "", "thief"),
        "is not served",
        |object| condition(object, "Ready")["reason"] == "SecretMissing",
    )
    .await;
    lab.apply(&workflow(PROJECT, "uses", &json!({"product": "old"})))
        .await;
    lab.ready(PROJECT, "uses").await;
    let name = support::secret_name("old", "main");
    let rendered = lab.get("Secret", PROJECT, &name).await;
    assert_eq!(data(&rendered, "KEY"), canary("old").as_bytes());

    section("a stored reference stays, a new one is refused");
    // The number of consumers is written a moment after the workflow is ready.
    lab.settled(&["ClusterExtension"]).await;
    let before = lab.get("ClusterExtension", "", "old").await;
    apply(&lab, &[], &with_reference("old", "sealed-old")).unwrap();
    let after = lab.get("ClusterExtension", "", "old").await;
    assert_eq!(version(&after), version(&before));
    let mut changed = with_reference("old", "sealed-old");
    changed["spec"]["version"] = json!("2.0.0");
    apply(&lab, &[], &changed).unwrap();
    let mut moved = changed.clone();
    moved["spec"]["services"][0]["credentials"][0]["configuration"][0]["name"] = json!("OTHER");
    for object in [
        with_reference("new", "sealed-old"),
        moved,
        with_reference("old", "sealed-other"),
    ] {
        let said = apply(&lab, &[], &object).unwrap_err();
        for part in [
            "valueFrom.sealedRef: `sealedRef` is deprecated",
            "hint: use `value`",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }

    section("the value, applied again, replaces the reference");
    let key = ("Secret", PROJECT, &*name);
    let is_new = |secret: &Value| data(secret, "version") == b"2.0.0";
    let rendered = lab.until(key, "has the new version", is_new).await;
    let value =
        json!([{"name": "main", "configuration": [{"name": "KEY", "value": canary("old")}]}]);
    let mut object = record("old", &value);
    object["spec"]["version"] = json!("2.0.0");
    apply(&lab, &[], &object).unwrap();
    let migrated = lab.get("ClusterExtension", "", "old").await;
    assert!(sealed(&migrated).starts_with("v1."), "{migrated:#}");
    let secret = ["delete", "secret", "sealed-old", "-n", RECORDS];
    kubectl(&lab.cluster, &secret, "").unwrap();
    let key = ("ClusterExtension", "", "old");
    lab.until(key, "is ready", |object| {
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
            && is_ready(object)
    })
    .await;
    let same = lab.get("Secret", PROJECT, &name).await;
    assert_eq!(version(&same), version(&rendered));
    lab.stop().await;
}
