//! What the admission policies cost: many workflows in one namespace, and the start of a run among them.

use std::time::Instant;

use anyhow::{Context, Result};
use extension_registry_e2e::{Cluster, Installed, Node, Options};
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::kinds::{everywhere, within};
use super::measure::{ReadyWatch, median, quiet};
use super::world;
use crate::Scale;
use crate::report::Report;

/// How much one namespace may cost of what many cost, and a run among many workflows of one among none.
const FLAT: f64 = 1.2;

const PROJECTS: &str = "gated";
const EMPTY: &str = "gated-empty";

pub(crate) async fn run(scale: Scale, report: &mut Report) -> Result<()> {
    let spread = bind(scale, scale.namespaces, None).await?;
    let mut starts = Starts::default();
    let together = bind(scale, 1, Some(&mut starts)).await?;
    report.note("policies: seconds to bind, many namespaces", spread.0, "s");
    report.note("policies: seconds to bind, one namespace", together.0, "s");
    report.most(
        "policies: seconds to bind, one namespace of many",
        together.0 / spread.0,
        FLAT,
        "",
    );
    report.most(
        "policies: CPU of the API server, one namespace of many",
        together.1 / spread.1,
        FLAT,
        "",
    );
    report.note("a run in an empty namespace, median", starts.empty, "ms");
    report.most(
        "a run among workflows, of one in an empty namespace",
        starts.among,
        FLAT,
        "",
    );
    report.most(
        "a run among held Pipelines, of one in an empty namespace",
        starts.held,
        FLAT,
        "",
    );
    Ok(())
}

/// Starts of runs: milliseconds in an empty namespace, the others as a share of that.
#[derive(Default)]
struct Starts {
    empty: f64,
    among: f64,
    held: f64,
}

/// Seconds until all workflows are ready, and seconds of the API server's processors.
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
    world::create(&client, world::namespaces(PROJECTS, namespaces)).await?;
    world::create(&client, world::sources(scale.records)).await?;
    world::create(&client, (0..scale.records).map(world::record)).await?;
    let log = std::env::temp_dir().join(format!("bench-gate-{}.log", std::process::id()));
    let operator = installed.start(&log, &[])?;
    let mut watch = ReadyWatch::start(&client).await?;
    let (begun, processor) = (Instant::now(), cluster.api_server_seconds()?);
    let workflows = world::workflows(PROJECTS, scale.workflows, namespaces, scale.records);
    world::create(&client, workflows).await?;
    let last = watch.until(scale.workflows).await?;
    let cost = (
        (last - begun).as_secs_f64(),
        cluster.api_server_seconds()? - processor,
    );
    if let Some(starts) = starts {
        quiet(&operator).await?;
        cluster.create_namespace(EMPTY)?;
        let more = (0..scale.workflows * 3 / 2).map(plain);
        world::create(&client, more).await?;
        watch.until(scale.workflows * 5 / 2).await?;
        quiet(&operator).await?;
        let (among, empty) = pairs(&client, scale.samples).await?;
        starts.among = among / empty;
        starts.empty = empty;
        everywhere(&client, "ClusterExtension")
            .delete("record-00000", &DeleteParams::default())
            .await?;
        held(&client, scale.workflows).await?;
        quiet(&operator).await?;
        let (held, empty) = pairs(&client, scale.samples).await?;
        starts.held = held / empty;
    }
    operator.stop()?;
    let _ = std::fs::remove_file(&log);
    Ok(cost)
}

/// A workflow without requirements.
fn plain(number: usize) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
        "metadata": {"name": format!("plain-{number:05}"), "namespace": world::namespace(PROJECTS, 0)},
        "spec": {"steps": [{"name": "a", "image": "i"}]},
    })
}

/// Waits until that many Pipelines are held back.
async fn held(client: &Client, count: usize) -> Result<()> {
    let gates = within(client, "RunGate", &world::namespace(PROJECTS, 0));
    let begun = Instant::now();
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
            begun.elapsed().as_secs() < 240,
            "{held:?} of {count} Pipelines are held back"
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Medians of starts in the namespace of the workflows and in the empty one, one after the other.
async fn pairs(client: &Client, samples: usize) -> Result<(f64, f64)> {
    let (mut among, mut empty) = (Vec::new(), Vec::new());
    let project = world::namespace(PROJECTS, 0);
    for _ in 0..samples * 5 {
        among.push(start(client, &project).await?);
        empty.push(start(client, EMPTY).await?);
    }
    Ok((median(among), median(empty)))
}

/// Milliseconds in which a run is admitted. It is not stored, so that nothing else has work.
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
    let begun = Instant::now();
    within(client, "PipelineRun", namespace)
        .create(&dry_run, &run)
        .await
        .context("failed to start a run")?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}
