//! Waiting and counting.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use extension_registry_e2e::{Cluster, Operator};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::kinds::everywhere;

/// For how long nothing may be written before the operator counts as quiet.
const QUIET: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_mins(4);

/// Whether an object's `Ready` condition is true and speaks of its present spec.
fn is_ready(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let ready = status["conditions"].as_array().is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    ready && status["observedGeneration"].as_i64() == object.metadata.generation
}

/// A watch of all workflows: it tells which became ready, and when.
pub(crate) struct ReadyWatch {
    receiver: mpsc::UnboundedReceiver<(String, Instant)>,
    ready: HashSet<String>,
    task: AbortHandle,
}

impl ReadyWatch {
    /// Lists what is there and watches from then on.
    pub(crate) async fn start(client: &Client) -> Result<Self> {
        let api = everywhere(client, "Workflow");
        let list = api.list(&ListParams::default()).await?;
        let mut version = list.metadata.resource_version.clone().unwrap_or_default();
        let ready = list
            .items
            .iter()
            .filter(|object| is_ready(object))
            .map(path)
            .collect();
        let (sender, receiver) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            // The server ends every watch after a while; it goes on from the last version seen.
            while follow(&api, &mut version, &sender).await.is_ok() {}
        });
        Ok(Self {
            receiver,
            ready,
            task: task.abort_handle(),
        })
    }

    /// Waits until that many workflows are ready; the time of the last.
    pub(crate) async fn until(&mut self, count: usize) -> Result<Instant> {
        let mut last = Instant::now();
        while self.ready.len() < count {
            match tokio::time::timeout(PATIENCE, self.receiver.recv()).await {
                Ok(Some((path, at))) => {
                    if self.ready.insert(path) {
                        last = at;
                    }
                }
                _ => bail!("{} of {count} workflows became ready", self.ready.len()),
            }
        }
        Ok(last)
    }

    /// Waits until this workflow is ready.
    pub(crate) async fn until_ready(&mut self, wanted: &str) -> Result<Instant> {
        loop {
            match tokio::time::timeout(PATIENCE, self.receiver.recv()).await {
                Ok(Some((path, at))) if path == wanted => return Ok(at),
                Ok(Some(_)) => {}
                _ => bail!("{wanted} did not become ready"),
            }
        }
    }
}

impl Drop for ReadyWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn path(object: &DynamicObject) -> String {
    format!(
        "{}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    )
}

async fn follow(
    api: &Api<DynamicObject>,
    version: &mut String,
    sender: &mpsc::UnboundedSender<(String, Instant)>,
) -> Result<()> {
    let mut events = api.watch(&WatchParams::default(), version).await?.boxed();
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                if let Some(seen) = object.resource_version() {
                    *version = seen;
                }
                if is_ready(&object) {
                    sender.send((path(&object), Instant::now()))?;
                }
            }
            WatchEvent::Error(error) => bail!("{error:?}"),
            _ => {}
        }
    }
    Ok(())
}

/// Waits until the operator has written nothing for a while; the time of the last write, and how many
/// there have been.
pub(crate) async fn quiet(operator: &Operator) -> Result<(Instant, f64)> {
    let begun = Instant::now();
    let mut last = (begun, writes(operator)?);
    while last.0.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = writes(operator)?;
        if (now - last.1).abs() > 0.5 {
            last = (Instant::now(), now);
        }
        if begun.elapsed() > PATIENCE {
            bail!("the operator does not stop writing");
        }
    }
    Ok(last)
}

/// Requests that the operator has written with so far.
pub(crate) fn writes(operator: &Operator) -> Result<f64> {
    // An empty sum is -0.
    Ok(operator.metric("extension_registry_writes_total", &[])? + 0.0)
}

/// The writes of the operator by kind and verb.
pub(crate) fn writes_by_kind(operator: &Operator) -> Result<Vec<(String, u64)>> {
    let text = operator.metrics()?;
    let mut counts: Vec<(String, u64)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("extension_registry_writes_total{"))
        .filter_map(|line| {
            let (labels, count) = line.split_once("} ")?;
            Some((labels.replace('"', ""), count.trim().parse().ok()?))
        })
        .collect();
    counts.sort();
    Ok(counts)
}

/// Writing requests that the API server has counted for the kinds that the operator writes.
pub(crate) fn server_writes(cluster: &Cluster) -> Result<f64> {
    const RESOURCES: [&str; 5] = [
        "secrets",
        "workflows",
        "pipelines",
        "extensionprojections",
        "clusterextensions",
    ];
    const VERBS: [&str; 5] = ["POST", "PUT", "PATCH", "APPLY", "DELETE"];
    let text = cluster.kubectl_run(&["get", "--raw", "/metrics"])?;
    let label = |line: &str, name: &str, values: &[&str]| {
        values
            .iter()
            .any(|value| line.contains(&format!("{name}=\"{value}\"")))
    };
    Ok(text
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"))
        .filter(|line| label(line, "resource", &RESOURCES) && label(line, "verb", &VERBS))
        .filter(|line| !line.contains("dry_run=\"All\""))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum())
}

/// Half of the values are below it.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nine of ten values are below it.
pub(crate) fn ninetieth(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() * 9 / 10)
        .copied()
        .unwrap_or(f64::NAN)
}
