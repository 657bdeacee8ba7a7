//! Runs a task of a generated pipeline as a Pod, and reads the environment, arguments and files of its
//! process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use extension_registry_e2e::{BUSYBOX_IMAGE, Cluster};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{LogParams, PostParams};
use serde_json::{Value, json};

use crate::fixture::{list, text};

/// Prints the environment and the command line of the first process, and all files of the bindings. Avoids
/// `$(…)`, which Kubernetes would expand.
const PRINT: &str = r#"
x=`base64 /proc/1/environ | tr -d '\n'`; echo "ENVIRONMENT $x"
x=`base64 /proc/1/cmdline | tr -d '\n'`; echo "ARGUMENTS $x"
if [ -n "$SERVICE_BINDING_ROOT" ] && cd "$SERVICE_BINDING_ROOT"; then
  for file in */*; do
    x=`base64 "$file" | tr -d '\n'`; echo "FILE $file $x"
    if touch "$file" 2>/dev/null; then echo "WRITABLE $file"; fi
  done
fi
echo END"#;

/// Environment, arguments and files of a process.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The whole log, for steps with their own command.
    pub(crate) log: String,
}

impl Seen {
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    pub(crate) fn file(&self, name: &str) -> Option<String> {
        let bytes = self.files.get(name)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn parse(log: String) -> Self {
        let mut seen = Self::default();
        for line in log.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ENVIRONMENT", value] => {
                    for pair in parts(value) {
                        let (name, value) = pair.split_once('=').expect("a variable");
                        let before = seen.environment.insert(name.to_owned(), value.to_owned());
                        assert_eq!(before, None, "{name} is set twice");
                    }
                }
                ["ARGUMENTS", value] => seen.arguments = parts(value),
                ["FILE", name, value] => {
                    seen.files.insert(name.to_owned(), decode(value));
                }
                ["WRITABLE", name] => panic!("the step can write to {name}"),
                _ => {}
            }
        }
        seen.log = log;
        seen
    }
}

fn decode(base64: &str) -> Vec<u8> {
    serde_json::from_value::<ByteString>(json!(base64))
        .unwrap()
        .0
}

fn parts(base64: &str) -> Vec<String> {
    let all = String::from_utf8(decode(base64)).expect("UTF-8");
    all.split_terminator('\0').map(str::to_owned).collect()
}

/// Values that a run provides: params of the pipeline, and results of other tasks.
pub(crate) type RunValues<'g> = &'g [(&'g str, &'g str)];

/// Substitutes references once each, as Tekton does before it creates a Pod.
fn substitute(template: &str, values: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    'next: while let Some(start) = rest.find("$(") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        for (reference, value) in values {
            if let Some(after) = from.strip_prefix(&format!("$({reference})")) {
                out.push_str(value);
                rest = after;
                continue 'next;
            }
        }
        out.push_str("$(");
        rest = &from[2..];
    }
    out + rest
}

/// Returns the only step of a task as a Pod.
pub(crate) fn pod(pipeline: &Value, task: &str, name: &str, values: RunValues<'_>) -> Value {
    let mut outer: Vec<(String, String)> = Vec::new();
    for param in list(&pipeline["spec"]["params"]) {
        let param_name = text(&param["name"]);
        let value = values.iter().find(|(name, _)| *name == param_name);
        if let Some(value) = value.map(|(_, value)| *value).or(param["default"].as_str()) {
            outer.push((format!("params.{param_name}"), value.to_owned()));
        }
    }
    outer.extend(
        values
            .iter()
            .filter(|(name, _)| name.starts_with("tasks."))
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let task = list(&pipeline["spec"]["tasks"])
        .iter()
        .find(|other| other["name"] == task)
        .unwrap_or_else(|| panic!("no task {task}"));
    let passed: Vec<(String, String)> = list(&task["params"])
        .iter()
        .map(|param| {
            let value = substitute(text(&param["value"]), &outer);
            assert!(
                !value.contains("$(params.") && !value.contains("$(tasks."),
                "not given: {value}"
            );
            (format!("params.{}", text(&param["name"])), value)
        })
        .collect();
    let spec = &task["taskSpec"];
    let [step] = list(&spec["steps"]) else {
        panic!("one step a task");
    };
    let fill = |value: &Value| match value {
        Value::String(text) => json!(substitute(text, &passed)),
        other => other.clone(),
    };
    let mut container = step.clone();
    for variable in container["env"].as_array_mut().into_iter().flatten() {
        if variable.get("value").is_some() {
            variable["value"] = fill(&variable["value"]);
        }
    }
    for field in ["args", "command"] {
        for argument in container[field].as_array_mut().into_iter().flatten() {
            *argument = fill(argument);
        }
    }
    container["image"] = fill(&step["image"]);
    if step.get("command").is_none() {
        // Replaces the entry point of the image, and gets the same arguments.
        container["command"] = json!(["sh", "-c", PRINT, "print"]);
    }
    container["imagePullPolicy"] = json!("IfNotPresent");
    if let Some(resources) = container
        .as_object_mut()
        .unwrap()
        .remove("computeResources")
    {
        container["resources"] = resources;
    }
    let mut volumes = list(&spec["volumes"]).to_vec();
    let mut mounts = list(&container["volumeMounts"]).to_vec();
    for workspace in list(&spec["workspaces"]) {
        let volume = format!("workspace-{}", text(&workspace["name"]));
        volumes.push(json!({"name": volume, "emptyDir": {}}));
        mounts.push(json!({"name": volume, "mountPath": workspace["mountPath"]}));
    }
    container["volumeMounts"] = json!(mounts);
    json!({
        "metadata": {"name": name, "namespace": pipeline["metadata"]["namespace"]},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "containers": [container],
            "volumes": volumes,
        },
    })
}

/// Runs a Pod to completion, with the busybox image under the requested name.
pub(crate) async fn run(cluster: &Cluster, mut pod: Value) -> Seen {
    let image = text(&pod["spec"]["containers"][0]["image"]).to_owned();
    if cluster.folder().is_none() {
        pod["spec"]["containers"][0]["image"] = json!("busybox:1.37");
    } else if image != BUSYBOX_IMAGE {
        cluster.image_alias(&image).await.unwrap();
    }
    let name = text(&pod["metadata"]["name"]).to_owned();
    let namespace = text(&pod["metadata"]["namespace"]).to_owned();
    let pods = Api::<Pod>::namespaced(cluster.client(), &namespace);
    let object: Pod = serde_json::from_value(pod).unwrap();
    // The default ServiceAccount of a new namespace is created with a delay.
    let start = Instant::now();
    while let Err(error) = pods.create(&PostParams::default(), &object).await {
        assert!(
            start.elapsed() < Duration::from_mins(1)
                && error.to_string().contains("serviceaccount"),
            "{error}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    loop {
        let status = pods.get(&name).await.unwrap().status.unwrap_or_default();
        match status.phase.as_deref() {
            Some("Succeeded") => break,
            Some("Failed") => {
                let log = pods.logs(&name, &LogParams::default()).await;
                panic!("{namespace}/{name} failed: {log:?}");
            }
            _ => {}
        }
        assert!(
            start.elapsed() < Duration::from_mins(5),
            "{namespace}/{name} does not end: {:?}",
            status.container_statuses
        );
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let log = pods.logs(&name, &LogParams::default()).await.unwrap();
    let _ = pods
        .delete(&name, &kube::api::DeleteParams::default().grace_period(0))
        .await;
    Seen::parse(log)
}
