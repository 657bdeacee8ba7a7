//! Resident memory with many records and with unrelated Secrets.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use extension_registry_e2e::{Cluster, Node, Operator, Options};
use serde_json::json;

use super::binding::mebibytes;
use super::measure::{ReadyWatch, wait_until_quiet};
use super::objects;
use crate::Scale;
use crate::report::Report;

const MEMORY_LIMIT: f64 = 96.0;
const FOREIGN_LIMIT: f64 = 5.0;
const WORKFLOW_NAMESPACES: &str = "bound";
const OTHER_NAMESPACES: &str = "foreign";

/// Runs the measurements in a new cluster.
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
    objects::create(
        &client,
        objects::namespaces(WORKFLOW_NAMESPACES, namespaces)
            .chain(objects::namespaces(OTHER_NAMESPACES, namespaces)),
    )
    .await?;
    objects::create(&client, objects::sources(many_records)).await?;
    objects::create(&client, (0..many_records).map(objects::record)).await?;
    objects::create(
        &client,
        objects::workflows(WORKFLOW_NAMESPACES, workflows, namespaces, many_records),
    )
    .await?;
    println!("{many_records} records and {workflows} workflows exist");

    let mut watch = ReadyWatch::start(&client, "Workflow").await?;
    let operator = Operator::start(cluster, log, &[])?;
    watch.until(workflows).await?;
    drop(watch);
    wait_until_quiet(&operator).await?;
    report.at_most(
        "memory after the first reconciliation",
        resident(&operator)?,
        MEMORY_LIMIT,
        "MiB",
    );
    report.note("memory, peak", peak(&operator), "MiB");
    operator.stop()?;

    let operator = start_and_settle(cluster, log).await?;
    let before = resident(&operator)?;
    report.at_most("memory after a restart", before, MEMORY_LIMIT, "MiB");
    report.note("memory after a restart, peak", peak(&operator), "MiB");
    objects::create(
        &client,
        (0..foreign_secrets).map(|number| foreign_secret(number, namespaces)),
    )
    .await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let grown = resident(&operator)? - before;
    report.at_most(
        "memory, increase with unrelated Secrets",
        grown,
        FOREIGN_LIMIT,
        "MiB",
    );
    operator.stop()?;
    let operator = start_and_settle(cluster, log).await?;
    let grown = resident(&operator)? - before;
    report.at_most(
        "memory, increase with unrelated Secrets, after a restart",
        grown,
        FOREIGN_LIMIT,
        "MiB",
    );
    operator.stop()
}

async fn start_and_settle(cluster: &Cluster, log: &Path) -> Result<Operator> {
    let operator = Operator::start(cluster, log, &[])?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    wait_until_quiet(&operator).await?;
    Ok(operator)
}

/// Returns an unrelated Secret of 1 MiB; every second one is in a namespace with workflows.
fn foreign_secret(number: usize, namespaces: usize) -> serde_json::Value {
    let prefix = if number.is_multiple_of(2) {
        WORKFLOW_NAMESPACES
    } else {
        OTHER_NAMESPACES
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("foreign-{number}"),
            "namespace": objects::namespace(prefix, number / 2 % namespaces),
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
