//! The policies removed and installed: Pods that request no bindings are the same.

use extension_registry_e2e::chart::WITHOUT_WEBHOOK;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options};
use serde_json::{Value, json};

use crate::policies::{assert_admitted, assert_refused, section};
use crate::samples::{self, PROJECT, pod, requesting, volume};
use crate::wait_for_injection;

#[tokio::test(flavor = "multi_thread")]
async fn other_pods_are_unchanged() {
    // A cluster of its own, because the policies are removed and installed.
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let values = |enabled| [WITHOUT_WEBHOOK, &[("injection.enabled", enabled)]].concat();
    cluster.install_chart(&values("false")).unwrap();
    cluster.create_namespace(PROJECT).unwrap();
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{namespace: {PROJECT}, name: default}}\n"
    );
    cluster.apply(&account).unwrap();
    let client = cluster.client();
    let mut plain: Vec<Value> = samples::plain_pods();
    // An empty annotation requests nothing.
    plain.push(requesting(""));
    section("`injection.enabled: false` adds nothing");
    let ignored = assert_admitted(&client, &requesting("storage")).await;
    assert!(ignored["spec"]["volumes"].is_null());
    let mut before = Vec::new();
    for pod in &plain {
        before.push(samples::comparable(&assert_admitted(&client, pod).await));
    }

    section("a Pod without the annotation is the same with and without the policies");
    cluster.install_chart(&values("true")).unwrap();
    wait_for_injection(&client).await;
    for (pod, before) in plain.iter().zip(&before) {
        let with_policies = assert_admitted(&client, pod).await;
        assert_eq!(samples::comparable(&with_policies), *before);
    }
    unbound_pods(&cluster).await;
    cluster.stop().await.unwrap();
}

/// Without the mutating policy, a Pod that requests a binding must mount it itself.
async fn unbound_pods(cluster: &Cluster) {
    section("a Pod that would start without a requested binding is rejected");
    let kind = "mutatingadmissionpolicybinding";
    let deleted = cluster.kubectl_run(&["delete", kind, "extension-registry-injection"]);
    deleted.unwrap();
    let client = cluster.client();
    let expected = "spec.containers[main]: requested bindings are missing: injection requires Kubernetes 1.36 or later and the MutatingAdmissionPolicy `extension-registry-injection`; hint: ";
    assert_refused(&client, &requesting("storage"), expected).await;
    let source = |name: &str| json!({"secretRef": {"name": format!("ext-{name}.env")}});
    let mount =
        |name: &str| json!({"name": format!("ext-{name}"), "mountPath": format!("/{name}")});
    let volumes = json!([volume("ext-a"), volume("ext-b")]);
    let bound = json!({
        "name": "main", "image": "i",
        "envFrom": [source("a"), source("b")], "volumeMounts": [mount("a"), mount("b")],
    });
    let with = |container: &Value| {
        let spec = json!({"containers": [container], "volumes": volumes});
        pod(Some("a,b"), spec)
    };
    assert_admitted(&client, &with(&bound)).await;
    for (field, rest) in [
        ("envFrom", json!([source("a")])),
        ("volumeMounts", json!([mount("b")])),
    ] {
        let mut incomplete = bound.clone();
        incomplete[field] = rest;
        assert_refused(&client, &with(&incomplete), expected).await;
    }
}
