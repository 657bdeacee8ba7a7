//! Cost of the admission policies: many workflows in one namespace, and the start of a run in it.

use std::time::Instant;

use anyhow::{Context, Result};
use extension_registry_e2e::{Cluster, Installed, Node, Options};
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::kinds::{all_namespaces, namespaced};
use super::measure::{ReadyWatch, median, wait_until_quiet};
use super::objects;
use crate::Scale;
use crate::report::Report;

/// Limit of the cost of one namespace relative to many, and of a run among many workflows relative to one in
/// an empty namespace.
const RELATIVE_LIMIT: f64 = 1.2;

const PREFIX: &str = "gated";
const EMPTY: &str = "gated-empty";

pub(crate) async fn run(scale: Scale, report: &mut Report) -> Result<()> {
    let spread = bind(scale, scale.namespaces, None).await?;
    let mut starts = Starts::default();
    let together = bind(scale, 1, Some(&mut starts)).await?;
    report.note("policies: time to bind, many namespaces", spread.0, "s");
    report.note("policies: time to bind, one namespace", together.0, "s");
    report.at_most(
        "policies: time to bind, one namespace relative to many",
        together.0 / spread.0,
        RELATIVE_LIMIT,
        "",
    );
    report.at_most(
        "policies: API server CPU, one namespace relative to many",
        together.1 / spread.1,
        RELATIVE_LIMIT,
        "",
    );
    report.note(
        "start of a run in an empty namespace, median",
        starts.empty,
        "ms",
    );
    report.at_most(
        "start of a run among workflows, relative to empty",
        starts.among_workflows,
        RELATIVE_LIMIT,
        "",
    );
    report.at_most(
        "start of a run among held Pipelines, relative to empty",
        starts.held,
        RELATIVE_LIMIT,
        "",
    );
    Ok(())
}

/// Starts of runs: milliseconds in an empty namespace, and the other durations relative to that.
#[derive(Default)]
struct Starts {
    empty: f64,
    among_workflows: f64,
    held: f64,
}

/// Returns the seconds until all workflows are ready, and the CPU seconds of the API server.
async fn bind(scale: Scale, namespaces: usize, starts: Option<&mut Starts>) -> Result<(f64, f64)> {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await?;
    let result = measure(&cluster, scale, namespaces, starts).await;
    cluster.stop().await?;
    result
}

async fn measure(
    cluster: &Cluster,
    scale: Scale,
    namespaces: usize,
    starts: Option<&mut Starts>,
) -> Result<(f64, f64)> {
    let client = cluster.client();
    let installed = Installed::without_webhook(cluster)?;
    objects::create(&client, objects::namespaces(PREFIX, namespaces)).await?;
    objects::create(&client, objects::sources(scale.records)).await?;
    objects::create(&client, (0..scale.records).map(objects::record)).await?;
    let log = std::env::temp_dir().join(format!("bench-gate-{}.log", std::process::id()));
    let operator = installed.start(&log, &[])?;
    let mut watch = ReadyWatch::start(&client, "Workflow").await?;
    let (start, cpu) = (Instant::now(), cluster.api_server_seconds()?);
    let workflows = objects::workflows(PREFIX, scale.workflows, namespaces, scale.records);
    objects::create(&client, workflows).await?;
    let last = watch.until(scale.workflows).await?;
    let cost = (
        (last - start).as_secs_f64(),
        cluster.api_server_seconds()? - cpu,
    );
    if let Some(starts) = starts {
        wait_until_quiet(&operator).await?;
        cluster.create_namespace(EMPTY)?;
        let more = (0..scale.workflows * 3 / 2).map(plain_workflow);
        objects::create(&client, more).await?;
        watch.until(scale.workflows * 5 / 2).await?;
        wait_until_quiet(&operator).await?;
        let (among_workflows, empty) = median_starts(&client, scale.samples).await?;
        starts.among_workflows = among_workflows / empty;
        starts.empty = empty;
        all_namespaces(&client, "ClusterExtension")
            .delete("record-00000", &DeleteParams::default())
            .await?;
        held(&client, scale.workflows).await?;
        wait_until_quiet(&operator).await?;
        let (held, empty) = median_starts(&client, scale.samples).await?;
        starts.held = held / empty;
    }
    operator.stop()?;
    let _ = std::fs::remove_file(&log);
    Ok(cost)
}

/// Returns a workflow without requirements.
fn plain_workflow(number: usize) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
        "metadata": {"name": format!("plain-{number:05}"), "namespace": objects::namespace(PREFIX, 0)},
        "spec": {"steps": [{"name": "a", "image": "i"}]},
    })
}

/// Waits until this many Pipelines are held.
async fn held(client: &Client, count: usize) -> Result<()> {
    let gates = namespaced(client, "RunGate", &objects::namespace(PREFIX, 0));
    let start = Instant::now();
    loop {
        let gate = gates.get_opt("extension-registry").await?;
        let held = gate.and_then(|gate| {
            gate.data["spec"]["heldPipelines"]
                .as_object()
                .map(serde_json::Map::len)
        });
        if held.unwrap_or_default() >= count {
            return Ok(());
        }
        anyhow::ensure!(
            start.elapsed().as_secs() < 240,
            "{held:?} of {count} Pipelines are held"
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Returns the median durations of starts in the namespace of the workflows and in the empty one, measured
/// alternately.
async fn median_starts(client: &Client, samples: usize) -> Result<(f64, f64)> {
    let (mut among_workflows, mut empty) = (Vec::new(), Vec::new());
    let project = objects::namespace(PREFIX, 0);
    for _ in 0..samples * 5 {
        among_workflows.push(start(client, &project).await?);
        empty.push(start(client, EMPTY).await?);
    }
    Ok((median(among_workflows), median(empty)))
}

/// Returns the milliseconds until a run is admitted. It is a dry run, so that no controller reacts.
async fn start(client: &Client, namespace: &str) -> Result<f64> {
    let run: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"name": "run", "namespace": namespace},
        "spec": {"pipelineRef": {"name": "plain-00000"}},
    }))?;
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let start = Instant::now();
    namespaced(client, "PipelineRun", namespace)
        .create(&dry_run, &run)
        .await
        .context("failed to start a run")?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}
