//! Time to create a Pod: without the policies that inject bindings, with them, and with bindings, in one run.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use extension_registry_e2e::chart::WITHOUT_WEBHOOK;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::measure::median;
use crate::report::Report;

/// Rounds without and with the policies. Times of the same round are compared, because the load of the machine varies.
const ROUNDS: usize = 30;

/// Pods of each kind in a round.
const PODS: usize = 15;

/// Limits of the added time, in milliseconds. It varies by about a tenth of one.
const UNREQUESTED_LIMIT: f64 = 0.3;
const REQUESTED_LIMIT: f64 = 5.0;

const PROJECT: &str = "bench-injection";

/// Kinds of the objects that put a policy into effect.
const BINDINGS: [&str; 2] = [
    "mutatingadmissionpolicybinding",
    "validatingadmissionpolicybinding",
];

pub(crate) async fn run(report: &mut Report) -> Result<()> {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await?;
    cluster.install_chart(&[WITHOUT_WEBHOOK, &[("injection.enabled", "true")]].concat())?;
    cluster.create_namespace(PROJECT)?;
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": PROJECT, "name": "default"},
    });
    cluster.apply(&account.to_string())?;
    let policies = read_bindings(&cluster)?;
    let pods = Api::<Pod>::namespaced(cluster.client(), PROJECT);

    let [plain, one, three] = [None, Some("a"), Some("a,b,c")].map(pod);
    let mut rounds = Vec::new();
    wait_until_injected(&pods, true).await?;
    for _ in 0..ROUNDS {
        for kind in BINDINGS {
            cluster.kubectl_run(&["delete", kind, "extension-registry-injection"])?;
        }
        wait_until_injected(&pods, false).await?;
        let without = median_of(&pods, &plain).await?;
        cluster.apply(&policies)?;
        wait_until_injected(&pods, true).await?;
        let mut added = Vec::new();
        for pod in [&plain, &one, &three] {
            added.push(median_of(&pods, pod).await? - without);
        }
        rounds.push((without, added));
    }

    let without = median(rounds.iter().map(|round| round.0).collect());
    report.note("a Pod without injection policies, median", without, "ms");
    for (index, (name, limit)) in [
        ("no binding requested", UNREQUESTED_LIMIT),
        ("1 binding", REQUESTED_LIMIT),
        ("3 bindings", REQUESTED_LIMIT),
    ]
    .into_iter()
    .enumerate()
    {
        let added = rounds
            .iter()
            .filter_map(|round| round.1.get(index).copied());
        report.at_most(
            &format!("injection: {name}, added to the median"),
            median(added.collect()),
            limit,
            "ms",
        );
    }
    cluster.stop().await
}

fn pod(bindings: Option<&str>) -> Value {
    let mut pod = json!({
        "metadata": {"name": "bench", "annotations": {"note": "one"}},
        "spec": {"containers": [{"name": "main", "image": "example.org/train:1"}]},
    });
    if let Some(bindings) = bindings {
        pod["metadata"]["annotations"]["registry.fuseml.io/bind"] = bindings.into();
    }
    pod
}

/// Returns the median of the milliseconds to create a Pod.
async fn median_of(pods: &Api<Pod>, pod: &Value) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..PODS {
        times.push(create(pods, pod).await?.0 * 1e3);
    }
    Ok(median(times))
}

/// Creates a Pod as a dry run, and returns the seconds that it took, and whether a binding was injected.
async fn create(pods: &Api<Pod>, pod: &Value) -> Result<(f64, bool)> {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let pod = serde_json::from_value(pod.clone())?;
    let start = Instant::now();
    let created = pods.create(&dry_run, &pod).await?;
    let seconds = start.elapsed().as_secs_f64();
    let volumes = created.spec.unwrap_or_default().volumes.unwrap_or_default();
    let is_injected = volumes.iter().any(|volume| volume.name == "ext-a");
    Ok((seconds, is_injected))
}

/// Waits until the API server has observed the bindings of the policies, or their deletion. Meanwhile only one of the
/// policies may be in effect, so that Pods are rejected.
async fn wait_until_injected(pods: &Api<Pod>, expected: bool) -> Result<()> {
    const LIMIT: Duration = Duration::from_mins(1);
    let start = Instant::now();
    loop {
        let seen = create(pods, &pod(Some("a"))).await;
        match seen {
            Ok((_, is_injected)) if is_injected == expected => return Ok(()),
            other if start.elapsed() > LIMIT => bail!("injection is not {expected}: {other:?}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Returns the bindings of the policies as a manifest.
fn read_bindings(cluster: &Cluster) -> Result<String> {
    let mut manifests = Vec::new();
    for kind in BINDINGS {
        let text =
            cluster.kubectl_run(&["get", kind, "extension-registry-injection", "-o=json"])?;
        let mut binding: Value = serde_json::from_str(&text)?;
        let name = binding["metadata"]["name"].clone();
        binding["metadata"] = json!({ "name": name });
        manifests.push(binding.to_string());
    }
    Ok(manifests.join("\n---\n"))
}
