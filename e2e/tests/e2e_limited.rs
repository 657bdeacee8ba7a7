//! An operator that is limited to some namespaces: it reconciles there, and has no effect and no permissions
//! elsewhere.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};
use support::{
    TestEnv, condition, from_secret, own, pause, record, secret_name, section, text, workflow,
};

const OPERATOR: &str = "system:serviceaccount:extension-registry:extension-registry";

#[tokio::test(flavor = "multi_thread")]
async fn operator_is_limited_to_its_namespaces() {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await
    .unwrap();
    // The chart creates a role in each of the namespaces.
    cluster.create_namespace("one").unwrap();
    cluster.create_namespace("two").unwrap();
    let installed = Installed::with_webhook(&cluster, &[("namespaces", "{one}")]).unwrap();
    let env = TestEnv::new(cluster, installed, "limited", &["--namespaces", "one"]);

    reconciles_in_listed_namespace(&env).await;
    ignores_other_namespace(&env).await;
    has_no_permissions_in_other_namespace(&env).await;
    no_cluster_role_mentions_secrets(&env).await;
    env.stop().await;
}

async fn reconciles_in_listed_namespace(env: &TestEnv) {
    section("a cluster record serves the namespace");
    env.source("extension-registry-records", "shared", "p-1")
        .await;
    env.apply(&record("shared", &from_secret("shared"))).await;
    env.apply(&workflow("one", "trains", &json!({"product": "shared"})))
        .await;
    env.wait_until_ready("one", "trains").await;
    let secret = secret_name("shared", "main");
    env.wait_until(("Secret", "one", &secret), "is rendered", |secret| {
        !secret["data"].is_null()
    })
    .await;
    // The status of cluster records is written too.
    env.wait_until(
        ("ClusterExtension", "", "shared"),
        "has a status",
        |record| record["status"].is_object(),
    )
    .await;

    section("a record of the namespace serves it too");
    env.source("one", "own", "p-2").await;
    env.apply(&own(record("own", &from_secret("own")), "one"))
        .await;
    env.apply(&workflow("one", "own", &json!({"product": "own"})))
        .await;
    env.wait_until_ready("one", "own").await;
}

async fn ignores_other_namespace(env: &TestEnv) {
    section("other namespaces are ignored");
    env.apply(&own(record("own", &json!([{"name": "main"}])), "two"))
        .await;
    env.apply(&workflow("two", "waits", &json!({"product": "shared"})))
        .await;
    // The webhook is called only in the listed namespace.
    let mut unknown = workflow("two", "unchecked", &json!({"product": "shared"}));
    unknown["spec"]["steps"][0]["args"] = json!(["{{ extensions.none.KEY }}"]);
    env.apply(&unknown).await;
    unknown["metadata"]["namespace"] = json!("one");
    let refused = env.try_apply(&unknown).await.unwrap_err().to_string();
    assert!(refused.contains("validate-workflows"), "{refused}");
    // The same in the listed namespace, to know how long to wait.
    env.apply(&workflow("one", "later", &json!({"product": "shared"})))
        .await;
    env.wait_until_ready("one", "later").await;
    pause(3.0).await;
    let waits = env.get("Workflow", "two", "waits").await;
    assert!(condition(&waits, "Ready")["status"] != "True", "{waits:#}");
    assert!(waits["status"]["observedGeneration"].is_null(), "{waits:#}");
    for kind in ["Pipeline", "ExtensionProjection", "Secret"] {
        let created = env.list(kind, "two").await;
        assert!(created.is_empty(), "{kind}: {created:#?}");
    }
    let record = env.get("Extension", "two", "own").await;
    assert!(
        record["status"]["observedGeneration"].is_null(),
        "{record:#}"
    );
    println!("status of the workflow there: {}", waits["status"]);
}

async fn has_no_permissions_in_other_namespace(env: &TestEnv) {
    section("the operator has no permissions in other namespaces");
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
                !is_allowed(env, verb, "", "secrets", namespace).await,
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
                !is_allowed(env, verb, group, resource, "two").await,
                "{verb} {resource} -n two"
            );
        }
        let written = ["create", "update", "delete"].contains(&verb);
        assert_eq!(
            is_allowed(env, verb, "", "secrets", "one").await,
            written,
            "{verb} secrets -n one"
        );
    }
}

async fn is_allowed(
    env: &TestEnv,
    verb: &str,
    group: &str,
    resource: &str,
    namespace: &str,
) -> bool {
    let review = serde_json::from_value(json!({
        "spec": {"user": OPERATOR, "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "namespace": namespace,
            }},
    }))
    .unwrap();
    let review = Api::<SubjectAccessReview>::all(env.cluster.client())
        .create(&PostParams::default(), &review)
        .await
        .unwrap();
    review.status.unwrap().allowed
}

async fn no_cluster_role_mentions_secrets(env: &TestEnv) {
    section("no cluster role of the chart mentions secrets");
    let mut seen = Vec::new();
    for role in Api::<ClusterRole>::all(env.cluster.client())
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
