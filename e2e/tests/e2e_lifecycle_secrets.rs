//! Rendered Secrets: the cost of rotation, deletion after access or use ends, and no values elsewhere.
#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "helpers of tests; counters are whole numbers"
)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{
    RECORDS, TestEnv, eventually, from_secret, pause, record, secret_name, section, text, version,
    workflow,
};

const WRITES: &str = "extension_registry_writes_total";
/// Grace period of unused Secrets in seconds, long enough to observe one within it on a slow machine.
const GRACE: f64 = 10.0;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_without_use_or_access_are_deleted() {
    let env = TestEnv::start("secrets", &["--unused-grace-seconds", "10"]).await;
    rotation_writes_one_secret_per_namespace(&env).await;
    revoked_credentials_delete_the_secret_of_that_project(&env).await;
    revoked_access_deletes_the_secret_of_that_project(&env).await;
    unused_secrets_are_kept_for_the_grace_period(&env).await;
    values_exist_only_in_secrets(&env).await;
    env.stop().await;
}

async fn rotation_writes_one_secret_per_namespace(env: &TestEnv) {
    section("a rotated key causes one Secret write per namespace and nothing else");
    env.source(RECORDS, "rotate", "before").await;
    env.apply(&record("rotate", &from_secret("rotate"))).await;
    let namespaces: Vec<String> = (0..5).map(|number| format!("rotate-{number}")).collect();
    for namespace in &namespaces {
        env.namespace(namespace);
        for number in 0..10 {
            let name = format!("w{number}");
            env.apply(&workflow(namespace, &name, &json!({"product": "rotate"})))
                .await;
        }
    }
    for namespace in &namespaces {
        for number in 0..10 {
            env.wait_until_ready(namespace, &format!("w{number}")).await;
        }
    }
    env.wait_until_settled(&[
        "Workflow",
        "Pipeline",
        "Secret",
        "ExtensionProjection",
        "ClusterExtension",
    ])
    .await;
    let still = env.resource_versions(&["Workflow", "Pipeline"], "").await;
    let secrets = rendered_secrets(env, &namespaces).await;
    assert_eq!(secrets.len(), 5);
    let operator = env.operator();
    let updates = || {
        operator
            .metric(WRITES, &["kind=\"Secret\"", "verb=\"update\""])
            .unwrap()
    };
    let pipelines = || operator.metric(WRITES, &["kind=\"Pipeline\""]).unwrap();
    let workflows = || operator.metric(WRITES, &["kind=\"Workflow\""]).unwrap();
    let before = (updates(), pipelines(), workflows());

    env.source(RECORDS, "rotate", "after").await;
    eventually(
        support::TIMEOUT,
        "all Secrets hold the new value",
        async || {
            let now = rendered_secrets(env, &namespaces).await;
            let new = now
                .values()
                .filter(|secret| secret["data"]["PASSWORD"] == "YWZ0ZXI=")
                .count();
            if new == 5 {
                Ok(())
            } else {
                Err(format!("{new} do"))
            }
        },
    )
    .await;
    env.wait_until_settled(&["Workflow", "Pipeline", "Secret", "ExtensionProjection"])
        .await;
    let now = rendered_secrets(env, &namespaces).await;
    for (namespace, secret) in &secrets {
        assert_ne!(version(secret), version(&now[namespace]));
        assert_eq!(secret["metadata"]["uid"], now[namespace]["metadata"]["uid"]);
    }
    assert_eq!(updates() - before.0, 5.0, "one update a namespace");
    assert_eq!(pipelines(), before.1, "no pipeline is written");
    assert_eq!(workflows(), before.2, "no workflow is written");
    assert_eq!(
        still,
        env.resource_versions(&["Workflow", "Pipeline"], "").await
    );
}

async fn rendered_secrets(env: &TestEnv, namespaces: &[String]) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for namespace in namespaces {
        let secret = env
            .get("Secret", namespace, &secret_name("rotate", "main"))
            .await;
        if secret.is_object() {
            found.insert(namespace.clone(), secret);
        }
    }
    found
}

async fn revoked_credentials_delete_the_secret_of_that_project(env: &TestEnv) {
    section("revoking credentials of a project deletes its Secret at once and keeps the others");
    let with = |projects: &Value| {
        let entries = json!([{"name": "K", "value": "v"}]);
        let set = json!([{"name": "main", "scope": "project", "project": projects, "configuration": entries}]);
        record("revoke", &set)
    };
    let narrow = [
        with(&json!(["revoke-a", "revoke-b"])),
        with(&json!(["revoke-b"])),
    ];
    revoke(env, "revoke", &narrow, "NoAccess").await;
}

async fn revoked_access_deletes_the_secret_of_that_project(env: &TestEnv) {
    section("revoking access of a project deletes its Secret at once and keeps the others");
    let with = |projects: &Value| {
        let set = json!([{"name": "main", "configuration": [{"name": "K", "value": "v"}]}]);
        let mut record = record("close", &set);
        record["spec"]["access"] = json!({"projects": projects});
        record
    };
    let narrow = [
        with(&json!(["close-a", "close-b"])),
        with(&json!(["close-b"])),
    ];
    // An invisible record is reported as not found.
    revoke(env, "close", &narrow, "NotFound").await;
}

/// Replaces a record that admits the projects `NAME-a` and `NAME-b` by one that admits only `NAME-b`.
async fn revoke(env: &TestEnv, name: &str, [wide, narrow]: &[Value; 2], reason: &str) {
    let (revoked, unchanged) = (format!("{name}-a"), format!("{name}-b"));
    env.apply(wide).await;
    for namespace in [&revoked, &unchanged] {
        env.namespace(namespace);
        env.apply(&workflow(namespace, "one", &json!({"product": name})))
            .await;
        env.wait_until_ready(namespace, "one").await;
    }
    env.wait_until_settled(&["Workflow", "Pipeline", "Secret", "ExtensionProjection"])
        .await;
    let secret = secret_name(name, "main");
    let pipeline = env.get("Pipeline", &revoked, "one").await;
    let untouched = env
        .resource_versions(&["Secret", "Pipeline"], &unchanged)
        .await;
    assert_eq!(untouched.len(), 2);

    env.apply(narrow).await;
    env.wait_until_gone("Secret", &revoked, &secret).await;
    // Not because it was unused for the grace period.
    eventually(support::TIMEOUT, "the event says why", async || {
        let events = env.events(&revoked, &secret).await;
        if events.iter().any(|(reason, _)| reason == "Revoked") {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await;
    env.wait_until_gone("ExtensionProjection", &revoked, &secret)
        .await;
    let refused = env.wait_until_refused(&revoked, "one", reason).await;
    assert!(refused["status"]["pipeline"].is_object());
    if reason == "NotFound" {
        assert!(!support::message(&refused).contains("store"), "{refused:#}");
    }
    assert_eq!(
        version(&env.get("Pipeline", &revoked, "one").await),
        version(&pipeline)
    );
    env.wait_until_settled(&["Workflow", "Pipeline", "Secret", "ExtensionProjection"])
        .await;
    assert!(
        env.get("Secret", &revoked, &secret).await.is_null(),
        "it comes back"
    );
    assert_eq!(
        untouched,
        env.resource_versions(&["Secret", "Pipeline"], &unchanged)
            .await
    );
    env.apply(wide).await;
    env.wait_until_ready(&revoked, "one").await;
    assert!(env.get("Secret", &revoked, &secret).await.is_object());
}

async fn unused_secrets_are_kept_for_the_grace_period(env: &TestEnv) {
    section("an unused Secret is kept for the grace period; a used one is kept");
    env.namespace("unused");
    env.source(RECORDS, "unused", "x").await;
    env.apply(&record("unused", &from_secret("unused"))).await;
    let user = |name: &str| workflow("unused", name, &json!({"product": "unused"}));
    for name in ["one", "two"] {
        env.apply(&user(name)).await;
        env.wait_until_ready("unused", name).await;
    }
    let secret = secret_name("unused", "main");
    let there = async || env.get("Secret", "unused", &secret).await.is_object();
    let projection = ("ExtensionProjection", "unused", &*secret);
    let unused_since = async || {
        let unused = env.wait_until(projection, "is unused", |object| {
            object["status"]["unusedSince"].is_string()
        });
        text(&unused.await["status"]["unusedSince"]).to_owned()
    };
    env.delete("Workflow", "unused", "one").await;
    env.wait_until(projection, "has one consumer", |object| {
        object["status"]["consumers"] == 1
    })
    .await;
    pause(GRACE + 2.0).await;
    assert!(there().await, "another workflow uses it");

    env.delete("Workflow", "unused", "two").await;
    let first = unused_since().await;
    assert!(there().await, "the grace period is not over");
    env.apply(&user("three")).await;
    env.wait_until_ready("unused", "three").await;
    env.wait_until(projection, "is used again", |object| {
        object["status"]["consumers"] == 1 && object["status"]["unusedSince"].is_null()
    })
    .await;
    pause(GRACE + 2.0).await;
    assert!(there().await, "it was bound again within the grace period");

    env.delete("Workflow", "unused", "three").await;
    let second = unused_since().await;
    assert!(
        second > first,
        "the grace period restarts: {first}, {second}"
    );
    assert!(there().await, "the grace period restarts");
    env.wait_until_gone("Secret", "unused", &secret).await;
    env.wait_until_gone("ExtensionProjection", "unused", &secret)
        .await;
}

async fn values_exist_only_in_secrets(env: &TestEnv) {
    section("values are only in Secrets and in records");
    let canary = |name: &str| {
        let seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        format!("canary{name}{seed:x}")
    };
    let values = ["inline", "source", "rotated", "edited", "refused"].map(canary);
    let [inline, source, rotated, edited, refused] = &values;
    env.namespace("hygiene");
    env.source(RECORDS, "hygiene", source).await;
    let with = |value: &str, projects: &Value| {
        let set = json!([{"name": "main", "scope": "project", "project": projects,
            "secretRef": {"name": "hygiene"}, "configuration": [{"name": "KEY", "value": value}]}]);
        record("hygiene", &set)
    };
    let mut wanted = workflow("hygiene", "one", &json!({"product": "hygiene"}));
    wanted["spec"]["steps"][0]["args"] = json!(["--key={{ extensions.data.KEY }}"]);
    env.apply(&with(inline, &json!(["hygiene"]))).await;
    env.apply(&wanted).await;
    env.wait_until_ready("hygiene", "one").await;
    let secret = env
        .get("Secret", "hygiene", &secret_name("hygiene", "main"))
        .await;
    let data = |secret: &Value, key: &str| {
        serde_json::from_value::<k8s_openapi::ByteString>(secret["data"][key].clone())
            .unwrap()
            .0
    };
    assert_eq!(
        data(&secret, "KEY"),
        inline.as_bytes(),
        "the canaries exist"
    );
    assert_eq!(data(&secret, "PASSWORD"), source.as_bytes());
    values_are_not_leaked(env, &values).await;

    env.source(RECORDS, "hygiene", rotated).await;
    env.apply(&with(edited, &json!(["hygiene"]))).await;
    let key = ("Secret", "hygiene", &*secret_name("hygiene", "main"));
    env.wait_until(key, "is rotated", |secret| {
        secret.is_object()
            && data(secret, "KEY") == edited.as_bytes()
            && data(secret, "PASSWORD") == rotated.as_bytes()
    })
    .await;
    values_are_not_leaked(env, &values).await;

    // Refused because of an unknown key, then because a second record makes the choice ambiguous.
    wanted["spec"]["steps"][0]["args"] = json!(["{{ extensions.data.NOPE }}"]);
    env.apply(&wanted).await;
    env.wait_until_refused("hygiene", "one", "UnknownKey").await;
    let mut twin = with(refused, &json!(["hygiene"]));
    twin["metadata"]["name"] = json!("hygiene-twin");
    env.apply(&twin).await;
    env.wait_until_refused("hygiene", "one", "Ambiguous").await;
    values_are_not_leaked(env, &values).await;

    env.delete("ClusterExtension", "", "hygiene-twin").await;
    env.apply(&with(edited, &json!([]))).await;
    env.wait_until_gone("Secret", "hygiene", &secret_name("hygiene", "main"))
        .await;
    env.wait_until_refused("hygiene", "one", "NoAccess").await;
    values_are_not_leaked(env, &values).await;
}

async fn values_are_not_leaked(env: &TestEnv, values: &[String]) {
    let mut texts = vec![
        ("the log".to_owned(), env.logs()),
        ("the metrics".to_owned(), env.operator().metrics().unwrap()),
    ];
    for kind in [
        "Pipeline",
        "Workflow",
        "ExtensionProjection",
        "Event",
        "CoreEvent",
    ] {
        let objects = env.list(kind, "").await;
        texts.push((kind.to_owned(), json!(objects).to_string()));
    }
    for record in env.list("ClusterExtension", "").await {
        texts.push((
            "the status of a record".to_owned(),
            record["status"].to_string(),
        ));
    }
    for secret in env.list("Secret", "").await {
        texts.push((
            "the metadata of a Secret".to_owned(),
            secret["metadata"].to_string(),
        ));
    }
    for (source_name, text) in texts {
        for value in values {
            let encoded = json!(k8s_openapi::ByteString(value.clone().into_bytes()));
            let encoded = encoded.as_str().unwrap();
            assert!(
                !text.contains(value) && !text.contains(encoded),
                "{value} is in {source_name}"
            );
        }
    }
}
