//! A tool that applies a workload from Git again and again: the injection changes nothing that it could restore.

use std::time::Duration;

use extension_registry_e2e::Cluster;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::build::{Builder, GIT};
use crate::support::{TIMEOUT, condition, eventually, section};

const INTERVAL: Duration = Duration::from_secs(5);
const DURATION: Duration = Duration::from_mins(2);

/// Name of a Deployment, and arguments of `kubectl apply` and `kubectl diff`.
const APPLIES: [(&str, &[&str]); 2] = [
    ("client-side", &[]),
    (
        "server-side",
        &["--server-side", "--force-conflicts", "--field-manager=git"],
    ),
];

pub(crate) async fn reapplied_workloads_do_not_drift(cluster: &Cluster, build: &Builder) {
    section("a workload that is applied from Git again and again does not change");
    let workloads = APPLIES.map(|(name, arguments)| {
        let manifest = build.deployment(GIT, name).to_string();
        (name, arguments, manifest)
    });
    let mut before = Vec::new();
    for (name, arguments, manifest) in &workloads {
        run(cluster, "apply", arguments, manifest);
        before.push(available(cluster, name).await);
    }
    let start = Instant::now();
    let mut ticks = tokio::time::interval(INTERVAL);
    while start.elapsed() < DURATION {
        ticks.tick().await;
        for ((name, arguments, manifest), before) in workloads.iter().zip(&before) {
            // Fails if there is a difference.
            run(cluster, "diff", arguments, manifest);
            run(cluster, "apply", arguments, manifest);
            assert_eq!(state(cluster, name), *before, "{name}");
        }
    }
}

fn run(cluster: &Cluster, verb: &str, arguments: &[&str], manifest: &str) {
    let arguments = [&[verb, "-f", "-"], arguments].concat();
    cluster.kubectl_with(&arguments, manifest).unwrap();
}

fn list(cluster: &Cluster, kind: &str, app: &str) -> Value {
    let selector = format!("--selector=app={app}");
    let arguments = [
        "get",
        kind,
        "-n",
        GIT,
        &selector,
        "-o=json",
        "--show-managed-fields",
    ];
    let text = cluster.kubectl_run(&arguments).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["items"].clone()
}

/// Returns the Deployment with its resource version and managed fields, and the UIDs of its Pods.
fn state(cluster: &Cluster, name: &str) -> Value {
    let arguments = ["get", "deployment", name, "-n", GIT, "-o=json"];
    let arguments = [&arguments[..], &["--show-managed-fields"]].concat();
    let text = cluster.kubectl_run(&arguments).unwrap();
    let deployment: Value = serde_json::from_str(&text).unwrap();
    let pods = list(cluster, "pods", name);
    let pods: Vec<&Value> = pods
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| &pod["metadata"]["uid"])
        .collect();
    json!({"deployment": deployment, "pods": pods})
}

/// Waits until the Deployment has an available Pod which is bound, and returns its state.
async fn available(cluster: &Cluster, name: &str) -> Value {
    eventually(
        TIMEOUT,
        &format!("Deployment {name} is available"),
        async || {
            let state = state(cluster, name);
            let status = &state["deployment"]["status"];
            let is_complete = condition(&state["deployment"], "Progressing")["reason"]
                == "NewReplicaSetAvailable";
            if !is_complete || status["availableReplicas"] != 1 || status["observedGeneration"] != 1
            {
                return Err(status.to_string());
            }
            let pods = list(cluster, "pods", name);
            assert_eq!(pods[0]["spec"]["volumes"][0]["name"], "ext-storage");
            Ok(state)
        },
    )
    .await
}
