//! Waits for status and counts writes.

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

use super::kinds::all_namespaces;

/// Time without a write after which the operator is considered quiet.
const QUIET_PERIOD: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_mins(4);

/// Returns whether an object is ready in its current generation.
fn is_ready(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let ready = status["conditions"].as_array().is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    ready && status["observedGeneration"].as_i64() == object.metadata.generation
}

/// A watch that reports when objects of a kind become ready.
pub(crate) struct ReadyWatch {
    receiver: mpsc::UnboundedReceiver<(String, Instant)>,
    ready: HashSet<String>,
    task: AbortHandle,
}

impl ReadyWatch {
    /// Lists all objects of the kind and watches from that version on.
    pub(crate) async fn start(client: &Client, kind: &str) -> Result<Self> {
        let api = all_namespaces(client, kind);
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
            // The server closes every watch after a while; the next one continues from the last observed
            // version.
            while follow(&api, &mut version, &sender).await.is_ok() {}
        });
        Ok(Self {
            receiver,
            ready,
            task: task.abort_handle(),
        })
    }

    /// Waits until this many objects are ready, and returns the time of the last one.
    pub(crate) async fn until(&mut self, count: usize) -> Result<Instant> {
        let mut last = Instant::now();
        while self.ready.len() < count {
            match tokio::time::timeout(TIMEOUT, self.receiver.recv()).await {
                Ok(Some((path, at))) => {
                    if self.ready.insert(path) {
                        last = at;
                    }
                }
                _ => bail!("{} of {count} objects became ready", self.ready.len()),
            }
        }
        Ok(last)
    }

    /// Waits until this object is ready, and returns the time.
    pub(crate) async fn until_ready(&mut self, wanted: &str) -> Result<Instant> {
        loop {
            match tokio::time::timeout(TIMEOUT, self.receiver.recv()).await {
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

/// Waits until the operator is quiet, and returns the time of the last write and the number of writes.
pub(crate) async fn wait_until_quiet(operator: &Operator) -> Result<(Instant, f64)> {
    let start = Instant::now();
    let mut last = (start, writes(operator)?);
    while last.0.elapsed() < QUIET_PERIOD {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = writes(operator)?;
        if (now - last.1).abs() > 0.5 {
            last = (Instant::now(), now);
        }
        if start.elapsed() > TIMEOUT {
            bail!("the operator does not stop writing");
        }
    }
    Ok(last)
}

/// Returns the number of write requests of the operator.
pub(crate) fn writes(operator: &Operator) -> Result<f64> {
    // An empty sum is -0.
    Ok(operator.metric("extension_registry_writes_total", &[])? + 0.0)
}

/// Returns the write requests of the operator by kind and verb.
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

/// Returns the number of write requests that the API server counted for the kinds that the operator writes.
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

/// Returns the median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the 90th percentile.
pub(crate) fn percentile_90(values: Vec<f64>) -> f64 {
    percentile(values, 90)
}

/// Returns a percentile.
pub(crate) fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() * percent / 100)
        .copied()
        .unwrap_or(f64::NAN)
}
