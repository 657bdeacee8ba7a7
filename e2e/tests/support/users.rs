//! Clients of several users: the operator by its token, others by impersonation.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::path::Path;

use extension_registry_api::RUN_BY_ANNOTATION;
use extension_registry_e2e::{Cluster, Installed};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

/// Returns a client of the operator, with a token of its `ServiceAccount`.
pub(crate) async fn operator(installed: &Installed) -> Client {
    client_from_kubeconfig(installed.kubeconfig()).await
}

/// Returns a client of the user of a kubeconfig.
pub(crate) async fn client_from_kubeconfig(path: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(path).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

/// Returns a client that impersonates a user and groups.
pub(crate) fn impersonate(cluster: &Cluster, user: &str, groups: &[&str]) -> Client {
    let mut config = cluster.config().clone();
    config.auth_info.impersonate = Some(user.to_owned());
    config.auth_info.impersonate_groups =
        Some(groups.iter().map(|&group| group.to_owned()).collect());
    Client::try_from(config).unwrap()
}

/// Returns the API of a kind in a namespace; cluster-wide if the namespace is empty.
pub(crate) fn objects(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    if namespace.is_empty() {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(client.clone(), namespace, &resource)
    }
}

/// Adds the annotation of the user who started the run, as the engine propagates it.
pub(crate) fn run_by(mut object: Value, user: &str) -> Value {
    object["metadata"]["annotations"] = json!({RUN_BY_ANNOTATION: user});
    object
}

/// Creates an object as a dry run; the error is the message of the refusal.
pub(crate) async fn create_dry(client: &Client, object: &Value) -> Result<(), String> {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    create(client, object, &dry_run).await
}

/// Creates an object; the error is the message of the refusal.
pub(crate) async fn create(
    client: &Client,
    object: &Value,
    parameters: &PostParams,
) -> Result<(), String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let api = objects(
        client,
        &text(&object["apiVersion"]),
        &text(&object["kind"]),
        &text(&object["metadata"]["namespace"]),
    );
    let object = serde_json::from_value(object.clone()).unwrap();
    api.create(parameters, &object)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}
