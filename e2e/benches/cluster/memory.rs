//! Resident memory with many records, and with other people's Secrets.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use extension_registry_e2e::{Cluster, Node, Operator, Options};
use serde_json::json;

use super::binding::mebibytes;
use super::measure::{ReadyWatch, quiet};
use super::world;
use crate::Scale;
use crate::report::Report;

const MOST: f64 = 96.0;
const MOST_FOR_FOREIGN: f64 = 5.0;
const OURS: &str = "bound";
const FOREIGN: &str = "foreign";

/// Measures, in a cluster of its own.
pub(crate) async fn run(scale: Scale, report: &mut Report) -> Result<()> {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await?;
    cluster.install()?;
    let log = std::env::temp_dir().join(format!(
        "extension-registry-memory-{}.log",
        std::process::id()
    ));
    let result = measure(&cluster, scale, report, &log).await;
    let _ = std::fs::remove_file(&log);
    cluster.stop().await?;
    result
}

async fn measure(cluster: &Cluster, scale: Scale, report: &mut Report, log: &Path) -> Result<()> {
    let client = cluster.client();
    let Scale {
        workflows,
        namespaces,
        many_records,
        foreign_secrets,
        ..
    } = scale;
    world::create(
        &client,
        world::namespaces(OURS, namespaces).chain(world::namespaces(FOREIGN, namespaces)),
    )
    .await?;
    world::create(&client, world::sources(many_records)).await?;
    world::create(&client, (0..many_records).map(world::record)).await?;
    world::create(
        &client,
        world::workflows(OURS, workflows, namespaces, many_records),
    )
    .await?;
    println!("{many_records} records and {workflows} workflows are there");

    let mut watch = ReadyWatch::start(&client).await?;
    let operator = Operator::start(cluster, log, &[])?;
    watch.until(workflows).await?;
    drop(watch);
    quiet(&operator).await?;
    report.most(
        "memory, all looked at for the first time",
        resident(&operator)?,
        MOST,
        "MiB",
    );
    report.note("memory, most ever", peak(&operator), "MiB");
    operator.stop()?;

    let operator = settled(cluster, log).await?;
    let before = resident(&operator)?;
    report.most("memory after a restart", before, MOST, "MiB");
    report.note("memory after a restart, most ever", peak(&operator), "MiB");
    world::create(
        &client,
        (0..foreign_secrets).map(|number| foreign(number, namespaces)),
    )
    .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let grown = resident(&operator)? - before;
    report.most(
        "memory, more with foreign Secrets",
        grown,
        MOST_FOR_FOREIGN,
        "MiB",
    );
    operator.stop()?;
    let operator = settled(cluster, log).await?;
    let grown = resident(&operator)? - before;
    report.most(
        "memory, more with foreign Secrets, after a restart",
        grown,
        MOST_FOR_FOREIGN,
        "MiB",
    );
    operator.stop()
}

async fn settled(cluster: &Cluster, log: &Path) -> Result<Operator> {
    let operator = Operator::start(cluster, log, &[])?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    quiet(&operator).await?;
    Ok(operator)
}

/// 1 MiB, one half in namespaces with workflows.
fn foreign(number: usize, namespaces: usize) -> serde_json::Value {
    let prefix = if number.is_multiple_of(2) {
        OURS
    } else {
        FOREIGN
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("foreign-{number}"),
            "namespace": world::namespace(prefix, number / 2 % namespaces),
        },
        "stringData": { "blob": "x".repeat(1024 * 1024 - 16) },
    })
}

fn resident(operator: &Operator) -> Result<f64> {
    Ok(mebibytes(operator.resident_bytes()?))
}

fn peak(operator: &Operator) -> f64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", operator.pid())).unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| {
            line.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<f64>()
                .ok()
        });
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}
