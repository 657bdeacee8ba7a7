//! Records with values, and their stored form.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::collections::BTreeSet;

use extension_registry_core::projection::Identity;
use extension_registry_core::record::RecordKey;
use serde_json::{Value, json};

use crate::support::{TestEnv, record, text};
use crate::webhook::{KubectlResult, kubectl};

pub(crate) fn with_value(name: &str, value: &str) -> Value {
    let mut record = record(
        name,
        &json!([{"name": "main", "configuration": [
            {"name": "KEY", "value": value},
            {"name": "ID", "value": "someone"},
        ]}]),
    );
    record["spec"]["services"][0]["endpoints"] =
        json!([{"name": "out", "url": "https://store.example.org"}]);
    record
}

pub(crate) fn entries(record: &Value) -> &Value {
    &record["spec"]["services"][0]["credentials"][0]["configuration"]
}

/// Returns the sealed form of the first value of a record.
pub(crate) fn sealed(record: &Value) -> &str {
    text(&entries(record)[0]["valueFrom"]["sealed"])
}

/// Returns the names of all Secrets that are not rendered.
pub(crate) async fn secrets(env: &TestEnv) -> BTreeSet<String> {
    let secrets = env.list("Secret", "").await;
    let is_rendered = |name: &str| name.starts_with("ext-");
    secrets
        .iter()
        .map(|secret| text(&secret["metadata"]["name"]).to_owned())
        .filter(|name| !is_rendered(name))
        .collect()
}

pub(crate) fn apply(env: &TestEnv, arguments: &[&str], object: &Value) -> KubectlResult {
    let arguments = [&["apply", "-f", "-"], arguments].concat();
    kubectl(&env.cluster, &arguments, &object.to_string())
}

/// Runs the commands of a hint.
pub(crate) fn run(env: &TestEnv, commands: &str) {
    for command in commands.trim().split(" && ") {
        let words: Vec<&str> = command.trim().split(' ').skip(1).collect();
        kubectl(&env.cluster, &words, "").unwrap();
    }
}

/// Returns the value of a key of a Secret.
pub(crate) fn data(secret: &Value, key: &str) -> Vec<u8> {
    serde_json::from_value::<k8s_openapi::ByteString>(secret["data"][key].clone())
        .map(|value| value.0)
        .unwrap_or_default()
}

/// Returns the name of the rendered Secret of a cluster record from [`with_value`].
pub(crate) fn rendered_name(record: &str) -> String {
    Identity {
        record: RecordKey::cluster(record),
        service: "store".into(),
        binding_type: "s3".into(),
        endpoint: Some("out".into()),
        credentials: Some("main".into()),
        user: None,
    }
    .name()
}
