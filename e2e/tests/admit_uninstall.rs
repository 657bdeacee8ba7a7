//! What stays after the release is uninstalled: the Secrets of users, and the policies that guard them.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/identity.rs"]
mod identity;
#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use extension_registry_api::RUN_BY_ANNOTATION;
use extension_registry_e2e::chart::RELEASE;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::NAMESPACE;
use extension_registry_e2e::{Cluster, Installed, Options};
use identity::{
    ENGINE, PROJECT, RIGHTS, TEAM, no_pod_for_grace, pod, run, secret_of, user_of_run, user_record,
    user_workflow,
};
use kube::api::{Patch, PatchParams, PostParams};
use people::{create, create_dry, objects, person};
use serde_json::{Value, json};
use support::{Lab, eventually, section};

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_users_stay_guarded_after_an_uninstall() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    let mut lab = Lab::begin(cluster, installed, "uninstall", &[]);
    lab.namespace(PROJECT);
    lab.cluster.apply(RIGHTS).unwrap();
    lab.apply(&user_record()).await;
    let ada = person(&lab.cluster, "ada", &[TEAM]);
    create(&ada, &user_workflow("train"), &PostParams::default())
        .await
        .unwrap();
    let secret = secret_of(&lab.ready(PROJECT, "train").await);
    let mut hers = run("train");
    hers["metadata"]["name"] = json!("hers");
    create(&ada, &hers, &PostParams::default()).await.unwrap();
    lab.stop_operator();
    lab.cluster
        .helm(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait"])
        .unwrap();
    what_guards_the_secret_stays(&lab, &secret).await;
    everything_else_goes_on(&lab, &secret).await;
    lab.stop_after_faults().await;
}

async fn what_guards_the_secret_stays(lab: &Lab, secret: &str) {
    section("the Secret stays, and so do its rules");
    let engine = person(&lab.cluster, ENGINE, &["system:masters"]);
    let grace = person(&lab.cluster, "grace", &[TEAM]);
    let admin = lab.cluster.client();
    assert!(lab.get("Secret", PROJECT, secret).await.is_object());
    // A policy that is deleted is in force for a moment longer.
    let free = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": PROJECT, "name": "ext-x-0123456789abcdef"}});
    eventually(
        Duration::from_secs(20),
        "the other policies are gone",
        async || create_dry(&admin, &free).await,
    )
    .await;
    no_pod_for_grace(lab, secret).await;
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
    let said = change("RunGate", "extension-registry", stolen, false).await;
    assert!(
        said.contains("can only be written by the registry operator"),
        "{said}"
    );
    let said = change(
        "PipelineRun",
        "hers",
        json!({"status": {"podName": "mine"}}),
        true,
    )
    .await;
    assert!(
        said.contains("only the pipeline engine can write the status"),
        "{said}"
    );
    let said = change(
        "PipelineRun",
        "hers",
        json!({"spec": {"params": []}}),
        false,
    )
    .await;
    assert!(said.contains("a run cannot be changed"), "{said}");
    let said = change("Pipeline", "train", json!({"spec": {"tasks": []}}), false).await;
    assert!(
        said.contains("only the registry operator can create or change"),
        "{said}"
    );
    let mut forged = run("x");
    forged["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: "ada"});
    assert_eq!(user_of_run(&grace, &forged).await, "grace");
}

async fn everything_else_goes_on(lab: &Lab, secret: &str) {
    section("everything else in the cluster goes on, with the definitions and without them");
    let engine = person(&lab.cluster, ENGINE, &["system:masters"]);
    let grace = person(&lab.cluster, "grace", &[TEAM]);
    let plain = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": PROJECT, "name": "plain"},
        "spec": {"containers": [{"name": "main", "image": "i"}]}});
    create_dry(&grace, &plain).await.unwrap();
    // Without its definition the collector of garbage no longer finds the owner of a Secret.
    let delete = ["delete", "extensionprojections", "--all", "-n", PROJECT];
    lab.cluster.kubectl_run(&delete).unwrap();
    let what = "the rendered Secret is gone";
    eventually(Duration::from_mins(2), what, async || {
        match lab.get("Secret", PROJECT, secret).await {
            Value::Null => Ok(()),
            _ => Err("it is there".to_owned()),
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
    lab.cluster.kubectl_run(&delete).unwrap();
    for client in [&grace, &engine] {
        create_dry(client, &plain).await.unwrap();
    }
    let said = create_dry(&engine, &pod(secret, "ada", ""))
        .await
        .unwrap_err();
    assert!(said.contains("denied request"), "{said}");

    section("a second installation takes over what stayed");
    lab.cluster
        .install_chart(&[("webhook.enabled", "false")])
        .unwrap();
    create_dry(&grace, &plain).await.unwrap();

    section("what stayed can be deleted by its label");
    lab.cluster
        .helm(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait"])
        .unwrap();
    let kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings,validatingadmissionpolicies,validatingadmissionpolicybindings";
    let label = format!("app.kubernetes.io/instance={RELEASE}");
    lab.cluster
        .kubectl_run(&["delete", kinds, "-l", &label])
        .unwrap();
    let left = lab
        .cluster
        .kubectl_run(&["get", kinds, "-o", "name"])
        .unwrap();
    assert_eq!(left, "");
}
