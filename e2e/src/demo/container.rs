//! Runs a Pod with the container of a generated task, as the engine would.

use anyhow::{Context, Result};
use extension_registry_e2e::BUSYBOX_IMAGE;
use serde_json::{Value, json};

use crate::stage::{PROJECT, Stage, list};

/// The busybox image for an existing cluster.
const PUBLIC_IMAGE: &str = "docker.io/library/busybox:stable";

/// Prints the name, the length and a salted fingerprint of every file and of every variable that
/// comes from a Secret. No value is printed.
const SCRIPT: &str = r#"
mark() { printf '%s' "$SALT$1" | sha256sum | cut -c1-10; }
for file in $(find "$SERVICE_BINDING_ROOT/" -follow -type f ! -path '*/..*' | sort); do
  value=$(cat "$file")
  printf 'file %-50s %4s bytes, fingerprint %s\n' "$file" "${#value}" "$(mark "$value")"
done
for name in $NAMES; do
  eval "value=\${$name}"
  printf 'env  %-50s %4s bytes, fingerprint %s\n' "$name" "${#value}" "$(mark "$value")"
done
"#;

/// Parameters of a run.
pub(crate) struct Run<'a> {
    pub(crate) pod: &'a str,
    pub(crate) salt: &'a str,
}

/// Returns the task of a step in a pipeline.
pub(crate) fn task<'p>(pipeline: &'p Value, step: &str) -> Result<&'p Value> {
    list(&pipeline["spec"]["tasks"])
        .iter()
        .find(|task| task["name"] == step)
        .map(|task| &task["taskSpec"])
        .with_context(|| format!("the pipeline has no task `{step}`"))
}

/// Runs the container of the step and returns its output.
pub(crate) async fn run(stage: &Stage, task: &Value, run: &Run<'_>) -> Result<String> {
    let manifest = pod(stage, task, run);
    stage.cluster.apply(&manifest.to_string())?;
    stage
        .until("Pod", run.pod, "has ended well", |pod| {
            pod["status"]["phase"] == "Succeeded"
        })
        .await?;
    let printed = stage
        .cluster
        .kubectl_run(&["logs", run.pod, "-n", PROJECT])?;
    stage
        .cluster
        .kubectl_run(&["delete", "pod", run.pod, "-n", PROJECT, "--wait=false"])?;
    Ok(printed)
}

fn pod(stage: &Stage, task: &Value, run: &Run<'_>) -> Value {
    let step = &task["steps"][0];
    let names: Vec<&str> = list(&step["env"])
        .iter()
        .filter(|variable| variable["valueFrom"].is_object())
        .filter_map(|variable| variable["name"].as_str())
        .collect();
    let mut env = list(&step["env"]).to_vec();
    env.push(json!({"name": "SALT", "value": run.salt}));
    env.push(json!({"name": "NAMES", "value": names.join(" ")}));
    // Workspaces are Tekton's own; only the volumes of the task are mounted.
    let is_volume = |mount: &&Value| {
        list(&task["volumes"])
            .iter()
            .any(|volume| volume["name"] == mount["name"])
    };
    let mounts: Vec<&Value> = list(&step["volumeMounts"])
        .iter()
        .filter(is_volume)
        .collect();
    let image = if stage.cluster.folder().is_some() {
        BUSYBOX_IMAGE
    } else {
        PUBLIC_IMAGE
    };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": run.pod, "namespace": PROJECT},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
            "volumes": task["volumes"],
            "containers": [{
                "name": "step",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", SCRIPT],
                "env": env,
                "volumeMounts": mounts,
            }],
        },
    })
}
