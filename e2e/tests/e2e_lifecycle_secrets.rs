//! Rendered Secrets: rotated cheaply, withdrawn when access or use ends, and their values nowhere else.
#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "the helpers of tests may do what tests may do; counters are whole numbers"
)]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{
    Lab, RECORDS, eventually, from_secret, pause, record, secret_name, section, version, workflow,
};

const WRITES: &str = "extension_registry_writes_total";
const GRACE: f64 = 4.0;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_only_where_they_are_needed() {
    let lab = Lab::start("secrets", &["--unused-grace-seconds", "4"]).await;
    rotation_costs_one_write_a_namespace(&lab).await;
    credentials_are_revoked_project_by_project(&lab).await;
    access_is_revoked_project_by_project(&lab).await;
    unused_secrets_stay_for_the_grace_period(&lab).await;
    values_are_in_secrets_only(&lab).await;
    lab.stop().await;
}

async fn rotation_costs_one_write_a_namespace(lab: &Lab) {
    section("a rotated key costs one Secret write a namespace and nothing else");
    lab.source(RECORDS, "rotate", "before").await;
    lab.apply(&record("rotate", &from_secret("rotate"))).await;
    let namespaces: Vec<String> = (0..5).map(|number| format!("rotate-{number}")).collect();
    for namespace in &namespaces {
        lab.namespace(namespace);
        for number in 0..10 {
            let name = format!("w{number}");
            lab.apply(&workflow(namespace, &name, &json!({"product": "rotate"})))
                .await;
        }
    }
    for namespace in &namespaces {
        for number in 0..10 {
            lab.ready(namespace, &format!("w{number}")).await;
        }
    }
    lab.settled(&[
        "Workflow",
        "Pipeline",
        "Secret",
        "ExtensionProjection",
        "ClusterExtension",
    ])
    .await;
    let still = lab.resource_versions(&["Workflow", "Pipeline"], "").await;
    let secrets = rendered(lab, &namespaces).await;
    assert_eq!(secrets.len(), 5);
    let operator = lab.operator();
    let updates = || {
        operator
            .metric(WRITES, &["kind=\"Secret\"", "verb=\"update\""])
            .unwrap()
    };
    let pipelines = || operator.metric(WRITES, &["kind=\"Pipeline\""]).unwrap();
    let workflows = || operator.metric(WRITES, &["kind=\"Workflow\""]).unwrap();
    let before = (updates(), pipelines(), workflows());

    lab.source(RECORDS, "rotate", "after").await;
    eventually(
        Duration::from_secs(20),
        "all Secrets hold the new value",
        async || {
            let now = rendered(lab, &namespaces).await;
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
    pause(2.0).await;
    let now = rendered(lab, &namespaces).await;
    for (namespace, secret) in &secrets {
        assert_ne!(version(secret), version(&now[namespace]));
        assert_eq!(secret["metadata"]["uid"], now[namespace]["metadata"]["uid"]);
    }
    assert_eq!(updates() - before.0, 5.0, "one update a namespace");
    assert_eq!(pipelines(), before.1, "no pipeline is written");
    assert_eq!(workflows(), before.2, "no workflow is written");
    assert_eq!(
        still,
        lab.resource_versions(&["Workflow", "Pipeline"], "").await
    );
}

async fn rendered(lab: &Lab, namespaces: &[String]) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for namespace in namespaces {
        let secret = lab
            .get("Secret", namespace, &secret_name("rotate", "main"))
            .await;
        if secret.is_object() {
            found.insert(namespace.clone(), secret);
        }
    }
    found
}

async fn credentials_are_revoked_project_by_project(lab: &Lab) {
    section("a project taken out of the credentials loses its Secret at once, others keep theirs");
    let with = |projects: &Value| {
        let entries = json!([{"name": "K", "value": "v"}]);
        let set = json!([{"name": "main", "scope": "project", "project": projects, "configuration": entries}]);
        record("revoke", &set)
    };
    let narrow = [
        with(&json!(["revoke-a", "revoke-b"])),
        with(&json!(["revoke-b"])),
    ];
    revoke(lab, "revoke", &narrow, "NoAccess").await;
}

async fn access_is_revoked_project_by_project(lab: &Lab) {
    section("a project taken out of access loses its Secret at once, others keep theirs");
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
    // A record that is not visible does not exist.
    revoke(lab, "close", &narrow, "NotFound").await;
}

/// The first record admits the projects `NAME-a` and `NAME-b`, the second only `NAME-b`.
async fn revoke(lab: &Lab, name: &str, [wide, narrow]: &[Value; 2], reason: &str) {
    let (lost, kept) = (format!("{name}-a"), format!("{name}-b"));
    lab.apply(wide).await;
    for namespace in [&lost, &kept] {
        lab.namespace(namespace);
        lab.apply(&workflow(namespace, "one", &json!({"product": name})))
            .await;
        lab.ready(namespace, "one").await;
    }
    lab.settled(&["Workflow", "Pipeline", "Secret", "ExtensionProjection"])
        .await;
    let secret = secret_name(name, "main");
    let pipeline = lab.get("Pipeline", &lost, "one").await;
    let untouched = lab.resource_versions(&["Secret", "Pipeline"], &kept).await;
    assert_eq!(untouched.len(), 2);

    let start = Instant::now();
    lab.apply(narrow).await;
    lab.gone("Secret", &lost, &secret).await;
    // Well within the grace period of what is only unused.
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    lab.gone("ExtensionProjection", &lost, &secret).await;
    let refused = lab.refused(&lost, "one", reason).await;
    assert!(refused["status"]["pipeline"].is_object());
    if reason == "NotFound" {
        assert!(!support::message(&refused).contains("store"), "{refused:#}");
    }
    assert_eq!(
        version(&lab.get("Pipeline", &lost, "one").await),
        version(&pipeline)
    );
    pause(1.5).await;
    assert!(
        lab.get("Secret", &lost, &secret).await.is_null(),
        "it comes back"
    );
    assert_eq!(
        untouched,
        lab.resource_versions(&["Secret", "Pipeline"], &kept).await
    );
    lab.apply(wide).await;
    lab.ready(&lost, "one").await;
    assert!(lab.get("Secret", &lost, &secret).await.is_object());
}

async fn unused_secrets_stay_for_the_grace_period(lab: &Lab) {
    section("an unused Secret stays for the grace period; a used one stays");
    lab.namespace("unused");
    lab.source(RECORDS, "unused", "x").await;
    lab.apply(&record("unused", &from_secret("unused"))).await;
    let user = |name: &str| workflow("unused", name, &json!({"product": "unused"}));
    for name in ["one", "two"] {
        lab.apply(&user(name)).await;
        lab.ready("unused", name).await;
    }
    let secret = secret_name("unused", "main");
    let there = async || lab.get("Secret", "unused", &secret).await.is_object();
    lab.delete("Workflow", "unused", "one").await;
    pause(GRACE + 2.0).await;
    assert!(there().await, "another workflow uses it");

    lab.delete("Workflow", "unused", "two").await;
    pause(GRACE - 1.5).await;
    assert!(there().await, "the grace period is not over");
    lab.apply(&user("three")).await;
    lab.ready("unused", "three").await;
    pause(GRACE + 2.0).await;
    assert!(there().await, "it was bound again within the grace period");

    lab.delete("Workflow", "unused", "three").await;
    pause(GRACE - 1.5).await;
    assert!(there().await, "the grace period begins anew");
    lab.gone("Secret", "unused", &secret).await;
    lab.gone("ExtensionProjection", "unused", &secret).await;
}

async fn values_are_in_secrets_only(lab: &Lab) {
    section("values are in Secrets and in the records of their users, nowhere else");
    let canary = |name: &str| {
        let seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        format!("canary{name}{seed:x}")
    };
    let values = ["inline", "source", "rotated", "edited", "refused"].map(canary);
    let [inline, source, rotated, edited, refused] = &values;
    lab.namespace("hygiene");
    lab.source(RECORDS, "hygiene", source).await;
    let with = |value: &str, projects: &Value| {
        let set = json!([{"name": "main", "scope": "project", "project": projects,
            "secretRef": {"name": "hygiene"}, "configuration": [{"name": "KEY", "value": value}]}]);
        record("hygiene", &set)
    };
    let mut wanted = workflow("hygiene", "one", &json!({"product": "hygiene"}));
    wanted["spec"]["steps"][0]["args"] = json!(["--key={{ extensions.data.KEY }}"]);
    lab.apply(&with(inline, &json!(["hygiene"]))).await;
    lab.apply(&wanted).await;
    lab.ready("hygiene", "one").await;
    let secret = lab
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
        "the canaries are alive"
    );
    assert_eq!(data(&secret, "PASSWORD"), source.as_bytes());
    values_leak_nowhere(lab, &values).await;

    lab.source(RECORDS, "hygiene", rotated).await;
    lab.apply(&with(edited, &json!(["hygiene"]))).await;
    let key = ("Secret", "hygiene", &*secret_name("hygiene", "main"));
    lab.until(key, "is rotated", |secret| {
        secret.is_object()
            && data(secret, "KEY") == edited.as_bytes()
            && data(secret, "PASSWORD") == rotated.as_bytes()
    })
    .await;
    values_leak_nowhere(lab, &values).await;

    // Refused: an unknown key, then a second record that makes the choice ambiguous.
    wanted["spec"]["steps"][0]["args"] = json!(["{{ extensions.data.NOPE }}"]);
    lab.apply(&wanted).await;
    lab.refused("hygiene", "one", "UnknownKey").await;
    let mut twin = with(refused, &json!(["hygiene"]));
    twin["metadata"]["name"] = json!("hygiene-twin");
    lab.apply(&twin).await;
    lab.refused("hygiene", "one", "Ambiguous").await;
    values_leak_nowhere(lab, &values).await;

    lab.delete("ClusterExtension", "", "hygiene-twin").await;
    lab.apply(&with(edited, &json!([]))).await;
    lab.gone("Secret", "hygiene", &secret_name("hygiene", "main"))
        .await;
    lab.refused("hygiene", "one", "NoAccess").await;
    values_leak_nowhere(lab, &values).await;
}

async fn values_leak_nowhere(lab: &Lab, values: &[String]) {
    let mut places = vec![
        ("the log".to_owned(), lab.logs()),
        ("the metrics".to_owned(), lab.operator().metrics().unwrap()),
    ];
    for kind in [
        "Pipeline",
        "Workflow",
        "ExtensionProjection",
        "Event",
        "CoreEvent",
    ] {
        let objects = lab.list(kind, "").await;
        places.push((kind.to_owned(), json!(objects).to_string()));
    }
    for record in lab.list("ClusterExtension", "").await {
        places.push((
            "the status of a record".to_owned(),
            record["status"].to_string(),
        ));
    }
    for secret in lab.list("Secret", "").await {
        places.push((
            "the metadata of a Secret".to_owned(),
            secret["metadata"].to_string(),
        ));
    }
    for (place, text) in places {
        for value in values {
            let encoded = json!(k8s_openapi::ByteString(value.clone().into_bytes()));
            let encoded = encoded.as_str().unwrap();
            assert!(
                !text.contains(value) && !text.contains(encoded),
                "{value} is in {place}"
            );
        }
    }
}
