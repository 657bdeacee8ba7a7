//! The checks, each a question to the API server. What the caller may not see is unknown, not bad.

use std::time::{SystemTime, UNIX_EPOCH};

use extension_registry_api::{GROUP, VERSION};
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

use super::{Check, Verdict};
use crate::args::Cluster;
use crate::world::cluster::unanswered;

const VERSION_LABEL: &str = "app.kubernetes.io/version";
const OURS: &str = env!("CARGO_PKG_VERSION");

/// More than this, and tokens and certificates begin to fail.
const MOST_SKEW: u64 = 30;

/// The API server answers, and its clock is ours.
pub(super) async fn server(client: &Client, cluster: &Cluster) -> Vec<Check> {
    let version = match client.apiserver_version().await {
        Ok(version) => version.git_version,
        Err(error) => {
            let hint = "is the context of the kubeconfig the right one?";
            let why = match &error {
                kube::Error::Api(status) => status.message.clone(),
                error => unanswered::text(cluster, error).await,
            };
            return vec![Check::new("API server", Verdict::Bad, why, hint)];
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
        return unknown("no request");
    };
    let Ok(response) = client.send(request).await else {
        return unknown("no answer");
    };
    let date = response.headers().get(http::header::DATE);
    let theirs = date
        .and_then(|date| date.to_str().ok())
        .and_then(|date| DateTimeParser::new().parse_timestamp(date).ok())
        .map(Timestamp::as_second);
    let ours = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| i64::try_from(time.as_secs()).ok());
    let (Some(theirs), Some(ours)) = (theirs, ours) else {
        return unknown("the API server does not say what time it is");
    };
    let skew = theirs.abs_diff(ours);
    let detail = format!("{skew} s apart from the API server's");
    if skew > MOST_SKEW {
        let hint = "set the clock of this machine or of the API server";
        Check::new("clock", Verdict::Bad, detail, hint)
    } else {
        Check::new("clock", Verdict::Ok, detail, "")
    }
}

async fn resources(client: &Client, group: &str, version: &str) -> Option<APIResourceList> {
    let path = format!("/apis/{group}/{version}");
    let request = Request::get(path).body(Vec::new()).ok()?;
    client.request(request).await.ok()
}

/// The kinds are defined in the version that this program knows.
pub(super) async fn kinds(client: &Client) -> Check {
    const KINDS: [&str; 4] = [
        "clusterextensions",
        "extensions",
        "workflows",
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
    let detail = format!("no {} of {GROUP}/{VERSION}", missing.join(", "));
    let hint = "install the chart, or kubectl apply -f crds/";
    Check::new("kinds", Verdict::Bad, detail, hint)
}

/// There is an engine that runs pipelines.
pub(super) async fn engine(client: &Client) -> Check {
    let known = resources(client, "tekton.dev", "v1").await;
    let has = |plural: &str| {
        let resources = known.iter().flat_map(|list| &list.resources);
        resources
            .into_iter()
            .any(|resource| resource.name == plural)
    };
    if has("pipelines") && has("pipelineruns") {
        Check::new("engine", Verdict::Ok, "tekton.dev/v1", "")
    } else {
        let hint = "install Tekton Pipelines";
        Check::new(
            "engine",
            Verdict::Bad,
            "no pipelines of tekton.dev/v1",
            hint,
        )
    }
}

/// A replica of the operator is ready.
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
        // It may run elsewhere, with a kubeconfig.
        let detail = "no Deployment of the chart";
        return Check::new("operator", Verdict::Unknown, detail, "install the chart");
    }
    let hint = "kubectl describe deployment, and the logs of its Pods";
    Check::new("operator", Verdict::Bad, "none is ready", hint)
}

/// What of the operator is ready, and whether it speaks as this program does.
fn running(ready: i32, deployments: &[Deployment]) -> Check {
    let metadata = deployments.first().map(|deployment| &deployment.metadata);
    let namespace = metadata.and_then(|metadata| metadata.namespace.as_deref());
    let label = metadata.and_then(|metadata| metadata.labels.as_ref()?.get(VERSION_LABEL));
    let (version, ours) = (label.map_or("unknown", |label| label), OURS);
    let detail = format!(
        "{ready} ready in namespace {}, version {version}",
        namespace.unwrap_or_default()
    );
    if version == ours {
        return Check::new("operator", Verdict::Ok, detail, "");
    }
    let hint = format!("kubectl ext is of version {ours}: take the same where answers differ");
    Check::new("operator", Verdict::Unknown, detail, &hint)
}

/// The API server has the webhook, and a certificate to trust it by.
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
        let detail = "nothing is checked or sealed at the door";
        return Check::new("webhook", Verdict::Unknown, detail, "install the chart");
    }
    let trusted = |bundle: &Option<k8s_openapi::ByteString>| {
        bundle.as_ref().is_some_and(|bundle| !bundle.0.is_empty())
    };
    if webhooks
        .iter()
        .all(|webhook| trusted(&webhook.client_config.ca_bundle))
    {
        let detail = format!("{} with a certificate", webhooks.len());
        return Check::new("webhook", Verdict::Ok, detail, "");
    }
    let hint = "the operator writes it once it is ready: look at its logs";
    Check::new(
        "webhook",
        Verdict::Bad,
        "no certificate to trust it by",
        hint,
    )
}

fn not_seen(name: &str, error: &kube::Error) -> Check {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            Check::new(name, Verdict::Unknown, "you may not look", "")
        }
        kube::Error::Api(status) => Check::new(name, Verdict::Unknown, &*status.message, ""),
        error => Check::new(name, Verdict::Unknown, error.to_string(), ""),
    }
}

/// What the caller may do. To be allowed little is nothing bad.
pub(super) async fn permissions(client: &Client, namespace: &str) -> Vec<Check> {
    let questions: [(&str, &str, &str, Option<&str>); 5] = [
        ("list", GROUP, "clusterextensions", None),
        ("create", GROUP, "clusterextensions", None),
        ("list", GROUP, "workflows", Some(namespace)),
        ("create", GROUP, "workflows", Some(namespace)),
        ("create", "tekton.dev", "pipelineruns", Some(namespace)),
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
