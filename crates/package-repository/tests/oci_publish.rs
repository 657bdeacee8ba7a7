//! Tests of publishing to a registry: nothing twice, and never over a concurrent publish.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod quirk;

use std::sync::atomic::{AtomicUsize, Ordering};

use contract::{Bench, version};
use extension_registry_package_format::Digest;
use extension_registry_package_repository::{Error, Repository as _};
use extension_registry_package_transport::progress::Silent;
use quirk::{RecordedRequest, Server, answer, text};

const TAG: &str = "/v2/extensions/tool/manifests/1.0.0";

fn is_upload(line: &str) -> bool {
    line.starts_with("POST ") && line.contains("/blobs/uploads")
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_blobs_are_not_pushed_again() {
    let server = Server::registry().await;
    let bench = Bench::new();
    let mut upload = bench.package("tool", "1.0.0", "a tool");
    let driver = server.driver();
    driver.publish(&upload, false, &Silent).await.unwrap();
    let uploads_since = || server.lines().iter().filter(|line| is_upload(line)).count();
    assert_eq!(uploads_since(), 3, "manifest as JSON, content, document");
    upload.version = version("1.0.1");
    driver.publish(&upload, false, &Silent).await.unwrap();
    driver.publish(&upload, true, &Silent).await.unwrap();
    assert_eq!(uploads_since(), 0);
    assert_eq!(driver.versions("tool").await.unwrap().len(), 2);
}

/// Publishes where somebody else is faster: their manifest is seen at that look for the tag.
async fn seen_at(look: usize) -> (Error, Vec<String>) {
    let looks = AtomicUsize::new(0);
    let server = Server::before(move |asked: &RecordedRequest| {
        if asked.method != "HEAD" || asked.path != TAG {
            return None;
        }
        let is_there = looks.fetch_add(1, Ordering::Relaxed) + 1 >= look;
        let other = Digest::of(b"of somebody else").oci();
        is_there.then(|| answer(200, &[("docker-content-digest", &other)], ""))
    })
    .await;
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    let error = server
        .driver()
        .publish(&upload, false, &Silent)
        .await
        .unwrap_err();
    (error, server.lines())
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_publish_is_preserved() {
    let put = format!("PUT {TAG}");
    // Before anything is sent, before the tag is written, and after it was.
    for (look, uploads, is_written) in [(1, 0, false), (2, 3, false), (3, 3, true)] {
        let (error, lines) = seen_at(look).await;
        assert!(matches!(error, Error::Exists { .. }), "{look}: {error}");
        let sent = lines.iter().filter(|line| is_upload(line)).count();
        assert_eq!(sent, uploads, "{look}: {lines:?}");
        assert_eq!(lines.contains(&put), is_written, "{look}: {lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_publish_has_one_winner() {
    let server = Server::registry().await;
    let bench = Bench::new();
    let uploads: Vec<_> = (0..4)
        .map(|who| bench.package("tool", "1.0.0", &format!("of {who}")))
        .collect();
    let publishing = uploads.iter().map(|upload| {
        let driver = server.driver();
        async move { driver.publish(upload, false, &Silent).await }
    });
    let outcomes = futures::future::join_all(publishing).await;
    let done: Vec<Digest> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok()?.content.digest)
        .collect();
    let release = server
        .driver()
        .release("tool", &version("1.0.0"))
        .await
        .unwrap();
    assert_eq!(done, [release.content.digest.unwrap()]);
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(Error::Exists { .. })));
    assert_eq!(refused.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn recognizes_own_write_after_lost_response() {
    let tries = AtomicUsize::new(0);
    let server = Server::changed(
        |_| None,
        move |asked, response| {
            let is_put = asked.method == "PUT" && asked.path == TAG;
            match is_put.then(|| tries.fetch_add(1, Ordering::Relaxed)) {
                Some(0) => text(503, "later"),
                Some(_) => text(412, "it is there"),
                None => response,
            }
        },
    )
    .await;
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    server
        .driver()
        .publish(&upload, false, &Silent)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_conditional_write_if_supported() {
    let server = Server::before(|asked| {
        let is_new = asked.header("if-none-match") == Some("*");
        (asked.method == "PUT" && asked.path == TAG && is_new).then(|| text(412, "it is there"))
    })
    .await;
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    let driver = server.driver();
    let error = driver.publish(&upload, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    // By force there is no condition.
    driver.publish(&upload, true, &Silent).await.unwrap();
}
