//! A registry past the driver: what `curl` would do, and what the driver left there before.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use extension_registry_package_repository::oci::Oci;
use extension_registry_package_repository::{Release, Repository};
use extension_registry_package_transport::progress::Silent;
use extension_registry_package_trust::signature::{Format, Signature};
use serde_json::Value;

use crate::contract::Bench;
use crate::quirk::Server;

/// A signature of somebody, which nobody can verify.
pub(crate) fn minisign(who: &str) -> Signature {
    Signature {
        format: Format::Minisign,
        payload: b"{\"a\":\"statement\"}".to_vec(),
        signature: format!("untrusted comment: {who}\n").into_bytes(),
    }
}

/// The tool, as it was published.
pub(crate) async fn published(driver: &Oci) -> Release {
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    driver.publish(&upload, false, &Silent).await.unwrap()
}

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
