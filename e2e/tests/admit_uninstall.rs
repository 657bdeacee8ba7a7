//! Objects that an uninstall keeps: the Secrets of users, and the policies that guard them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/identity.rs"]
mod identity;
mod support;
#[path = "support/users.rs"]
mod users;

use std::time::Duration;

use extension_registry_api::RUN_BY_ANNOTATION;
use extension_registry_e2e::chart::RELEASE;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::NAMESPACE;
use extension_registry_e2e::{Cluster, Installed, Options};
use identity::{
    ENGINE, PROJECT, TEAM, create_roles, no_pod_for_grace, pod, run, secret_of, user_of_run,
    user_record, user_workflow,
};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use support::{TestEnv, eventually, section};
use users::{create, create_dry, impersonate, objects};

#[tokio::test(flavor = "multi_thread")]
async fn user_secrets_stay_guarded_after_uninstall() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    let mut env = TestEnv::new(cluster, installed, "uninstall", &[]);
    env.namespace(PROJECT);
    create_roles(&env).await;
    env.apply(&user_record()).await;
    let ada = impersonate(&env.cluster, "ada", &[TEAM]);
    create(&ada, &user_workflow("train"), &PostParams::default())
        .await
        .unwrap();
    let secret = secret_of(&env.wait_until_ready(PROJECT, "train").await);
    let mut ada_run = run("train");
    ada_run["metadata"]["name"] = json!("hers");
    create(&ada, &ada_run, &PostParams::default())
        .await
        .unwrap();
    env.stop_operator();
    env.cluster
        .helm(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait"])
        .unwrap();
    secret_and_policies_are_kept(&env, &secret).await;
    other_objects_are_unaffected(&env, &secret).await;
    env.stop_after_faults().await;
}

async fn secret_and_policies_are_kept(env: &TestEnv, secret: &str) {
    section("the Secret and its policies are kept");
    let engine = impersonate(&env.cluster, ENGINE, &["system:masters"]);
    let grace = impersonate(&env.cluster, "grace", &[TEAM]);
    let admin = env.cluster.client();
    assert!(env.get("Secret", PROJECT, secret).await.is_object());
    // A deleted policy stays active for a moment.
    let free = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": PROJECT, "name": "ext-x-0123456789abcdef"}});
    eventually(
        Duration::from_mins(1),
        "the other policies are gone",
        async || create_dry(&admin, &free).await,
    )
    .await;
    no_pod_for_grace(env, secret).await;
    create_dry(&engine, &pod(secret, "ada", "")).await.unwrap();
    let change = async |kind: &str, name: &str, patch: Value, status: bool| {
        let api_version = if kind == "RunGate" {
            "registry.fuseml.io/v1alpha1"
        } else {
            "tekton.dev/v1"
        };
        let api = objects(&admin, api_version, kind, PROJECT);
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        let changed = if status {
            api.patch_status(name, &parameters, &patch).await
        } else {
            api.patch(name, &parameters, &patch).await
        };
        changed.unwrap_err().to_string()
    };
    let stolen = json!({"spec": {"userSecrets": {secret: {"user": "grace"}}}});
    let message = change("RunGate", "extension-registry", stolen, false).await;
    assert!(
        message.contains("can only be written by the registry operator"),
        "{message}"
    );
    let message = change(
        "PipelineRun",
        "hers",
        json!({"status": {"podName": "mine"}}),
        true,
    )
    .await;
    assert!(
        message.contains("only the pipeline engine can write the status"),
        "{message}"
    );
    let message = change(
        "PipelineRun",
        "hers",
        json!({"spec": {"params": []}}),
        false,
    )
    .await;
    assert!(message.contains("a run cannot be changed"), "{message}");
    let message = change("Pipeline", "train", json!({"spec": {"tasks": []}}), false).await;
    assert!(
        message.contains("only the registry operator can create or change"),
        "{message}"
    );
    let mut forged = run("x");
    forged["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: "ada"});
    assert_eq!(user_of_run(&grace, &forged).await, "grace");
}

async fn other_objects_are_unaffected(env: &TestEnv, secret: &str) {
    section("other objects are unaffected, with and without the CRDs");
    let engine = impersonate(&env.cluster, ENGINE, &["system:masters"]);
    let grace = impersonate(&env.cluster, "grace", &[TEAM]);
    let plain = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": PROJECT, "name": "plain"},
        "spec": {"containers": [{"name": "main", "image": "i"}]}});
    create_dry(&grace, &plain).await.unwrap();
    // Without the CRD the garbage collector no longer finds the owner of a Secret.
    let delete = ["delete", "extensionprojections", "--all", "-n", PROJECT];
    env.cluster.kubectl_run(&delete).unwrap();
    let what = "the rendered Secret is gone";
    eventually(Duration::from_mins(2), what, async || {
        match env.get("Secret", PROJECT, secret).await {
            Value::Null => Ok(()),
            _ => Err("it exists".to_owned()),
        }
    })
    .await;
    let definitions = [
        "clusterextensions",
        "extensions",
        "workflows",
        "extensionprojections",
        "rungates",
    ];
    let definitions = definitions.map(|plural| format!("{plural}.registry.fuseml.io"));
    let mut delete = vec!["delete", "crd"];
    delete.extend(definitions.iter().map(String::as_str));
    env.cluster.kubectl_run(&delete).unwrap();
    for client in [&grace, &engine] {
        create_dry(client, &plain).await.unwrap();
    }
    let message = create_dry(&engine, &pod(secret, "ada", ""))
        .await
        .unwrap_err();
    assert!(message.contains("denied request"), "{message}");

    section("a second installation adopts the kept objects");
    env.cluster
        .install_chart(&[("webhook.enabled", "false")])
        .unwrap();
    create_dry(&grace, &plain).await.unwrap();

    section("the kept objects can be deleted by label");
    env.cluster
        .helm(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait"])
        .unwrap();
    let kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings,validatingadmissionpolicies,validatingadmissionpolicybindings";
    let label = format!("app.kubernetes.io/instance={RELEASE}");
    env.cluster
        .kubectl_run(&["delete", kinds, "-l", &label])
        .unwrap();
    let remaining = env
        .cluster
        .kubectl_run(&["get", kinds, "-o", "name"])
        .unwrap();
    assert_eq!(remaining, "");
}
