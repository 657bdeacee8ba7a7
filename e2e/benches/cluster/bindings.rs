//! Bindings: from creation to Ready, one more among many, a credential that many of them use, and a restart.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use extension_registry_e2e::setup::RECORDS_NAMESPACE;
use extension_registry_e2e::{Cluster, Node, Operator, Options};
use futures::{StreamExt, TryStreamExt};
use kube::api::{
    DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::bare::Recording;
use super::binding::as_float;
use super::kinds::{all_namespaces, namespaced};
use super::measure::{ReadyWatch, median, percentile, wait_until_quiet, writes};
use super::objects;
use crate::Scale;
use crate::report::Report;

const WRITES_PER_BINDING: f64 = 4.0;
const THROUGHPUT_OF_BARE_CLIENT: f64 = 0.5;
/// Limit of the time per binding of the many relative to the first ones.
const RELATIVE_LIMIT: f64 = 1.5;
const READY_AFTER_MILLISECONDS: f64 = 25.0;
const ROTATED_AFTER_SECONDS: f64 = 1.0;

const OPERATOR_NAMESPACES: &str = "attached";
const BARE_NAMESPACES: &str = "duplicated";
/// Prefix of the bindings that use the rotated credential.
const ROTATED: &str = "rotated";
const TIMEOUT: Duration = Duration::from_mins(2);
/// The resync writes every Secret once in an interval, in addition to what is measured here.
const WITHOUT_RESYNC: [&str; 2] = ["--resync-seconds", "86400"];

/// Runs the measurements in a new cluster.
pub(crate) async fn run(scale: Scale, report: &mut Report) -> Result<()> {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await?;
    cluster.install()?;
    let log = std::env::temp_dir().join(format!("bench-bindings-{}.log", std::process::id()));
    let result = measure(&cluster, scale, report, &log).await;
    let _ = std::fs::remove_file(&log);
    cluster.stop().await?;
    result
}

async fn measure(cluster: &Cluster, scale: Scale, report: &mut Report, log: &Path) -> Result<()> {
    let client = cluster.client();
    let namespaces = |prefix| objects::namespaces(prefix, scale.namespaces);
    let all = namespaces(OPERATOR_NAMESPACES).chain(namespaces(BARE_NAMESPACES));
    objects::create(&client, all).await?;
    objects::create(&client, objects::sources(scale.records)).await?;
    objects::create(&client, (0..scale.records).map(objects::record)).await?;

    let first = scale.bindings / 4;
    let operator = Operator::start(cluster, log, &WITHOUT_RESYNC)?;
    wait_until_quiet(&operator).await?;
    let before = writes_of(&operator, "ClusterExtension")?;
    let (seconds, written) = bind(&client, &operator, scale, 0, first).await?;
    let count = as_float(first);
    let of_records = writes_of(&operator, "ClusterExtension")? - before;
    report.note("bindings: status writes of records", of_records, "");
    report.at_most(
        "bindings: writes per binding",
        (written - of_records) / count,
        WRITES_PER_BINDING,
        "",
    );
    report.note("bindings: time to bind the first quarter", seconds, "s");
    operator.stop()?;
    compare_with_bare_client(&client, scale, first, written / seconds, report).await?;

    let operator = Operator::start(cluster, log, &WITHOUT_RESYNC)?;
    wait_until_quiet(&operator).await?;
    let (rest_seconds, _) = bind(&client, &operator, scale, first, scale.bindings).await?;
    let rest = as_float(scale.bindings - first);
    report.note("bindings: time to bind the rest", rest_seconds, "s");
    report.at_most(
        "bindings: time per binding, rest relative to first quarter",
        rest_seconds / rest / (seconds / count),
        RELATIVE_LIMIT,
        "",
    );
    one_by_one(&client, scale, report).await?;
    rotate(&client, &operator, scale, report).await?;
    operator.stop()?;

    let operator = Operator::start(cluster, log, &WITHOUT_RESYNC)?;
    wait_until_quiet(&operator).await?;
    report.at_most(
        "bindings: writes after a restart",
        writes(&operator)?,
        0.0,
        "",
    );
    operator.stop()
}

fn name(number: usize) -> String {
    format!("binding-{number:05}")
}

fn namespace(scale: Scale, number: usize) -> String {
    objects::namespace(OPERATOR_NAMESPACES, number % scale.namespaces)
}

/// Creates bindings and waits until they are ready. Returns the seconds, and the number of writes of the operator until it
/// is quiet.
async fn bind(
    client: &Client,
    operator: &Operator,
    scale: Scale,
    from: usize,
    to: usize,
) -> Result<(f64, f64)> {
    let before = writes(operator)?;
    let mut watch = ReadyWatch::start(client, "ExtensionBinding").await?;
    let start = Instant::now();
    let bindings = (from..to).map(|number| {
        objects::binding(
            &namespace(scale, number),
            &name(number),
            number % scale.records,
        )
    });
    objects::create(client, bindings).await?;
    let last = watch.until(to).await?;
    wait_until_quiet(operator).await?;
    Ok(((last - start).as_secs_f64(), writes(operator)? - before))
}

/// Repeats the creation of the bindings and the writes of the operator with a client that only writes. `rate` are the
/// operator's writes in a second, during which another client created the bindings.
async fn compare_with_bare_client(
    client: &Client,
    scale: Scale,
    bindings: usize,
    rate: f64,
    report: &mut Report,
) -> Result<()> {
    let copies = (0..bindings).map(|number| {
        let namespace = objects::namespace(BARE_NAMESPACES, number % scale.namespaces);
        objects::binding(&namespace, &name(number), number % scale.records)
    });
    objects::create(client, copies).await?;
    let recording = Recording::read(client, OPERATOR_NAMESPACES, BARE_NAMESPACES).await?;
    let bare = as_float(recording.len()) / recording.replay(client).await?;
    report.note("bindings: bare client", bare, "writes/s");
    report.note("bindings: operator", rate, "writes/s");
    report.at_least(
        "bindings: throughput relative to a bare client",
        rate / bare,
        THROUGHPUT_OF_BARE_CLIENT,
        "",
    );
    for number in 0..scale.namespaces {
        let namespace = objects::namespace(BARE_NAMESPACES, number);
        for kind in ["ExtensionBinding", "ExtensionProjection", "Secret"] {
            namespaced(client, kind, &namespace)
                .delete_collection(&kube::api::DeleteParams::default(), &ListParams::default())
                .await?;
        }
    }
    Ok(())
}

/// Measures a single new binding among many.
async fn one_by_one(client: &Client, scale: Scale, report: &mut Report) -> Result<()> {
    let mut watch = ReadyWatch::start(client, "ExtensionBinding").await?;
    let mut times = Vec::new();
    for number in 0..scale.samples {
        let namespace = namespace(scale, number);
        let name = format!("single-{number:05}");
        let value = objects::binding(&namespace, &name, number % scale.records);
        let object: DynamicObject = serde_json::from_value(value)?;
        let start = Instant::now();
        namespaced(client, "ExtensionBinding", &namespace)
            .create(&PostParams::default(), &object)
            .await
            .context("failed to create a binding")?;
        let ready = watch.until_ready(&format!("{namespace}/{name}")).await?;
        times.push((ready - start).as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report.at_most(
        "bindings: time to ready, one more, median",
        median(times.clone()),
        READY_AFTER_MILLISECONDS,
        "ms",
    );
    report.note(
        "bindings: time to ready, one more, 90th percentile",
        percentile(times, 90),
        "ms",
    );
    Ok(())
}

/// Changes a credential that a twentieth of the bindings use.
async fn rotate(
    client: &Client,
    operator: &Operator,
    scale: Scale,
    report: &mut Report,
) -> Result<()> {
    // Only records with an odd number refer to a Secret.
    let record = (scale.records + 1) | 1;
    let bindings = scale.bindings / 20;
    let source = [objects::source(record), objects::record(record)];
    objects::create(client, source).await?;
    let mut ready = ReadyWatch::start(client, "ExtensionBinding").await?;
    let created = (0..bindings).map(|number| {
        let name = format!("{ROTATED}-{number:05}");
        objects::binding(&namespace(scale, number), &name, record)
    });
    objects::create(client, created).await?;
    ready
        .until(scale.bindings + scale.samples + bindings)
        .await?;
    wait_until_quiet(operator).await?;

    let secrets = all_namespaces(client, "Secret");
    let list = secrets.list(&ListParams::default()).await?;
    let version = list.metadata.resource_version.unwrap_or_default();
    let mut events = secrets
        .watch(&WatchParams::default(), &version)
        .await?
        .boxed();
    let before = writes_of(operator, "Secret")?;
    let start = Instant::now();
    let value = json!({"stringData": {"AWS_SECRET_ACCESS_KEY": "fedcba9876543210"}});
    namespaced(client, "Secret", RECORDS_NAMESPACE)
        .patch(
            &objects::source_name(record),
            &PatchParams::default(),
            &Patch::Merge(value),
        )
        .await?;
    let (mut seen, mut times) = (HashSet::new(), Vec::new());
    let prefix = format!("ext-{ROTATED}-");
    while times.len() < bindings * 2 {
        let event = tokio::time::timeout(TIMEOUT, events.try_next()).await;
        let Ok(Ok(Some(event))) = event else {
            bail!(
                "{} of {} Secrets have the new value",
                times.len(),
                bindings * 2
            );
        };
        if let WatchEvent::Modified(secret) = event
            && secret.name_any().starts_with(&prefix)
            && seen.insert((secret.namespace(), secret.name_any()))
        {
            times.push(start.elapsed().as_secs_f64());
        }
    }
    wait_until_quiet(operator).await?;
    let written = writes_of(operator, "Secret")? - before;
    report.at_most(
        "bindings: Secret writes of a rotation, per binding",
        written / as_float(bindings),
        2.0,
        "",
    );
    report.note("bindings: rotation, median", median(times.clone()), "s");
    report.at_most(
        "bindings: rotation, 99th percentile",
        percentile(times, 99),
        ROTATED_AFTER_SECONDS,
        "s",
    );
    Ok(())
}

fn writes_of(operator: &Operator, kind: &str) -> Result<f64> {
    let label = format!("kind=\"{kind}\"");
    operator.metric("extension_registry_writes_total", &[&label])
}
