//! An operator of some namespaces: it works there, and elsewhere it does nothing and could do nothing.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};
use support::{
    Lab, condition, from_secret, own, pause, record, secret_name, section, text, workflow,
};

const OPERATOR: &str = "system:serviceaccount:extension-registry:extension-registry";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_of_one_namespace_stays_there() {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await
    .unwrap();
    // The chart puts a role into each of the namespaces.
    cluster.create_namespace("one").unwrap();
    cluster.create_namespace("two").unwrap();
    let installed = Installed::with_webhook(&cluster, &[("namespaces", "{one}")]).unwrap();
    let lab = Lab::begin(cluster, installed, "limited", &["--namespaces", "one"]);

    it_works_in_one(&lab).await;
    it_does_nothing_in_two(&lab).await;
    it_has_no_power_in_two(&lab).await;
    no_cluster_role_mentions_secrets(&lab).await;
    lab.stop().await;
}

async fn it_works_in_one(lab: &Lab) {
    section("a cluster record serves the namespace");
    lab.source("extension-registry-records", "shared", "p-1")
        .await;
    lab.apply(&record("shared", &from_secret("shared"))).await;
    lab.apply(&workflow("one", "trains", &json!({"product": "shared"})))
        .await;
    lab.ready("one", "trains").await;
    let secret = secret_name("shared", "main");
    lab.until(("Secret", "one", &secret), "is rendered", |secret| {
        !secret["data"].is_null()
    })
    .await;
    // Its state of a record without a namespace is written, too.
    lab.until(
        ("ClusterExtension", "", "shared"),
        "has a status",
        |record| record["status"].is_object(),
    )
    .await;

    section("and so does a record of its own");
    lab.source("one", "own", "p-2").await;
    lab.apply(&own(record("own", &from_secret("own")), "one"))
        .await;
    lab.apply(&workflow("one", "own", &json!({"product": "own"})))
        .await;
    lab.ready("one", "own").await;
}

async fn it_does_nothing_in_two(lab: &Lab) {
    section("elsewhere nothing happens");
    lab.apply(&own(record("own", &json!([{"name": "main"}])), "two"))
        .await;
    lab.apply(&workflow("two", "waits", &json!({"product": "shared"})))
        .await;
    // The webhook is called in the namespace that is served, and not here.
    let mut unknown = workflow("two", "unchecked", &json!({"product": "shared"}));
    unknown["spec"]["steps"][0]["args"] = json!(["{{ extensions.none.KEY }}"]);
    lab.apply(&unknown).await;
    unknown["metadata"]["namespace"] = json!("one");
    let refused = lab.try_apply(&unknown).await.unwrap_err().to_string();
    assert!(refused.contains("validate-workflows"), "{refused}");
    // The same in the namespace that is served, as the measure of time.
    lab.apply(&workflow("one", "later", &json!({"product": "shared"})))
        .await;
    lab.ready("one", "later").await;
    pause(3.0).await;
    let waits = lab.get("Workflow", "two", "waits").await;
    assert!(condition(&waits, "Ready")["status"] != "True", "{waits:#}");
    assert!(waits["status"]["observedGeneration"].is_null(), "{waits:#}");
    for kind in ["Pipeline", "ExtensionProjection", "Secret"] {
        let made = lab.list(kind, "two").await;
        assert!(made.is_empty(), "{kind}: {made:#?}");
    }
    let record = lab.get("Extension", "two", "own").await;
    assert!(
        record["status"]["observedGeneration"].is_null(),
        "{record:#}"
    );
    println!("status of the workflow there: {}", waits["status"]);
}

async fn it_has_no_power_in_two(lab: &Lab) {
    section("its powers end where its work ends");
    for verb in [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
    ] {
        for namespace in ["two", "kube-system", "default", ""] {
            assert!(
                !may(lab, verb, "", "secrets", namespace).await,
                "{verb} secrets -n `{namespace}`"
            );
        }
        for (group, resource) in [
            ("registry.fuseml.io", "workflows"),
            ("registry.fuseml.io", "extensions"),
            ("registry.fuseml.io", "extensionprojections"),
            ("tekton.dev", "pipelines"),
        ] {
            assert!(
                !may(lab, verb, group, resource, "two").await,
                "{verb} {resource} -n two"
            );
        }
        let written = ["create", "update", "delete"].contains(&verb);
        assert_eq!(
            may(lab, verb, "", "secrets", "one").await,
            written,
            "{verb} secrets -n one"
        );
    }
}

async fn may(lab: &Lab, verb: &str, group: &str, resource: &str, namespace: &str) -> bool {
    let review = serde_json::from_value(json!({
        "spec": {"user": OPERATOR, "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "namespace": namespace,
            }},
    }))
    .unwrap();
    let answer = Api::<SubjectAccessReview>::all(lab.cluster.client())
        .create(&PostParams::default(), &review)
        .await
        .unwrap();
    answer.status.unwrap().allowed
}

async fn no_cluster_role_mentions_secrets(lab: &Lab) {
    section("no cluster role of the chart mentions secrets");
    let mut seen = Vec::new();
    for role in Api::<ClusterRole>::all(lab.cluster.client())
        .list(&ListParams::default())
        .await
        .unwrap()
    {
        let role: Value = serde_json::to_value(role).unwrap();
        let name = text(&role["metadata"]["name"]);
        if name.starts_with("extension-registry") {
            let rules = role["rules"].to_string();
            assert!(!rules.contains("\"secrets\""), "{name}: {rules}");
            assert!(!rules.contains("\"*\""), "{name}: {rules}");
            seen.push(name.to_owned());
        }
    }
    assert!(seen.contains(&"extension-registry".to_owned()), "{seen:?}");
}
