//! Binds all workflows at once, then some more one by one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use extension_registry_e2e::{Cluster, Node, Operator, Options};
use kube::Client;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::bare::Recording;
use super::kinds::{everywhere, within};
use super::measure::{ReadyWatch, median, ninetieth, quiet, server_writes, writes, writes_by_kind};
use super::world;
use crate::Scale;
use crate::report::Report;

const WRITES_PER_WORKFLOW: f64 = 2.2;
const WRITES_PER_PROJECTION: f64 = 3.0;
const MILLISECONDS_OF_PROCESSOR: f64 = 2.0;
const SHARE_OF_BARE: f64 = 0.5;
const QUIET_AFTER_SECONDS: f64 = 2.0;
const READY_AFTER_MILLISECONDS: f64 = 25.0;

/// Namespaces of the workflows that the operator binds, and of those that the bare client fills.
const OURS: &str = "bound";
const BARE: &str = "copied";

/// Measures, in a cluster of its own.
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
    world::create(
        &client,
        world::namespaces(OURS, namespaces).chain(world::namespaces(BARE, namespaces)),
    )
    .await?;
    world::create(&client, world::sources(records)).await?;
    world::create(&client, (0..records).map(world::record)).await?;
    world::create(
        &client,
        world::workflows(OURS, workflows, namespaces, records),
    )
    .await?;
    println!("{workflows} workflows in {namespaces} namespaces over {records} records are there");

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

/// From nothing to all ready, then the same writes by a client that only writes.
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
    let mut watch = ReadyWatch::start(client).await?;
    let server_before = server_writes(cluster)?;
    let begun = Instant::now();
    let operator = Operator::start(cluster, log, &[])?;
    let last_ready = watch.until(workflows).await?;
    let processor = operator.processor_seconds()?;
    let seconds = (last_ready - begun).as_secs_f64();
    let writes_when_ready = writes(&operator)?;
    let (last_write, all_writes) = quiet(&operator).await?;
    let server = server_writes(cluster)? - server_before;
    let processor_to_the_end = operator.processor_seconds()?;
    let projections = everywhere(client, "ExtensionProjection")
        .list(&ListParams::default())
        .await?
        .items
        .len();

    let budget = WRITES_PER_WORKFLOW * count + WRITES_PER_PROJECTION * as_float(projections);
    report.most("writes", all_writes, budget, "");
    report.note("projections", as_float(projections), "");
    report.note("writes that the API server counted", server, "");
    report.note(
        "writes a workflow, without 3 a projection",
        (all_writes - WRITES_PER_PROJECTION * as_float(projections)) / count,
        "",
    );
    report.most(
        "processor time a workflow",
        processor * 1000.0 / count,
        MILLISECONDS_OF_PROCESSOR,
        "ms",
    );
    report.note(
        "processor time a workflow, until quiet",
        processor_to_the_end * 1000.0 / count,
        "ms",
    );
    let quiet_after = last_write
        .saturating_duration_since(last_ready)
        .as_secs_f64();
    report.most(
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
    world::create(
        client,
        world::workflows(BARE, workflows, namespaces, records),
    )
    .await?;
    let recording = Recording::of(client, OURS, BARE).await?;
    let bare_writes = as_float(recording.len());
    let bare_seconds = recording.replay(client).await?;
    report.note("bare client", bare_writes / bare_seconds, "writes/s");
    let rate = writes_when_ready / seconds;
    report.note("operator", rate, "writes/s");
    report.least(
        "throughput, of a bare client's",
        rate * bare_seconds / bare_writes,
        SHARE_OF_BARE,
        "",
    );
    forget(client, BARE, namespaces).await?;
    let operator = Operator::start(cluster, log, &[])?;
    quiet(&operator).await?;
    report.most("writes after a restart", writes(&operator)?, 0.0, "");
    Ok(operator)
}

/// Deletes everything of these namespaces that the operator looks at.
async fn forget(client: &Client, prefix: &str, namespaces: usize) -> Result<()> {
    for number in 0..namespaces {
        let namespace = world::namespace(prefix, number);
        for kind in ["Workflow", "Pipeline", "ExtensionProjection", "Secret"] {
            within(client, kind, &namespace)
                .delete_collection(&kube::api::DeleteParams::default(), &ListParams::default())
                .await?;
        }
    }
    Ok(())
}

/// One more workflow, while nothing else happens and while a change touches all.
async fn one_by_one(
    client: &Client,
    operator: &Operator,
    scale: Scale,
    report: &mut Report,
) -> Result<()> {
    let mut watch = ReadyWatch::start(client).await?;
    // Whoever first uses a record in a namespace waits for its Secret; that is not what is measured.
    let mut number = scale.workflows;
    let mut calm = Vec::new();
    for _ in 0..scale.samples {
        calm.push(one(client, &mut watch, scale, &mut number).await?);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report.most(
        "one more workflow, median",
        median(calm.clone()),
        READY_AFTER_MILLISECONDS,
        "ms",
    );
    report.note("one more workflow, 90th percentile", ninetieth(calm), "ms");
    quiet(operator).await?;

    let mut busy = Vec::new();
    let mut rounds = 0;
    while busy.len() < scale.samples {
        rounds += 1;
        edit_common(client, rounds).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        loop {
            let sample = one(client, &mut watch, scale, &mut number).await?;
            // Only what was made while the change was still under way counts.
            if operator.metric("extension_registry_queue_waiting", &[])? < 1.0 {
                break;
            }
            busy.push(sample);
        }
        quiet(operator).await?;
        if rounds > 20 {
            break;
        }
    }
    println!(
        "{} workflows were made during {rounds} changes that touch all",
        busy.len()
    );
    report.most(
        "one more during a change of all, median",
        median(busy.clone()),
        READY_AFTER_MILLISECONDS,
        "ms",
    );
    report.note(
        "one more during a change of all, 90th percentile",
        ninetieth(busy),
        "ms",
    );
    Ok(())
}

async fn one(
    client: &Client,
    watch: &mut ReadyWatch,
    scale: Scale,
    number: &mut usize,
) -> Result<f64> {
    let place = *number % scale.namespaces;
    let namespace = world::namespace(OURS, place);
    // The numbers of a place repeat its records, so their Secrets are there.
    let own = scale.workflows + *number / scale.namespaces * 2;
    *number += 1;
    let value = world::workflow(&namespace, place, own, scale.records);
    let mut object: DynamicObject = serde_json::from_value(value)?;
    let name = format!("single-{number:06}");
    object.metadata.name = Some(name.clone());
    let begun = Instant::now();
    within(client, "Workflow", &namespace)
        .create(&PostParams::default(), &object)
        .await
        .context("failed to create a workflow")?;
    let ready = watch.until_ready(&format!("{namespace}/{name}")).await?;
    Ok((ready - begun).as_secs_f64() * 1000.0)
}

/// Edits the record that every workflow uses.
async fn edit_common(client: &Client, round: usize) -> Result<()> {
    let patch = json!({ "spec": { "description": format!("Changed {round} times") } });
    everywhere(client, "ClusterExtension")
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
