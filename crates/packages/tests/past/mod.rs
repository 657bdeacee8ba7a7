//! A registry past the driver: what `curl` would do.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use serde_json::Value;

use crate::quirk::Server;

/// Writes something.
pub(crate) async fn put(server: &Server, path: &str, media_type: &str, body: Vec<u8>) {
    let client = reqwest::Client::new().put(server.url(path));
    let sent = client.header("content-type", media_type).body(body).send();
    let sent = sent.await.unwrap();
    let status = sent.status();
    assert!(
        status.is_success(),
        "{path}: {}",
        sent.text().await.unwrap()
    );
}

/// Reads JSON.
pub(crate) async fn got(server: &Server, path: &str) -> Value {
    let client = reqwest::Client::new().get(server.url(path));
    let sent = client.header("accept", "*/*").send().await.unwrap();
    assert!(sent.status().is_success(), "{path}: {}", sent.status());
    serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap()
}
