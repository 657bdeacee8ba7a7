//! The chart as rendered by `helm template`, and lookups in its objects.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::collections::BTreeSet;

use extension_registry_e2e::chart::folder;
use extension_registry_e2e::helm::helm;
use serde_json::{Value, json};

pub(crate) const LIMITED: &str = "namespaces={alpha,beta}";
pub(crate) const CERT_MANAGER: &str = "webhook.certManager.enabled=true";
pub(crate) const OUTSIDE: &str = "webhook.url=https://127.0.0.1:9443";
pub(crate) const OWN_CERTIFICATE: &str = "webhook.caBundle=QQ==,webhook.certificateSecret=mine";
pub(crate) const EVERYTHING: &[&str] = &[
    CERT_MANAGER,
    "zone=here",
    "priorityClassName=system-cluster-critical",
    "networkPolicy.apiServerCIDRs={10.0.0.10/32,2001:db8::1/128}",
    "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring",
    "metrics.serviceMonitor.enabled=true",
    "metrics.dashboard.enabled=true",
    "web.enabled=true",
    "web.clusterName=this one",
    "networkPolicy.webFrom[0].namespaceSelector.matchLabels.team=ingress",
    "image.pullSecrets[0].name=pull",
    "podLabels.team=platform",
    "podAnnotations.note=one",
    "serviceAccount.annotations.note=one",
];

pub(crate) fn chart(verb: &[&str], settings: &[&str]) -> anyhow::Result<String> {
    let folder = folder();
    let folder = folder.to_str().unwrap();
    let mut arguments = verb.to_vec();
    arguments.push(folder);
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    helm(&arguments)
}

pub(crate) fn objects(settings: &[&str]) -> Vec<Value> {
    let verb = ["template", "extension-registry", "--namespace", "system"];
    parse(&chart(&verb, settings).unwrap())
}

/// Returns the objects of a rendered chart.
pub(crate) fn parse(text: &str) -> Vec<Value> {
    text.split("\n---")
        .map(|text| serde_saphyr::from_str::<Value>(text).unwrap())
        .filter(Value::is_object)
        .collect()
}

pub(crate) fn kinds(objects: &[Value]) -> BTreeSet<&str> {
    objects
        .iter()
        .map(|object| object["kind"].as_str().unwrap())
        .collect()
}

pub(crate) fn find_object<'o>(
    objects: &'o [Value],
    kind: &str,
    namespace: &str,
    name: &str,
) -> &'o Value {
    objects
        .iter()
        .find(|object| {
            let metadata = &object["metadata"];
            object["kind"] == kind
                && metadata["name"] == name
                && metadata["namespace"].as_str().unwrap_or_default() == namespace
        })
        .unwrap_or(&Value::Null)
}

/// Returns the verbs on a resource that are not limited to names.
pub(crate) fn verbs(role: &Value, resource: &str) -> BTreeSet<String> {
    role["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["resourceNames"].is_null())
        .filter(|rule| {
            rule["resources"]
                .as_array()
                .unwrap()
                .contains(&json!(resource))
        })
        .flat_map(|rule| rule["verbs"].as_array().unwrap())
        .map(|verb| verb.as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn set(verbs: &[&str]) -> BTreeSet<String> {
    verbs.iter().map(|&verb| verb.to_owned()).collect()
}

pub(crate) fn arguments(objects: &[Value]) -> Vec<&str> {
    let deployment = find_object(objects, "Deployment", "system", "extension-registry");
    deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap())
        .collect()
}

/// Returns the webhooks of both configurations.
pub(crate) fn webhooks(objects: &[Value]) -> Vec<&Value> {
    [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ]
    .iter()
    .flat_map(|kind| {
        let configuration = find_object(objects, kind, "", "extension-registry");
        configuration["webhooks"].as_array().unwrap()
    })
    .collect()
}
