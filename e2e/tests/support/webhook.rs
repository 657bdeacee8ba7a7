//! Helpers for tests of the webhook and of sealing: kubectl output, contents of etcd, raw HTTPS requests.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use extension_registry_e2e::Cluster;
use extension_registry_e2e::setup::with_input;
use k8s_openapi::ByteString;
use kube::client::Body;
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::support::{TestEnv, text};

/// Substring of every credential value in these tests.
pub(crate) const CANARY: &str = "canary-of-sealing";

/// Output of kubectl on standard output and standard error; an error if it failed.
pub(crate) type KubectlResult = Result<String, String>;

pub(crate) fn canary(name: &str) -> String {
    format!("{CANARY}-{name}")
}

/// Runs kubectl with a text on its standard input.
pub(crate) fn kubectl(cluster: &Cluster, arguments: &[&str], input: &str) -> KubectlResult {
    let mut command = Command::new(cluster.kubectl());
    command
        .args(arguments)
        .env("KUBECONFIG", cluster.kubeconfig());
    let output = with_input(&mut command, input).unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}

/// Returns the current revision of etcd; zero if etcd is unreachable.
pub(crate) fn revision(env: &TestEnv) -> i64 {
    range(env, &json!({"key": ByteString(b"/".to_vec())}))
        .and_then(|response| text(&response["header"]["revision"]).parse().ok())
        .unwrap_or_default()
}

/// Returns how many versions of objects were checked since a revision, and the keys of those other than
/// Secrets that contained a canary.
pub(crate) fn stored_values(env: &TestEnv, since: i64) -> Option<(usize, BTreeSet<String>)> {
    env.cluster.etcd_url()?;
    let mut found = BTreeSet::new();
    let mut checked = 0;
    for revision in since.max(1)..=revision(env) {
        let response = range(
            env,
            &json!({
                "key": ByteString(b"/registry/".to_vec()),
                "range_end": ByteString(b"/registry0".to_vec()),
                "revision": revision,
                "min_mod_revision": revision,
            }),
        )?;
        for pair in response["kvs"].as_array().into_iter().flatten() {
            let bytes = |field: &str| {
                serde_json::from_value::<ByteString>(pair[field].clone())
                    .unwrap()
                    .0
            };
            let key = String::from_utf8_lossy(&bytes("key")).into_owned();
            let value = String::from_utf8_lossy(&bytes("value")).into_owned();
            checked += 1;
            let encoded = json!(ByteString(CANARY.as_bytes()[..15].to_vec()));
            let holds = value.contains(CANARY) || value.contains(encoded.as_str().unwrap());
            if holds && !key.starts_with("/registry/secrets/") {
                found.insert(key);
            }
        }
    }
    Some((checked, found))
}

fn range(env: &TestEnv, body: &Value) -> Option<Value> {
    let address = env.cluster.etcd_url()?.strip_prefix("http://")?;
    let address = address.trim_end_matches('/');
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    // HTTP 1.0 has no chunked encoding.
    write!(
        stream,
        "POST /v3/kv/range HTTP/1.0\r\nHost: etcd\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    Some(serde_json::from_str(body).unwrap())
}

/// Sends one request on a new connection, and returns status and body of the response.
pub(crate) async fn post(
    address: SocketAddr,
    method: &str,
    path: &str,
    kind: &str,
    body: &str,
) -> Result<(u16, String), String> {
    let mut config = Config::new(format!("https://{address}").parse().unwrap());
    config.accept_invalid_certs = true;
    let client = Client::try_from(config).unwrap();
    let mut request = http::Request::builder().method(method).uri(path);
    if !kind.is_empty() {
        request = request.header("content-type", kind);
    }
    let request = request.body(Body::from(body.as_bytes().to_vec())).unwrap();
    let response = client
        .send(request)
        .await
        .map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let output = response.into_body().collect_bytes().await;
    let output = output.map_err(|error| error.to_string())?;
    Ok((status, String::from_utf8_lossy(&output).into_owned()))
}
