//! Latency of the webhook, and of the API server with and without it, in one run.

use std::time::{Duration, Instant};

use anyhow::Result;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Installed, Operator, Options};
use futures::future::join_all;
use kube::Client;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};

use super::kinds::{all_namespaces, namespaced};
use crate::Scale;
use crate::report::Report;

/// Requests a second.
const RATE: u32 = 200;

/// Upper bounds of the buckets of the operator's histogram, in seconds.
const BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

/// Name of the latency in the report.
const LATENCY: &str = "webhook at 200/s: latency, 99th percentile";

/// Limit of the latency in milliseconds.
const LATENCY_LIMIT: f64 = 5.0;

const PROJECT: &str = "bench-webhook";

pub(crate) async fn run(scale: Scale, report: &mut Report) -> Result<()> {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await?;
    let client = cluster.client();
    let requests = u32::try_from(scale.workflows)?.min(RATE * 20);
    // First without the webhook.
    Installed::without_webhook(&cluster)?;
    cluster.create_namespace(PROJECT)?;
    load(&client, RATE).await?;
    let without = load(&client, requests).await?;

    let installed = Installed::with_webhook(&cluster, &[])?;
    let log = std::env::temp_dir().join(format!("bench-webhook-{}.log", std::process::id()));
    let operator = installed.start(&log, &[])?;
    load(&client, RATE).await?;
    let before = bucket_counts(&operator)?;
    let with = load(&client, requests).await?;
    let after = bucket_counts(&operator)?;
    match webhook_p99(&before, &after) {
        Some(p99) => report.at_most(LATENCY, p99 * 1e3, LATENCY_LIMIT, "ms"),
        None => report.above(
            LATENCY,
            BUCKETS[BUCKETS.len() - 1] * 1e3,
            LATENCY_LIMIT,
            "ms",
        ),
    }
    for (name, times) in [("without", &without), ("with", &with)] {
        for (part, share) in [("median", 0.5), ("99th percentile", 0.99)] {
            report.note(
                &format!("a create at {RATE}/s {name} the webhook, {part}"),
                quantile(times, share).as_secs_f64() * 1e3,
                "ms",
            );
        }
    }
    operator.stop()?;
    cluster.stop().await
}

/// Sends dry runs at a constant rate, without waiting for responses. Returns the sorted durations.
async fn load(client: &Client, requests: u32) -> Result<Vec<Duration>> {
    let start = Instant::now();
    let sent = (0..requests).map(|number| async move {
        let due = start + Duration::from_secs(1) * number / RATE;
        tokio::time::sleep_until(due.into()).await;
        let value = object(number);
        let object: DynamicObject = serde_json::from_value(value)?;
        let api = match object.types.as_ref().map(|types| types.kind.as_str()) {
            Some("Workflow") => namespaced(client, "Workflow", PROJECT),
            _ => all_namespaces(client, "ClusterExtension"),
        };
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        // Measured from the scheduled time, so that queueing is included.
        api.create(&dry_run, &object).await?;
        anyhow::Ok(due.elapsed())
    });
    let mut times = join_all(sent)
        .await
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    times.sort_unstable();
    Ok(times)
}

/// Returns a workflow, a record with inline values, or a record that refers to a Secret.
fn object(number: u32) -> Value {
    let record = |credentials: Value| {
        json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "ClusterExtension",
            "metadata": {"name": format!("bench-{number}")},
            "spec": {"product": "bench", "version": "1.0.0", "services": [
                {"name": "store", "resource": "s3", "credentials": [credentials]},
            ]},
        })
    };
    match number % 4 {
        0 => record(json!({"name": "main", "configuration": [
            {"name": "AWS_ACCESS_KEY_ID", "value": format!("id-{number}")},
            {"name": "AWS_SECRET_ACCESS_KEY", "value": format!("key-{number}")},
        ]})),
        1 => record(json!({"name": "main", "secretRef": {"name": "bench"}})),
        _ => json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": {"namespace": PROJECT, "name": format!("bench-{number}")},
            "spec": {"steps": [{"name": "train", "image": "example.org/train:1", "extensions": [
                {"name": "store", "product": "bench", "version": ">=1.0"},
            ]}]},
        }),
    }
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index in a list of thousands"
    )]
    let position = (sorted.len() as f64 * share) as usize;
    sorted
        .get(position.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Returns the cumulative number of requests of each bucket, and the total.
fn bucket_counts(operator: &Operator) -> Result<Vec<f64>> {
    const NAME: &str = "extension_registry_admission_seconds";
    let mut counts = Vec::new();
    for bucket in BUCKETS {
        // With a decimal point, also for whole numbers.
        let label = format!("le=\"{bucket:?}\"");
        counts.push(operator.metric(&format!("{NAME}_bucket"), &[&label])?);
    }
    counts.push(operator.metric(&format!("{NAME}_count"), &[])?);
    Ok(counts)
}

/// Returns the upper bound, in seconds, of the bucket of the 99th percentile; `None` if it is above the last one.
fn webhook_p99(before: &[f64], after: &[f64]) -> Option<f64> {
    let during: Vec<f64> = after
        .iter()
        .zip(before)
        .map(|(after, before)| after - before)
        .collect();
    let all = during.last()?;
    let position = during
        .iter()
        .take(BUCKETS.len())
        .position(|count| *count >= all * 0.99)?;
    Some(BUCKETS[position])
}
