//! The checks, each a request to the API server. Missing permissions make a result unknown, not bad.

use std::time::{SystemTime, UNIX_EPOCH};

use extension_registry_api::{GROUP, VERSION};
use extension_registry_core::diagnostic::Note;
use extension_registry_pipeline as pipeline;
use http::Request;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822::DateTimeParser;
use kube::api::{ListParams, PostParams};
use kube::client::Body;
use kube::{Api, Client};

use super::check::{Check, Verdict};
use crate::cluster::{Connection, unreachable};

const VERSION_LABEL: &str = "app.kubernetes.io/version";
const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Maximum clock skew in seconds; beyond it, tokens and certificates may be rejected.
const MOST_SKEW: u64 = 30;

/// Checks that the API server responds and its clock is in sync.
pub(super) async fn server(client: &Client, connection: &Connection) -> Vec<Check> {
    let version = match client.apiserver_version().await {
        Ok(version) => version.git_version,
        Err(error) => {
            let why = match &error {
                kube::Error::Api(status) => {
                    Note::new(status.message.clone()).hint(unreachable::HINT)
                }
                error => unreachable::message(connection, error),
            };
            let hint = why.hints.join("; ");
            return vec![Check::new("API server", Verdict::Bad, why.message, &hint)];
        }
    };
    vec![
        Check::new("API server", Verdict::Ok, version, ""),
        clock(client).await,
    ]
}

async fn clock(client: &Client) -> Check {
    let unknown = |detail: &str| Check::new("clock", Verdict::Unknown, detail, "");
    let Ok(request) = Request::get("/version").body(Body::empty()) else {
        return unknown("invalid request");
    };
    let Ok(response) = client.send(request).await else {
        return unknown("no response");
    };
    let date = response.headers().get(http::header::DATE);
    let remote = date
        .and_then(|date| date.to_str().ok())
        .and_then(|date| DateTimeParser::new().parse_timestamp(date).ok())
        .map(Timestamp::as_second);
    let own = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| i64::try_from(time.as_secs()).ok());
    let (Some(remote), Some(own)) = (remote, own) else {
        return unknown("the API server sent no valid Date header");
    };
    let skew = remote.abs_diff(own);
    let detail = format!("skew relative to the API server: {skew} s");
    if skew > MOST_SKEW {
        let hint = "synchronize the clocks of this machine and the API server";
        Check::new("clock", Verdict::Bad, detail, hint)
    } else {
        Check::new("clock", Verdict::Ok, detail, "")
    }
}

pub(super) async fn resources(
    client: &Client,
    group: &str,
    version: &str,
) -> Option<APIResourceList> {
    let path = format!("/apis/{group}/{version}");
    let request = Request::get(path).body(Vec::new()).ok()?;
    client.request(request).await.ok()
}

/// Checks that the CRDs are installed in the supported version.
pub(super) async fn kinds(client: &Client) -> Check {
    const KINDS: [&str; 5] = [
        "clusterextensions",
        "extensions",
        "workflows",
        "extensionbindings",
        "extensionprojections",
    ];
    let known = resources(client, GROUP, VERSION).await;
    let names: Vec<String> = known
        .into_iter()
        .flat_map(|list| list.resources)
        .map(|resource| resource.name)
        .collect();
    let missing: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| !names.iter().any(|name| name == kind))
        .collect();
    if missing.is_empty() {
        return Check::new("kinds", Verdict::Ok, format!("{GROUP}/{VERSION}"), "");
    }
    let detail = format!("{} not found in {GROUP}/{VERSION}", missing.join(", "));
    let hint = "install the chart, or run `kubectl apply -f crds/`";
    Check::new("kinds", Verdict::Bad, detail, hint)
}

/// Checks that the pipeline engine is installed.
pub(super) async fn engine(client: &Client) -> Check {
    let (engine, pipelines) = (pipeline::engine(), pipeline::engine().pipelines());
    let known = resources(client, pipelines.group, pipelines.version).await;
    let has = |plural: &str| {
        let resources = known.iter().flat_map(|list| &list.resources);
        resources
            .into_iter()
            .any(|resource| resource.name == plural)
    };
    if has(pipelines.plural) && has(engine.runs().plural) {
        Check::new("engine", Verdict::Ok, pipelines.api_version(), "")
    } else {
        let missing = engine.missing();
        let detail = format!("{}; only workflows need it", missing.message);
        Check::new("engine", Verdict::Unknown, detail, &missing.hint)
    }
}

/// Checks that a replica of the operator is ready.
pub(super) async fn operator(client: &Client) -> Check {
    let api = Api::<Deployment>::all(client.clone());
    let parameters = ListParams::default().labels("app.kubernetes.io/name=extension-registry");
    let deployments = match api.list(&parameters).await {
        Ok(list) => list.items,
        Err(error) => return not_seen("operator", &error),
    };
    let ready: i32 = deployments
        .iter()
        .filter_map(|deployment| deployment.status.as_ref()?.ready_replicas)
        .sum();
    if ready > 0 {
        return running(ready, &deployments);
    }
    if deployments.is_empty() {
        // The operator may run outside of the cluster.
        let detail = "no operator Deployment found";
        return Check::new("operator", Verdict::Unknown, detail, "install the chart");
    }
    let hint = "check the Deployment with `kubectl describe`, and the logs of its Pods";
    Check::new("operator", Verdict::Bad, "no replica is ready", hint)
}

/// Reports the ready replicas, and whether the version matches this program.
fn running(ready: i32, deployments: &[Deployment]) -> Check {
    let metadata = deployments.first().map(|deployment| &deployment.metadata);
    let namespace = metadata.and_then(|metadata| metadata.namespace.as_deref());
    let label = metadata.and_then(|metadata| metadata.labels.as_ref()?.get(VERSION_LABEL));
    let (version, own) = (label.map_or("unknown", |label| label), OWN_VERSION);
    let detail = format!(
        "{ready} ready in namespace {}, version {version}",
        namespace.unwrap_or_default()
    );
    if version == own {
        return Check::new("operator", Verdict::Ok, detail, "");
    }
    let hint = format!("kubectl ext has version {own}; use matching versions if results differ");
    Check::new("operator", Verdict::Unknown, detail, &hint)
}

/// Checks that the webhook is registered with a CA bundle.
pub(super) async fn webhooks(client: &Client) -> Check {
    let api = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    let parameters = ListParams::default().labels("app.kubernetes.io/name=extension-registry");
    let configurations = match api.list(&parameters).await {
        Ok(list) => list.items,
        Err(error) => return not_seen("webhook", &error),
    };
    let webhooks: Vec<_> = configurations
        .iter()
        .filter_map(|configuration| configuration.webhooks.as_ref())
        .flatten()
        .collect();
    if webhooks.is_empty() {
        let detail = "not registered, so records are not validated or sealed on admission";
        return Check::new("webhook", Verdict::Unknown, detail, "install the chart");
    }
    let trusted = |bundle: &Option<k8s_openapi::ByteString>| {
        bundle.as_ref().is_some_and(|bundle| !bundle.0.is_empty())
    };
    if webhooks
        .iter()
        .all(|webhook| trusted(&webhook.client_config.ca_bundle))
    {
        let plural = if webhooks.len() == 1 { "" } else { "s" };
        let detail = format!("{} webhook{plural} with a CA bundle", webhooks.len());
        return Check::new("webhook", Verdict::Ok, detail, "");
    }
    let hint = "run `helm upgrade` to set it; with cert-manager, check the logs of cainjector";
    Check::new("webhook", Verdict::Bad, "the CA bundle is missing", hint)
}

pub(super) fn not_seen(name: &str, error: &kube::Error) -> Check {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            Check::new(name, Verdict::Unknown, "access denied", "")
        }
        kube::Error::Api(status) => Check::new(name, Verdict::Unknown, &*status.message, ""),
        error => Check::new(name, Verdict::Unknown, error.to_string(), ""),
    }
}

/// Checks the permissions of the user. Missing permissions are not bad.
pub(super) async fn permissions(client: &Client, namespace: &str) -> Vec<Check> {
    let runs = pipeline::engine().runs();
    let questions: [(&str, &str, &str, Option<&str>); 7] = [
        ("list", GROUP, "clusterextensions", None),
        ("create", GROUP, "clusterextensions", None),
        ("list", GROUP, "workflows", Some(namespace)),
        ("create", GROUP, "workflows", Some(namespace)),
        ("list", GROUP, "extensionbindings", Some(namespace)),
        ("create", GROUP, "extensionbindings", Some(namespace)),
        ("create", runs.group, runs.plural, Some(namespace)),
    ];
    let mut checks = Vec::new();
    for (verb, group, plural, namespace) in questions {
        let place = namespace.map_or_else(String::new, |namespace| format!(" in {namespace}"));
        let name = format!("may {verb} {plural}{place}");
        let attributes = ResourceAttributes {
            verb: Some(verb.to_owned()),
            group: Some(group.to_owned()),
            resource: Some(plural.to_owned()),
            namespace: namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        checks.push(match is_allowed(client, attributes).await {
            Ok(true) => Check::new(&name, Verdict::Ok, "yes", ""),
            Ok(false) => Check::new(&name, Verdict::Unknown, "no", ""),
            Err(error) => not_seen(&name, &error),
        });
    }
    checks
}

async fn is_allowed(client: &Client, attributes: ResourceAttributes) -> Result<bool, kube::Error> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let answer = Api::<SelfSubjectAccessReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
