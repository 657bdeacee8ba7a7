//! Binds all workflows at once, then more of them one by one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use extension_registry_e2e::{Cluster, Node, Operator, Options};
use kube::Client;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::bare::Recording;
use super::kinds::{all_namespaces, namespaced};
use super::measure::{
    ReadyWatch, median, percentile_90, server_writes, wait_until_quiet, writes, writes_by_kind,
};
use super::objects;
use crate::Scale;
use crate::report::Report;

const WRITES_PER_WORKFLOW: f64 = 2.2;
const WRITES_PER_PROJECTION: f64 = 3.0;
const CPU_MILLISECONDS_PER_WORKFLOW: f64 = 2.0;
const THROUGHPUT_OF_BARE_CLIENT: f64 = 0.5;
const QUIET_AFTER_SECONDS: f64 = 2.0;
const READY_AFTER_MILLISECONDS: f64 = 25.0;

/// Prefix of the namespaces that the operator writes to, and of those that the bare client writes to.
const OPERATOR_NAMESPACES: &str = "bound";
const BARE_NAMESPACES: &str = "copied";

/// Runs the measurements in a new cluster.
pub(crate) async fn run(scale: Scale, report: &mut Report) -> Result<()> {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await?;
    cluster.install()?;
    let result = measure(&cluster, scale, report).await;
    cluster.stop().await?;
    result
}

async fn measure(cluster: &Cluster, scale: Scale, report: &mut Report) -> Result<()> {
    let client = cluster.client();
    let Scale {
        workflows,
        namespaces,
        records,
        ..
    } = scale;
    objects::create(
        &client,
        objects::namespaces(OPERATOR_NAMESPACES, namespaces)
            .chain(objects::namespaces(BARE_NAMESPACES, namespaces)),
    )
    .await?;
    objects::create(&client, objects::sources(records)).await?;
    objects::create(&client, (0..records).map(objects::record)).await?;
    objects::create(
        &client,
        objects::workflows(OPERATOR_NAMESPACES, workflows, namespaces, records),
    )
    .await?;
    println!("{workflows} workflows in {namespaces} namespaces over {records} records exist");

    let log = std::env::temp_dir().join(format!(
        "extension-registry-bench-{}.log",
        std::process::id()
    ));
    let operator = bind(cluster, &client, scale, report, &log).await?;
    one_by_one(&client, &operator, scale, report).await?;
    operator.stop()?;
    let _ = std::fs::remove_file(&log);
    Ok(())
}

/// Measures until all workflows are ready, then repeats the writes with a client that only writes.
async fn bind(
    cluster: &Cluster,
    client: &Client,
    scale: Scale,
    report: &mut Report,
    log: &std::path::Path,
) -> Result<Operator> {
    let Scale {
        workflows,
        namespaces,
        records,
        ..
    } = scale;
    let count = as_float(workflows);
    let mut watch = ReadyWatch::start(client, "Workflow").await?;
    let server_before = server_writes(cluster)?;
    let start = Instant::now();
    let operator = Operator::start(cluster, log, &[])?;
    let last_ready = watch.until(workflows).await?;
    let cpu = operator.processor_seconds()?;
    let seconds = (last_ready - start).as_secs_f64();
    let writes_when_ready = writes(&operator)?;
    let (last_write, all_writes) = wait_until_quiet(&operator).await?;
    let server = server_writes(cluster)? - server_before;
    let cpu_until_quiet = operator.processor_seconds()?;
    let projections = all_namespaces(client, "ExtensionProjection")
        .list(&ListParams::default())
        .await?
        .items
        .len();

    let budget = WRITES_PER_WORKFLOW * count + WRITES_PER_PROJECTION * as_float(projections);
    report.at_most("writes", all_writes, budget, "");
    report.note("projections", as_float(projections), "");
    report.note("writes counted by the API server", server, "");
    report.note(
        "writes per workflow, excluding 3 per projection",
        (all_writes - WRITES_PER_PROJECTION * as_float(projections)) / count,
        "",
    );
    report.at_most(
        "CPU time per workflow",
        cpu * 1000.0 / count,
        CPU_MILLISECONDS_PER_WORKFLOW,
        "ms",
    );
    report.note(
        "CPU time per workflow, until quiet",
        cpu_until_quiet * 1000.0 / count,
        "ms",
    );
    let quiet_after = last_write
        .saturating_duration_since(last_ready)
        .as_secs_f64();
    report.at_most(
        "last write after the last Ready",
        quiet_after,
        QUIET_AFTER_SECONDS,
        "s",
    );
    report.note("seconds to bind all", seconds, "s");
    report.note(
        "resident memory after binding",
        mebibytes(operator.resident_bytes()?),
        "MiB",
    );
    for (kind, number) in writes_by_kind(&operator)? {
        println!("  {number:>6} {kind}");
    }

    // The operator must not see the copies: it would bind them itself.
    operator.stop()?;
    objects::create(
        client,
        objects::workflows(BARE_NAMESPACES, workflows, namespaces, records),
    )
    .await?;
    let recording = Recording::read(client, OPERATOR_NAMESPACES, BARE_NAMESPACES).await?;
    let bare_writes = as_float(recording.len());
    let bare_seconds = recording.replay(client).await?;
    report.note("bare client", bare_writes / bare_seconds, "writes/s");
    let rate = writes_when_ready / seconds;
    report.note("operator", rate, "writes/s");
    report.at_least(
        "throughput relative to a bare client",
        rate * bare_seconds / bare_writes,
        THROUGHPUT_OF_BARE_CLIENT,
        "",
    );
    delete_all(client, BARE_NAMESPACES, namespaces).await?;
    let operator = Operator::start(cluster, log, &[])?;
    wait_until_quiet(&operator).await?;
    report.at_most("writes after a restart", writes(&operator)?, 0.0, "");
    Ok(operator)
}

/// Deletes all objects in these namespaces that the operator watches.
async fn delete_all(client: &Client, prefix: &str, namespaces: usize) -> Result<()> {
    for number in 0..namespaces {
        let namespace = objects::namespace(prefix, number);
        for kind in ["Workflow", "Pipeline", "ExtensionProjection", "Secret"] {
            namespaced(client, kind, &namespace)
                .delete_collection(&kube::api::DeleteParams::default(), &ListParams::default())
                .await?;
        }
    }
    Ok(())
}

/// Measures a single new workflow, on an idle operator and during a change that affects all workflows.
async fn one_by_one(
    client: &Client,
    operator: &Operator,
    scale: Scale,
    report: &mut Report,
) -> Result<()> {
    let mut watch = ReadyWatch::start(client, "Workflow").await?;
    // The first use of a record in a namespace waits for its Secret, which is not measured here.
    let mut number = scale.workflows;
    let mut idle = Vec::new();
    for _ in 0..scale.samples {
        idle.push(time_to_ready(client, &mut watch, scale, &mut number).await?);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report.at_most(
        "time to ready, idle operator, median",
        median(idle.clone()),
        READY_AFTER_MILLISECONDS,
        "ms",
    );
    report.note(
        "time to ready, idle operator, 90th percentile",
        percentile_90(idle),
        "ms",
    );
    wait_until_quiet(operator).await?;

    let mut busy = Vec::new();
    let mut rounds = 0;
    while busy.len() < scale.samples {
        rounds += 1;
        edit_common(client, rounds).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        loop {
            let sample = time_to_ready(client, &mut watch, scale, &mut number).await?;
            // Only workflows that were created during the change are included.
            if operator.metric("extension_registry_queue_waiting", &[])? < 1.0 {
                break;
            }
            busy.push(sample);
        }
        wait_until_quiet(operator).await?;
        if rounds > 20 {
            break;
        }
    }
    println!(
        "{} workflows were created during {rounds} changes of all",
        busy.len()
    );
    report.at_most(
        "time to ready, during a change of all, median",
        median(busy.clone()),
        READY_AFTER_MILLISECONDS,
        "ms",
    );
    report.note(
        "time to ready, during a change of all, 90th percentile",
        percentile_90(busy),
        "ms",
    );
    Ok(())
}

async fn time_to_ready(
    client: &Client,
    watch: &mut ReadyWatch,
    scale: Scale,
    number: &mut usize,
) -> Result<f64> {
    let index = *number % scale.namespaces;
    let namespace = objects::namespace(OPERATOR_NAMESPACES, index);
    // The numbers of a namespace repeat its records, so their Secrets exist.
    let own = scale.workflows + *number / scale.namespaces * 2;
    *number += 1;
    let value = objects::workflow(&namespace, index, own, scale.records);
    let mut object: DynamicObject = serde_json::from_value(value)?;
    let name = format!("single-{number:06}");
    object.metadata.name = Some(name.clone());
    let start = Instant::now();
    namespaced(client, "Workflow", &namespace)
        .create(&PostParams::default(), &object)
        .await
        .context("failed to create a workflow")?;
    let ready = watch.until_ready(&format!("{namespace}/{name}")).await?;
    Ok((ready - start).as_secs_f64() * 1000.0)
}

/// Edits the record that every workflow uses.
async fn edit_common(client: &Client, round: usize) -> Result<()> {
    let patch = json!({ "spec": { "description": format!("Changed {round} times") } });
    all_namespaces(client, "ClusterExtension")
        .patch(
            "record-00000",
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await
        .context("failed to edit a record")?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub(crate) fn as_float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
