//! Records and workflows, created in any order, lead to bindings; deleted ones end them.

mod support;

use serde_json::json;
use support::{
    RECORDS, TestEnv, condition, from_secret, message, own, record, secret_name, section, text,
    version, workflow,
};

#[tokio::test(flavor = "multi_thread")]
async fn workflow_follows_its_records() {
    let env = TestEnv::start("lifecycle", &["--unused-grace-seconds", "3"]).await;
    order_of_creation_does_not_matter(&env).await;
    deleted_record_removes_its_secret_until_recreated(&env).await;
    ambiguity_is_explained_and_resolved_by_a_default(&env).await;
    namespaced_record_shadows_only_in_its_project(&env).await;
    change_affects_only_dependents(&env).await;
    env.stop().await;
}

async fn order_of_creation_does_not_matter(env: &TestEnv) {
    section("order of creation does not matter");
    env.namespace("order");
    let wanted = json!({"product": "order"});
    env.apply(&workflow("order", "first", &wanted)).await;
    let refused = env.wait_until_refused("order", "first", "NotFound").await;
    assert_eq!(condition(&refused, "Resolved")["status"], "False");
    assert!(condition(&refused, "Stalled").is_null(), "{refused:#}");

    env.apply(&record("order", &from_secret("order"))).await;
    let refused = env
        .wait_until_refused("order", "first", "SecretMissing")
        .await;
    assert_eq!(condition(&refused, "Resolved")["status"], "True");
    assert!(condition(&refused, "Stalled").is_null(), "{refused:#}");
    assert!(message(&refused).contains("extension-registry-records/order"));
    assert!(env.get("Pipeline", "order", "first").await.is_null());

    env.source(RECORDS, "order", "late").await;
    let late = env.wait_until_ready("order", "first").await;
    let secret = secret_name("order", "main");
    let first = env.get("Secret", "order", &secret).await;
    let first_digest = env.get("ExtensionProjection", "order", &secret).await["status"].clone();

    // Create everything again in reverse order.
    env.delete("Workflow", "order", "first").await;
    env.wait_until_gone("Workflow", "order", "first").await;
    env.wait_until_gone("Pipeline", "order", "first").await;
    env.wait_until_gone("Secret", "order", &secret).await;
    env.wait_until_gone("ExtensionProjection", "order", &secret)
        .await;
    env.apply(&workflow("order", "first", &wanted)).await;
    let early = env.wait_until_ready("order", "first").await;
    assert_eq!(late["status"]["bindings"], early["status"]["bindings"]);
    assert_eq!(late["status"]["summary"], early["status"]["summary"]);
    let second = env.get("Secret", "order", &secret).await;
    assert_eq!(first["data"], second["data"]);
    assert_eq!(first["type"], second["type"]);
    let second_digest = env.get("ExtensionProjection", "order", &secret).await["status"].clone();
    assert!(first_digest["digest"].is_string());
    assert_eq!(first_digest["digest"], second_digest["digest"]);
    assert_eq!(first_digest["keys"], second_digest["keys"]);

    section("a digest does not reveal whether a recreated record has the same value");
    let mut changed = record("order", &from_secret("order"));
    changed["spec"]["description"] = json!("changed");
    env.apply(&changed).await;
    let key = ("ExtensionProjection", "order", &*secret);
    let third = env
        .wait_until(key, "is of the changed record", |projection| {
            projection["status"]["recordGeneration"] != second_digest["recordGeneration"]
        })
        .await;
    assert!(third["status"]["digest"].is_string());
    assert_ne!(third["status"]["digest"], second_digest["digest"]);
    let unchanged = env.get("Secret", "order", &secret).await;
    assert_eq!(version(&unchanged), version(&second), "nothing is written");
}

async fn deleted_record_removes_its_secret_until_recreated(env: &TestEnv) {
    section("a deleted record deletes its Secret and keeps the pipeline; a new one binds again");
    env.namespace("deleted");
    env.source(RECORDS, "deleted", "x").await;
    env.apply(&record("deleted", &from_secret("deleted"))).await;
    env.apply(&workflow("deleted", "one", &json!({"product": "deleted"})))
        .await;
    let before = env.wait_until_ready("deleted", "one").await;
    let pipeline = env.get("Pipeline", "deleted", "one").await;
    let secret = secret_name("deleted", "main");
    env.delete("ClusterExtension", "", "deleted").await;
    env.wait_until_gone("Secret", "deleted", &secret).await;
    env.wait_until_gone("ExtensionProjection", "deleted", &secret)
        .await;
    let refused = env.wait_until_refused("deleted", "one", "NotFound").await;
    assert_eq!(refused["status"]["pipeline"], before["status"]["pipeline"]);
    let current = env.get("Pipeline", "deleted", "one").await;
    assert_eq!(version(&current), version(&pipeline));
    env.apply(&record("deleted", &from_secret("deleted"))).await;
    env.wait_until_ready("deleted", "one").await;
    assert!(env.get("Secret", "deleted", &secret).await.is_object());
    let current = env.get("Pipeline", "deleted", "one").await;
    assert_eq!(
        version(&current),
        version(&pipeline),
        "the pipeline is the same as before"
    );
}

async fn ambiguity_is_explained_and_resolved_by_a_default(env: &TestEnv) {
    section("an ambiguous requirement is refused with both candidates, and resolved by a default");
    env.namespace("ambiguous");
    let inline = json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}]);
    let mut records = ["twin-a", "twin-b"].map(|name| record(name, &inline));
    for record in &mut records {
        record["spec"]["product"] = json!("twin");
        env.apply(record).await;
    }
    env.apply(&workflow("ambiguous", "one", &json!({"product": "twin"})))
        .await;
    let refused = env
        .wait_until_refused("ambiguous", "one", "Ambiguous")
        .await;
    for name in ["twin-a", "twin-b"] {
        assert!(message(&refused).contains(name), "{}", message(&refused));
    }
    records[1]["spec"]["default"] = json!(true);
    env.apply(&records[1]).await;
    let bound = env.wait_until_ready("ambiguous", "one").await;
    assert_eq!(bound["status"]["bindings"][0]["record"], "twin-b");

    env.delete("ClusterExtension", "", "twin-b").await;
    env.wait_until(
        ("Workflow", "ambiguous", "one"),
        "moves to twin-a",
        |object| object["status"]["bindings"][0]["record"] == "twin-a",
    )
    .await;
    support::eventually(support::TIMEOUT, "there is an event Rebound", async || {
        let events = env.events("ambiguous", "one").await;
        let moved = events.iter().any(|(reason, note)| {
            reason == "Rebound" && note.contains("twin-a") && note.contains("twin-b")
        });
        if moved {
            Ok(())
        } else {
            Err(format!("{events:?}"))
        }
    })
    .await;
}

async fn namespaced_record_shadows_only_in_its_project(env: &TestEnv) {
    section("a namespaced record shadows only in its project");
    let inline = json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}]);
    env.apply(&record("shade", &inline)).await;
    for namespace in ["shade-a", "shade-b"] {
        env.namespace(namespace);
        env.apply(&workflow(namespace, "one", &json!({"product": "shade"})))
            .await;
        env.wait_until_ready(namespace, "one").await;
    }
    let kinds = ["Workflow", "Pipeline", "Secret"];
    let other = env.resource_versions(&kinds, "shade-b").await;
    env.apply(&own(record("shade", &inline), "shade-a")).await;
    let bound = env
        .wait_until(
            ("Workflow", "shade-a", "one"),
            "is bound to its own record",
            |object| object["status"]["bindings"][0]["kind"] == "Extension",
        )
        .await;
    let secret = text(&bound["status"]["bindings"][0]["secret"]);
    assert_ne!(secret, secret_name("shade", "main"));
    let pipeline = env.get("Pipeline", "shade-a", "one").await.to_string();
    assert!(pipeline.contains(secret) && !pipeline.contains(&secret_name("shade", "main")));
    assert_eq!(other, env.resource_versions(&kinds, "shade-b").await);
    // The Secret of the shadowed record is now unused.
    env.wait_until_gone("Secret", "shade-a", &secret_name("shade", "main"))
        .await;
    assert_eq!(other, env.resource_versions(&kinds, "shade-b").await);
}

async fn change_affects_only_dependents(env: &TestEnv) {
    section("a change affects only its dependents");
    env.namespace("reach");
    let with =
        |value: &str| json!([{"name": "main", "configuration": [{"name": "KEY", "value": value}]}]);
    for name in ["reach-a", "reach-b"] {
        env.apply(&record(name, &with("v"))).await;
        env.apply(&workflow("reach", name, &json!({"extension": name})))
            .await;
        env.wait_until_ready("reach", name).await;
    }
    let kinds = [
        "Workflow",
        "Pipeline",
        "Secret",
        "ExtensionProjection",
        "ClusterExtension",
    ];
    env.wait_until_settled(&kinds).await;
    let secret = env
        .get("Secret", "reach", &secret_name("reach-a", "main"))
        .await;
    let pipeline = env.get("Pipeline", "reach", "reach-a").await;
    let mut others = Vec::new();
    for (kind, name) in [
        ("Workflow", "reach-b"),
        ("Pipeline", "reach-b"),
        ("Secret", &secret_name("reach-b", "main")),
        ("ExtensionProjection", &secret_name("reach-b", "main")),
    ] {
        others.push((kind, name.to_owned(), env.get(kind, "reach", name).await));
    }
    env.apply(&record("reach-a", &with("w"))).await;
    env.wait_until(
        ("Secret", "reach", &secret_name("reach-a", "main")),
        "is rendered again",
        |now| version(now) != version(&secret),
    )
    .await;
    env.wait_until_settled(&kinds).await;
    for (kind, name, before) in others {
        assert_eq!(env.get(kind, "reach", &name).await, before);
    }
    let after = env.get("Pipeline", "reach", "reach-a").await;
    assert_eq!(
        version(&after),
        version(&pipeline),
        "a changed value does not change the pipeline"
    );
}
