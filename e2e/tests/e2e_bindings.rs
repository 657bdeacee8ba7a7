//! Bindings: what their Secrets contain, which service they keep, and when they lose it.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{
    RECORDS, TIMEOUT, TestEnv, binding, condition, eventually, from_secret, message, own, record,
    section, text, version,
};

#[tokio::test(flavor = "multi_thread")]
async fn binding_keeps_its_service_while_it_has_access() {
    let env = TestEnv::start("bindings", &[]).await;
    order_of_creation_does_not_matter(&env).await;
    secrets_contain_files_and_safe_variables(&env).await;
    values_rotate_in_place(&env).await;
    service_is_kept_until_the_user_moves_it(&env).await;
    follow_moves_at_once(&env).await;
    revoked_binding_loses_its_secrets(&env).await;
    record_may_change_its_resource(&env).await;
    deleted_binding_loses_its_secrets(&env).await;
    foreign_secret_is_not_overwritten(&env).await;
    env.stop().await;
}

fn keys(secret: &Value) -> BTreeSet<&str> {
    let data = secret["data"].as_object();
    data.into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

fn value(secret: &Value, key: &str) -> String {
    let bytes = STANDARD.decode(text(&secret["data"][key])).unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn order_of_creation_does_not_matter(env: &TestEnv) {
    section("order of creation does not matter");
    env.namespace("order");
    env.apply(&binding("order", "first", &json!({"product": "order"})))
        .await;
    let refused = env.wait_until_unbound("order", "first", "NotFound").await;
    assert_eq!(condition(&refused, "Resolved")["status"], "False");
    assert!(condition(&refused, "Stalled").is_null(), "{refused:#}");
    assert!(
        message(&refused).contains("not available to a binding"),
        "{refused:#}"
    );
    env.apply(&record("order", &from_secret("order"))).await;
    let refused = env
        .wait_until_unbound("order", "first", "SecretMissing")
        .await;
    assert_eq!(condition(&refused, "Resolved")["status"], "True");
    assert!(env.get("Secret", "order", "ext-first").await.is_null());
    env.source(RECORDS, "order", "late").await;
    let bound = env.wait_until_bound("order", "first").await;
    assert_eq!(bound["status"]["binding"], json!({"name": "ext-first"}));
    let choice = &bound["status"]["choice"];
    assert_eq!(
        (&choice["kind"], &choice["record"]),
        (&json!("ClusterExtension"), &json!("order"))
    );
    assert_eq!(condition(&bound, "Superseded")["status"], "False");
    let record = env
        .wait_until(
            ("ClusterExtension", "", "order"),
            "has a consumer",
            |record| record["status"]["consumers"] == 1,
        )
        .await;
    let projection = env.get("ExtensionProjection", "order", "ext-first").await;
    let owner = &projection["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"], record["metadata"]["uid"]);
    assert_eq!(projection["spec"]["binding"], "first");
}

async fn secrets_contain_files_and_safe_variables(env: &TestEnv) {
    section("one Secret contains files, the other one only variables that are safe for envFrom");
    env.namespace("content");
    let credentials = json!([{"name": "main", "configuration": [
        {"name": "AWS_ACCESS_KEY_ID", "value": "id"},
        {"name": "LD_PRELOAD", "value": "/tmp/x.so"},
        {"name": "root-user", "value": "root"},
    ]}]);
    env.apply(&record("content", &credentials)).await;
    env.apply(&binding("content", "plain", &json!({"product": "content"})))
        .await;
    let bound = env.wait_until_bound("content", "plain").await;
    let files = env.get("Secret", "content", "ext-plain").await;
    let variables = env.get("Secret", "content", "ext-plain.env").await;
    assert_eq!(files["type"], "servicebinding.io/s3");
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "LD_PRELOAD",
        "extension.yaml",
        "provider",
        "root-user",
        "type",
        "version",
    ];
    assert_eq!(keys(&files), expected.into());
    assert_eq!(keys(&variables), ["AWS_ACCESS_KEY_ID"].into());
    assert_eq!(value(&variables, "AWS_ACCESS_KEY_ID"), "id");
    let environment = &bound["status"]["environment"];
    assert_eq!(environment["variables"], json!(["AWS_ACCESS_KEY_ID"]));
    assert_eq!(environment["leftOut"], json!(["LD_PRELOAD"]));
    for secret in [&files, &variables] {
        let owner = &secret["metadata"]["ownerReferences"][0];
        assert_eq!(owner["kind"], "ExtensionProjection");
        assert_eq!(owner["name"], "ext-plain");
    }

    let mapped = json!({
        "product": "content",
        "environment": [{"name": "S3_KEY", "configuration": "AWS_ACCESS_KEY_ID"}],
        "files": [{"name": "access-key", "configuration": "AWS_ACCESS_KEY_ID"}],
    });
    env.apply(&binding("content", "mapped", &mapped)).await;
    env.wait_until_bound("content", "mapped").await;
    let files = env.get("Secret", "content", "ext-mapped").await;
    assert_eq!(value(&files, "access-key"), "id");
    assert_eq!(value(&files, "AWS_ACCESS_KEY_ID"), "id");
    let variables = env.get("Secret", "content", "ext-mapped.env").await;
    assert_eq!(keys(&variables), ["S3_KEY"].into());

    for (file, key, reason) in [
        ("type", "AWS_ACCESS_KEY_ID", "Conflict"),
        ("root-user", "AWS_ACCESS_KEY_ID", "Conflict"),
        ("other", "AWS_ACCESS_KEY", "UnknownKey"),
    ] {
        let mut wrong = mapped.clone();
        wrong["files"] = json!([{"name": file, "configuration": key}]);
        env.apply(&binding("content", "mapped", &wrong)).await;
        let refused = env.wait_until_unbound("content", "mapped", reason).await;
        assert_eq!(condition(&refused, "Stalled")["status"], "True");
        let kept = env.get("Secret", "content", "ext-mapped").await;
        assert_eq!(
            value(&kept, "access-key"),
            "id",
            "the last good content is kept"
        );
    }
}

async fn values_rotate_in_place(env: &TestEnv) {
    section("a changed value is written to both Secrets in place");
    env.namespace("rotation");
    env.source(RECORDS, "rotation", "old").await;
    env.apply(&record("rotation", &from_secret("rotation")))
        .await;
    env.apply(&binding(
        "rotation",
        "keys",
        &json!({"product": "rotation"}),
    ))
    .await;
    env.wait_until_bound("rotation", "keys").await;
    let names = ["ext-keys", "ext-keys.env"];
    let mut before = Vec::new();
    for name in names {
        before.push(env.get("Secret", "rotation", name).await);
    }
    let key = keys(&before[1]).into_iter().next().unwrap().to_owned();
    env.source(RECORDS, "rotation", "new").await;
    for (name, before) in names.into_iter().zip(&before) {
        let after = env
            .wait_until(
                ("Secret", "rotation", name),
                "has the new value",
                |secret| secret.is_object() && value(secret, &key) == "new",
            )
            .await;
        assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    }
}

/// Applies two records of one product; the second one is the default.
async fn twins(env: &TestEnv, product: &str) -> [String; 2] {
    let names = [format!("{product}-a"), format!("{product}-b")];
    for name in &names {
        let credentials =
            json!([{"name": "main", "configuration": [{"name": "FROM", "value": name}]}]);
        let mut record = record(name, &credentials);
        record["spec"]["product"] = json!(product);
        if *name == names[1] {
            env.wait_until_bound(product, "one").await;
            record["spec"]["default"] = json!(true);
        }
        env.apply(&record).await;
        if *name == names[0] {
            env.apply(&binding(product, "one", &json!({"product": product})))
                .await;
        }
    }
    names
}

async fn source_of(env: &TestEnv, namespace: &str) -> [String; 2] {
    let files = env.get("Secret", namespace, "ext-one").await;
    let variables = env.get("Secret", namespace, "ext-one.env").await;
    [value(&files, "FROM"), value(&variables, "FROM")]
}

async fn service_is_kept_until_the_user_moves_it(env: &TestEnv) {
    section("a binding keeps its service, and tells which one it would select now");
    env.namespace("sticky");
    let [first, second] = twins(env, "sticky").await;
    let key = ("ExtensionBinding", "sticky", "one");
    let kept = env
        .wait_until(key, "is superseded", |object| {
            condition(object, "Superseded")["status"] == "True"
        })
        .await;
    let note = text(&condition(&kept, "Superseded")["message"]);
    assert!(
        note.contains(&second) && note.contains("kubectl ext rebind one"),
        "{note}"
    );
    assert_eq!(kept["status"]["choice"]["record"], *first);
    assert_eq!(source_of(env, "sticky").await, [&*first; 2]);

    let mut asked = binding("sticky", "one", &json!({"product": "sticky"}));
    asked["metadata"]["annotations"] = json!({"registry.fuseml.io/rebind": "1"});
    env.apply(&asked).await;
    let moved = env
        .wait_until(key, "has moved", |object| {
            object["status"]["lastRebind"] == "1"
        })
        .await;
    assert_eq!(moved["status"]["choice"]["record"], *second);
    assert_eq!(condition(&moved, "Superseded")["status"], "False");
    assert_eq!(source_of(env, "sticky").await, [&*second; 2]);
    let projection = env.get("ExtensionProjection", "sticky", "ext-one").await;
    assert_eq!(projection["spec"]["record"]["name"], *second);
    assert_eq!(list_owners(&projection), [&*second]);
    eventually(TIMEOUT, "there is an event Rebound", async || {
        let events = env.events("sticky", "one").await;
        let found = events.iter().any(|(reason, _)| reason == "Rebound");
        if found {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await;

    section("a requirement that became ambiguous does not affect a binding");
    let mut third = record("sticky-c", &json!([]));
    third["spec"]["product"] = json!("sticky");
    third["spec"]["default"] = json!(true);
    env.apply(&third).await;
    let kept = env
        .wait_until(key, "is ambiguous", |object| {
            condition(object, "Superseded")["reason"] == "Ambiguous"
        })
        .await;
    assert_eq!(condition(&kept, "Ready")["status"], "True");
    assert_eq!(kept["status"]["choice"]["record"], *second);
}

fn list_owners(object: &Value) -> Vec<&str> {
    let owners = support::list(&object["metadata"]["ownerReferences"]);
    owners.iter().map(|owner| text(&owner["name"])).collect()
}

async fn follow_moves_at_once(env: &TestEnv) {
    section("a binding with `follow` moves to a better match");
    env.namespace("follow");
    env.apply(&record("follow", &from_secret("order"))).await;
    let spec = json!({"product": "follow", "follow": true});
    env.apply(&binding("follow", "one", &spec)).await;
    env.wait_until_bound("follow", "one").await;
    env.apply(&own(record("follow", &json!([])), "follow"))
        .await;
    let key = ("ExtensionBinding", "follow", "one");
    let moved = env
        .wait_until(key, "moves", |object| {
            object["status"]["choice"]["kind"] == "Extension"
        })
        .await;
    assert_eq!(condition(&moved, "Ready")["status"], "True");

    section("it does not move to a service that cannot be rendered");
    let mut missing = record("follow", &from_secret("missing"));
    missing["metadata"]["name"] = json!("follow-2");
    missing["spec"]["default"] = json!(true);
    env.apply(&own(missing, "follow")).await;
    let kept = env
        .wait_until(key, "cannot move", |object| {
            condition(object, "Superseded")["status"] == "True"
        })
        .await;
    assert!(
        text(&condition(&kept, "Superseded")["message"]).contains("missing"),
        "{kept:#}"
    );
    assert_eq!(condition(&kept, "Ready")["status"], "True");
    assert_eq!(kept["status"]["choice"]["record"], "follow");
}

async fn revoked_binding_loses_its_secrets(env: &TestEnv) {
    section("a binding without access loses its Secrets, and gets them back");
    env.namespace("revoked");
    let mut record = record("revoked", &from_secret("order"));
    env.apply(&record).await;
    env.apply(&binding("revoked", "one", &json!({"product": "revoked"})))
        .await;
    env.wait_until_bound("revoked", "one").await;
    record["spec"]["access"] = json!({"projects": ["other"]});
    env.apply(&record).await;
    env.wait_until_gone("Secret", "revoked", "ext-one").await;
    env.wait_until_gone("Secret", "revoked", "ext-one.env")
        .await;
    env.wait_until_gone("ExtensionProjection", "revoked", "ext-one")
        .await;
    let refused = env.wait_until_unbound("revoked", "one", "NotFound").await;
    assert!(refused["status"]["choice"].is_null(), "{refused:#}");
    assert!(refused["status"]["binding"].is_null(), "{refused:#}");
    record["spec"]["access"] = json!({"projects": ["revoked"]});
    env.apply(&record).await;
    env.wait_until_bound("revoked", "one").await;

    section("a deleted record takes the Secrets with it; a new one of that name is another record");
    env.delete("ClusterExtension", "", "revoked").await;
    env.wait_until_gone("Secret", "revoked", "ext-one").await;
    env.wait_until_gone("Secret", "revoked", "ext-one.env")
        .await;
    env.wait_until_unbound("revoked", "one", "NotFound").await;
    env.apply(&record).await;
    env.wait_until_bound("revoked", "one").await;

    section(
        "credentials of single users are not available to a binding, and the refusal says who has them",
    );
    record["spec"]["services"][0]["credentials"] =
        json!([{"name": "main", "scope": "user", "user": ["ada"], "secretRef": {"name": "order"}}]);
    env.apply(&record).await;
    let refused = env.wait_until_unbound("revoked", "one", "NoAccess").await;
    assert!(
        message(&refused).contains("a binding has no user"),
        "{refused:#}"
    );
    assert!(!message(&refused).contains("ada"), "{refused:#}");
    env.wait_until_gone("Secret", "revoked", "ext-one").await;
}

async fn record_may_change_its_resource(env: &TestEnv) {
    section("a record that changes its resource gives the Secret another type");
    env.namespace("retyped");
    let mut record = record("retyped", &from_secret("order"));
    env.apply(&record).await;
    env.apply(&binding("retyped", "one", &json!({"product": "retyped"})))
        .await;
    env.wait_until_bound("retyped", "one").await;
    record["spec"]["services"][0]["resource"] = json!("gcs");
    env.apply(&record).await;
    for name in ["ext-one", "ext-one.env"] {
        env.wait_until(("Secret", "retyped", name), "has the new type", |secret| {
            secret["type"] == "servicebinding.io/gcs"
        })
        .await;
    }
    env.wait_until_bound("retyped", "one").await;
}

async fn deleted_binding_loses_its_secrets(env: &TestEnv) {
    section("a deleted binding loses its Secrets at once, and can be created again at once");
    env.namespace("deleted");
    let wanted = binding("deleted", "one", &json!({"product": "order"}));
    env.apply(&wanted).await;
    env.wait_until_bound("deleted", "one").await;
    let before = env.get("Secret", "deleted", "ext-one").await;
    env.delete("ExtensionBinding", "deleted", "one").await;
    env.apply(&wanted).await;
    env.wait_until(
        ("Secret", "deleted", "ext-one"),
        "is another one",
        |secret| secret.is_object() && secret["metadata"]["uid"] != before["metadata"]["uid"],
    )
    .await;
    env.wait_until_bound("deleted", "one").await;
    env.delete("ExtensionBinding", "deleted", "one").await;
    for kind_and_name in [
        ("Secret", "ext-one"),
        ("Secret", "ext-one.env"),
        ("ExtensionProjection", "ext-one"),
    ] {
        env.wait_until_gone(kind_and_name.0, "deleted", kind_and_name.1)
            .await;
    }
}

async fn foreign_secret_is_not_overwritten(env: &TestEnv) {
    section("an existing Secret is not overwritten");
    env.namespace("squatted");
    for (name, taken) in [("files", "ext-files"), ("variables", "ext-variables.env")] {
        env.source("squatted", taken, "foreign").await;
        let before = env.get("Secret", "squatted", taken).await;
        env.apply(&binding("squatted", name, &json!({"product": "order"})))
            .await;
        let refused = env
            .wait_until_unbound("squatted", name, "SecretConflict")
            .await;
        assert!(message(&refused).contains(taken), "{refused:#}");
        let after = env.get("Secret", "squatted", taken).await;
        assert_eq!(version(&after), version(&before));
        env.delete("Secret", "squatted", taken).await;
        env.wait_until_bound("squatted", name).await;
    }
}
