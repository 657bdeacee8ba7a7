//! From records and workflows, in any order, to bindings; and back when they go.

mod support;

use serde_json::json;
use support::{
    Lab, RECORDS, condition, from_secret, message, own, pause, record, secret_name, section, text,
    version, workflow,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_follows_its_records() {
    let lab = Lab::start("lifecycle", &["--unused-grace-seconds", "3"]).await;
    order_of_arrival_does_not_matter(&lab).await;
    deleted_record_takes_its_secret_and_comes_back(&lab).await;
    ambiguity_is_explained_and_healed_by_a_default(&lab).await;
    own_record_shadows_in_its_project_only(&lab).await;
    a_change_reaches_dependents_and_nothing_else(&lab).await;
    lab.stop().await;
}

async fn order_of_arrival_does_not_matter(lab: &Lab) {
    section("order of arrival does not matter");
    lab.namespace("order");
    let wanted = json!({"product": "order"});
    lab.apply(&workflow("order", "first", &wanted)).await;
    let refused = lab.refused("order", "first", "NotFound").await;
    assert_eq!(condition(&refused, "Resolved")["status"], "False");
    assert!(condition(&refused, "Stalled").is_null(), "{refused:#}");

    lab.apply(&record("order", &from_secret("order"))).await;
    let refused = lab.refused("order", "first", "SecretMissing").await;
    assert_eq!(condition(&refused, "Resolved")["status"], "True");
    assert!(condition(&refused, "Stalled").is_null(), "{refused:#}");
    assert!(message(&refused).contains("extension-registry-records/order"));
    assert!(lab.get("Pipeline", "order", "first").await.is_null());

    lab.source(RECORDS, "order", "late").await;
    let late = lab.ready("order", "first").await;
    let secret = secret_name("order", "main");
    let first = lab.get("Secret", "order", &secret).await;
    let first_digest = lab.get("ExtensionProjection", "order", &secret).await["status"].clone();

    // Everything anew, now in the other order.
    lab.delete("Workflow", "order", "first").await;
    lab.gone("Workflow", "order", "first").await;
    lab.gone("Pipeline", "order", "first").await;
    lab.gone("Secret", "order", &secret).await;
    lab.gone("ExtensionProjection", "order", &secret).await;
    lab.apply(&workflow("order", "first", &wanted)).await;
    let early = lab.ready("order", "first").await;
    assert_eq!(late["status"]["bindings"], early["status"]["bindings"]);
    assert_eq!(late["status"]["summary"], early["status"]["summary"]);
    let second = lab.get("Secret", "order", &secret).await;
    assert_eq!(first["data"], second["data"]);
    assert_eq!(first["type"], second["type"]);
    let second_digest = lab.get("ExtensionProjection", "order", &secret).await["status"].clone();
    assert!(first_digest["digest"].is_string());
    assert_eq!(first_digest["digest"], second_digest["digest"]);
    assert_eq!(first_digest["keys"], second_digest["keys"]);

    section("a digest does not tell whether a changed record has the value of before");
    let mut changed = record("order", &from_secret("order"));
    changed["spec"]["description"] = json!("changed");
    lab.apply(&changed).await;
    let key = ("ExtensionProjection", "order", &*secret);
    let third = lab
        .until(key, "is of the changed record", |projection| {
            projection["status"]["recordGeneration"] != second_digest["recordGeneration"]
        })
        .await;
    assert!(third["status"]["digest"].is_string());
    assert_ne!(third["status"]["digest"], second_digest["digest"]);
    let unchanged = lab.get("Secret", "order", &secret).await;
    assert_eq!(version(&unchanged), version(&second), "nothing is written");
}

async fn deleted_record_takes_its_secret_and_comes_back(lab: &Lab) {
    section("a deleted record takes its Secret, keeps the pipeline, and heals when it returns");
    lab.namespace("deleted");
    lab.source(RECORDS, "deleted", "x").await;
    lab.apply(&record("deleted", &from_secret("deleted"))).await;
    lab.apply(&workflow("deleted", "one", &json!({"product": "deleted"})))
        .await;
    let before = lab.ready("deleted", "one").await;
    let pipeline = lab.get("Pipeline", "deleted", "one").await;
    let secret = secret_name("deleted", "main");
    lab.delete("ClusterExtension", "", "deleted").await;
    lab.gone("Secret", "deleted", &secret).await;
    lab.gone("ExtensionProjection", "deleted", &secret).await;
    let refused = lab.refused("deleted", "one", "NotFound").await;
    assert_eq!(refused["status"]["pipeline"], before["status"]["pipeline"]);
    let kept = lab.get("Pipeline", "deleted", "one").await;
    assert_eq!(version(&kept), version(&pipeline));
    lab.apply(&record("deleted", &from_secret("deleted"))).await;
    lab.ready("deleted", "one").await;
    assert!(lab.get("Secret", "deleted", &secret).await.is_object());
    let kept = lab.get("Pipeline", "deleted", "one").await;
    assert_eq!(
        version(&kept),
        version(&pipeline),
        "the pipeline is the same as before"
    );
}

async fn ambiguity_is_explained_and_healed_by_a_default(lab: &Lab) {
    section("an ambiguous requirement is refused with both candidates and healed by a default");
    lab.namespace("ambiguous");
    let inline = json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}]);
    let mut records = ["twin-a", "twin-b"].map(|name| record(name, &inline));
    for record in &mut records {
        record["spec"]["product"] = json!("twin");
        lab.apply(record).await;
    }
    lab.apply(&workflow("ambiguous", "one", &json!({"product": "twin"})))
        .await;
    let refused = lab.refused("ambiguous", "one", "Ambiguous").await;
    for name in ["twin-a", "twin-b"] {
        assert!(message(&refused).contains(name), "{}", message(&refused));
    }
    records[1]["spec"]["default"] = json!(true);
    lab.apply(&records[1]).await;
    let bound = lab.ready("ambiguous", "one").await;
    assert_eq!(bound["status"]["bindings"][0]["record"], "twin-b");

    lab.delete("ClusterExtension", "", "twin-b").await;
    lab.until(
        ("Workflow", "ambiguous", "one"),
        "moves to twin-a",
        |object| object["status"]["bindings"][0]["record"] == "twin-a",
    )
    .await;
    support::eventually(
        std::time::Duration::from_secs(10),
        "an event says Rebound",
        async || {
            let events = lab.events("ambiguous", "one").await;
            let moved = events.iter().any(|(reason, note)| {
                reason == "Rebound" && note.contains("twin-a") && note.contains("twin-b")
            });
            if moved {
                Ok(())
            } else {
                Err(format!("{events:?}"))
            }
        },
    )
    .await;
}

async fn own_record_shadows_in_its_project_only(lab: &Lab) {
    section("a project's own record shadows in its project only");
    let inline = json!([{"name": "main", "configuration": [{"name": "KEY", "value": "v"}]}]);
    lab.apply(&record("shade", &inline)).await;
    for namespace in ["shade-a", "shade-b"] {
        lab.namespace(namespace);
        lab.apply(&workflow(namespace, "one", &json!({"product": "shade"})))
            .await;
        lab.ready(namespace, "one").await;
    }
    let kinds = ["Workflow", "Pipeline", "Secret"];
    let other = lab.resource_versions(&kinds, "shade-b").await;
    lab.apply(&own(record("shade", &inline), "shade-a")).await;
    let bound = lab
        .until(
            ("Workflow", "shade-a", "one"),
            "is bound to its own record",
            |object| object["status"]["bindings"][0]["kind"] == "Extension",
        )
        .await;
    let secret = text(&bound["status"]["bindings"][0]["secret"]);
    assert_ne!(secret, secret_name("shade", "main"));
    let pipeline = lab.get("Pipeline", "shade-a", "one").await.to_string();
    assert!(pipeline.contains(secret) && !pipeline.contains(&secret_name("shade", "main")));
    assert_eq!(other, lab.resource_versions(&kinds, "shade-b").await);
    // The Secret of the record behind is unused now.
    lab.gone("Secret", "shade-a", &secret_name("shade", "main"))
        .await;
    assert_eq!(other, lab.resource_versions(&kinds, "shade-b").await);
}

async fn a_change_reaches_dependents_and_nothing_else(lab: &Lab) {
    section("a change reaches its dependents and nothing else");
    lab.namespace("reach");
    let with =
        |value: &str| json!([{"name": "main", "configuration": [{"name": "KEY", "value": value}]}]);
    for name in ["reach-a", "reach-b"] {
        lab.apply(&record(name, &with("v"))).await;
        lab.apply(&workflow("reach", name, &json!({"extension": name})))
            .await;
        lab.ready("reach", name).await;
    }
    lab.settled(&[
        "Workflow",
        "Pipeline",
        "Secret",
        "ExtensionProjection",
        "ClusterExtension",
    ])
    .await;
    let secret = lab
        .get("Secret", "reach", &secret_name("reach-a", "main"))
        .await;
    let pipeline = lab.get("Pipeline", "reach", "reach-a").await;
    let mut others = Vec::new();
    for (kind, name) in [
        ("Workflow", "reach-b"),
        ("Pipeline", "reach-b"),
        ("Secret", &secret_name("reach-b", "main")),
        ("ExtensionProjection", &secret_name("reach-b", "main")),
    ] {
        others.push((kind, name.to_owned(), lab.get(kind, "reach", name).await));
    }
    lab.apply(&record("reach-a", &with("w"))).await;
    lab.until(
        ("Secret", "reach", &secret_name("reach-a", "main")),
        "is rendered anew",
        |now| version(now) != version(&secret),
    )
    .await;
    pause(2.0).await;
    for (kind, name, before) in others {
        assert_eq!(lab.get(kind, "reach", &name).await, before);
    }
    let after = lab.get("Pipeline", "reach", "reach-a").await;
    assert_eq!(
        version(&after),
        version(&pipeline),
        "a value is no reason to write a pipeline"
    );
}
