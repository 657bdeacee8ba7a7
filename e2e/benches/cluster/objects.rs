//! Objects of users: namespaces, records with their Secrets, workflows.

use anyhow::Result;
use extension_registry_e2e::setup::RECORDS_NAMESPACE;
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};

use super::kinds::{all_namespaces, namespaced};

/// Concurrent requests, as in the operator.
pub(crate) const CONCURRENCY: usize = 16;

/// Records per namespace that its workflows use, in addition to the common one.
const RECORDS_PER_NAMESPACE: usize = 10;

/// Returns the name of a namespace with workflows.
pub(crate) fn namespace(prefix: &str, number: usize) -> String {
    format!("{prefix}-{number:03}")
}

/// Creates objects concurrently.
pub(crate) async fn create(
    client: &Client,
    objects: impl IntoIterator<Item = Value>,
) -> Result<()> {
    stream::iter(objects)
        .map(|value| async move {
            let object: DynamicObject = serde_json::from_value(value)?;
            let kind = object.types.as_ref().map_or("", |types| &types.kind);
            let api = match &object.metadata.namespace {
                Some(namespace) => namespaced(client, kind, namespace),
                None => all_namespaces(client, kind),
            };
            api.create(&PostParams::default(), &object).await?;
            anyhow::Ok(())
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await
}

/// Returns namespaces.
pub(crate) fn namespaces(prefix: &str, count: usize) -> impl Iterator<Item = Value> {
    (0..count).map(move |number| {
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace(prefix, number) } })
    })
}

/// Returns a record with two services; `store` has three sets of credentials. Every second record refers to a
/// Secret for the global ones.
pub(crate) fn record(number: usize) -> Value {
    let global = if number.is_multiple_of(2) {
        json!({ "name": "everyone", "scope": "global", "configuration": [
            { "name": "AWS_ACCESS_KEY_ID", "value": format!("access-{number}") },
            { "name": "AWS_SECRET_ACCESS_KEY", "value": format!("secret-{number}-0123456789abcdef") },
        ] })
    } else {
        json!({ "name": "everyone", "scope": "global", "secretRef": { "name": source_name(number) } })
    };
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "ClusterExtension",
        "metadata": { "name": format!("record-{number:05}") },
        "spec": {
            "product": format!("product-{number}"),
            "version": format!("1.{number}.0"),
            "zone": "north",
            "description": "An instance of the benchmark",
            "configuration": [{ "name": "REGION", "value": "eu-central-1" }],
            "services": [
                {
                    "name": "store",
                    "resource": "s3",
                    "category": "storage",
                    "endpoints": [
                        { "name": "cluster", "type": "internal", "url": format!("http://store-{number}.svc:9000") },
                        { "name": "ingress", "type": "external", "url": format!("https://store-{number}.example.com") },
                    ],
                    "credentials": [
                        global,
                        { "name": "project", "scope": "project", "project": ["alpha", "beta"], "configuration": [
                            { "name": "AWS_ACCESS_KEY_ID", "value": "a" }, { "name": "AWS_SECRET_ACCESS_KEY", "value": "b" },
                        ] },
                        { "name": "person", "scope": "user", "user": ["ada"], "configuration": [
                            { "name": "AWS_ACCESS_KEY_ID", "value": "a" }, { "name": "AWS_SECRET_ACCESS_KEY", "value": "b" },
                        ] },
                    ],
                },
                {
                    "name": "ui",
                    "resource": "ui",
                    "endpoints": [
                        { "name": "ingress", "type": "external", "url": format!("https://ui-{number}.example.com") },
                    ],
                },
            ],
        },
    })
}

pub(crate) fn source_name(number: usize) -> String {
    format!("source-{number:05}")
}

/// Returns the source Secrets of this many records; every second record has one.
pub(crate) fn sources(count: usize) -> impl Iterator<Item = Value> {
    (0..count)
        .filter(|number| !number.is_multiple_of(2))
        .map(source)
}

/// Returns the source Secret of a record.
pub(crate) fn source(number: usize) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": source_name(number), "namespace": RECORDS_NAMESPACE },
        "stringData": { "AWS_ACCESS_KEY_ID": format!("access-{number}"), "AWS_SECRET_ACCESS_KEY": "0123456789abcdef" },
    })
}

/// Returns a workflow with the common requirement; every second one has another requirement.
pub(crate) fn workflow(
    namespace_name: &str,
    namespace_index: usize,
    number: usize,
    records: usize,
) -> Value {
    let mut requirements = vec![
        json!({ "name": "common", "product": "product-0", "resource": "s3", "environment": [] }),
    ];
    if number.is_multiple_of(2) {
        let step = records.saturating_sub(1).max(1);
        let own = 1
            + (namespace_index * (RECORDS_PER_NAMESPACE / 2) + number / 2 % RECORDS_PER_NAMESPACE)
                % step;
        requirements
            .push(json!({ "name": "own", "product": format!("product-{own}"), "resource": "s3" }));
    }
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "Workflow",
        "metadata": { "name": format!("workflow-{number:05}"), "namespace": namespace_name },
        "spec": {
            "description": "Trains a model",
            "inputs": [
                { "name": "codeset", "type": "codeset" },
                { "name": "predictor", "default": "auto" },
            ],
            "outputs": [{ "name": "model-url", "type": "string" }],
            "steps": [
                {
                    "name": "builder",
                    "image": "ghcr.io/fuseml/mlflow-builder:v0.1",
                    "inputs": [{ "codeset": { "name": "{{ inputs.codeset }}", "path": "/project" } }],
                    "outputs": [{ "name": "environment" }],
                },
                {
                    "name": "trainer",
                    "image": "{{ steps.builder.outputs.environment }}",
                    "inputs": [
                        { "codeset": { "name": "{{ inputs.codeset }}", "path": "/project" } },
                        { "name": "predictor", "value": "{{ inputs.predictor }}" },
                    ],
                    "outputs": [{ "name": "model-url" }],
                    "env": [{ "name": "STORE", "value": "{{ extensions.common.uri }}" }],
                    "extensions": requirements,
                },
            ],
        },
    })
}

/// Returns a binding to a record.
pub(crate) fn binding(namespace: &str, name: &str, record: usize) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1",
        "kind": "ExtensionBinding",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "product": format!("product-{record}"), "resource": "s3" },
    })
}

/// Returns all workflows, distributed over the namespaces.
pub(crate) fn workflows(
    prefix: &'static str,
    count: usize,
    namespaces: usize,
    records: usize,
) -> impl Iterator<Item = Value> {
    (0..count).map(move |index| {
        let namespace_index = index % namespaces;
        workflow(
            &namespace(prefix, namespace_index),
            namespace_index,
            index / namespaces,
            records,
        )
    })
}
