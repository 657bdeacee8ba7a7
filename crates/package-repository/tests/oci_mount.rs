//! Tests of mounting blobs from other repositories of a registry.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod quirk;

use std::sync::Mutex;

use axum::response::Response;
use contract::{Bench, fetched, version};
use extension_registry_package_format::Digest;
use extension_registry_package_repository::{Repository as _, Upload};
use extension_registry_package_transport::progress::{Progress, Silent};
use quirk::{RecordedRequest, Server, answer, json, text};

const UPLOADS: &str = "/v2/extensions/other/blobs/uploads/";

/// Two packages with the same content. That of the second cannot be read: it has to be there already.
fn packages(bench: &Bench) -> (Upload, Upload) {
    let first = bench.package("tool", "1.0.0", "a tool");
    let second = bench.package("other", "1.0.0", "another");
    let second = Upload {
        content: bench.target("nowhere"),
        digest: first.digest,
        size: first.size,
        ..second
    };
    (first, second)
}

/// What was sent, as progress has it.
#[derive(Default)]
struct Counted(Mutex<u64>);

impl Progress for Counted {
    fn begin(&self, done: u64, _: Option<u64>) {
        *self.0.lock().unwrap() = done;
    }

    fn advance(&self, bytes: u64) {
        *self.0.lock().unwrap() += bytes;
    }
}

/// The registry of the tests keeps blobs for all repositories: here, the second has none of its own.
fn has_none(asked: &RecordedRequest) -> Option<Response> {
    let is_look = asked.method == "HEAD" && asked.path.starts_with("/v2/extensions/other/blobs/");
    is_look.then(|| text(404, ""))
}

/// Requests for a mount: what, and from where.
fn mounts(server: &Server) -> Vec<(String, String)> {
    let asked = server.asked();
    let posts = asked.iter().filter(|one| one.method == "POST");
    let mounts = posts.filter_map(|one| one.parameter("mount").zip(one.parameter("from")));
    mounts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_blob_of_another_package() {
    let server = Server::before(|asked| {
        let mounted = asked.parameter("mount").map(|digest| {
            assert_eq!(
                (asked.method.as_str(), asked.path.as_str()),
                ("POST", UPLOADS)
            );
            let place = format!("/v2/extensions/other/blobs/{digest}");
            answer(201, &[("location", &place)], "")
        });
        mounted.or_else(|| has_none(asked))
    })
    .await;
    let bench = Bench::new();
    let (first, second) = packages(&bench);
    let driver = server.driver();
    driver.publish(&first, false, &Silent).await.unwrap();
    assert_eq!(mounts(&server), [], "nothing was known yet");
    let counted = Counted::default();
    let release = driver.publish(&second, false, &counted).await.unwrap();
    let tool = "extensions/tool".to_owned();
    assert_eq!(mounts(&server), [(first.digest.oci(), tool)]);
    assert_eq!(*counted.0.lock().unwrap(), second.size);
    let came = fetched(&driver, &release, &bench.target("came")).await;
    assert_eq!(came, first.digest);
}

/// What is found there is known as well as what was sent.
#[tokio::test(flavor = "multi_thread")]
async fn mounts_blob_seen_while_reading() {
    let server = Server::before(|asked| {
        let mounted = asked.parameter("mount").map(|_| answer(201, &[], ""));
        mounted.or_else(|| has_none(asked))
    })
    .await;
    let bench = Bench::new();
    let (mut first, second) = packages(&bench);
    server
        .driver()
        .publish(&first, false, &Silent)
        .await
        .unwrap();
    first.version = version("1.0.1");
    let driver = server.driver();
    driver.publish(&first, false, &Silent).await.unwrap();
    driver.publish(&second, false, &Silent).await.unwrap();
    assert_eq!(mounts(&server).len(), 1);
}

/// Two packages whose content is in one file.
fn twins(bench: &Bench) -> (Upload, Upload) {
    let (first, second) = packages(bench);
    let content = first.content.clone();
    (first, Upload { content, ..second })
}

/// How often a blob was sent for the other package.
fn sent(server: &Server, digest: Digest) -> usize {
    let asked = server.asked();
    let is_it = |one: &&RecordedRequest| {
        one.parameter("digest") == Some(digest.oci()) && one.path.contains("/other/")
    };
    asked.iter().filter(is_it).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_blob_if_mount_is_not_supported() {
    // It begins an upload instead, refuses, or fails.
    for status in [202, 400, 403, 405, 500] {
        let server = Server::before(move |asked| {
            let is_mount = asked.parameter("mount").is_some();
            let refused = (is_mount && status != 202).then(|| text(status, "no"));
            refused.or_else(|| has_none(asked))
        })
        .await;
        let bench = Bench::new();
        let (first, second) = twins(&bench);
        let driver = server.driver();
        driver.publish(&first, false, &Silent).await.unwrap();
        let counted = Counted::default();
        let release = driver.publish(&second, false, &counted).await.unwrap();
        assert!(!mounts(&server).is_empty(), "{status}");
        assert_eq!(*counted.0.lock().unwrap(), second.size, "{status}");
        assert_eq!(sent(&server, first.digest), 1, "{status}");
        let came = fetched(&driver, &release, &bench.target("came")).await;
        assert_eq!(came, first.digest);
    }
}

/// To take from another repository is to read it: a token is asked for that may. Whoever gets none sends the bytes.
#[tokio::test(flavor = "multi_thread")]
async fn mount_uses_scopes_of_both_repositories() {
    let both = "repository:extensions/other:pull,push repository:extensions/tool:pull";
    for is_given in [true, false] {
        let server = Server::before(move |asked| {
            let host = asked.header("host").unwrap();
            if asked.path == "/token" {
                let scopes = quirk::pairs(&asked.query, "scope").join(" ");
                if scopes == both && !is_given {
                    return Some(text(403, "no"));
                }
                let scopes = scopes.replace(' ', "|");
                return Some(json(&format!(r#"{{"token":"{scopes}","expires_in":300}}"#)));
            }
            let Some(shown) = asked.header("authorization") else {
                let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"r\"");
                return Some(answer(401, &[("www-authenticate", &challenge)], ""));
            };
            let mounted = asked.parameter("mount").map(|_| {
                assert_eq!(shown, format!("Bearer {}", both.replace(' ', "|")));
                answer(201, &[], "")
            });
            mounted.or_else(|| has_none(asked))
        })
        .await;
        let bench = Bench::new();
        let (first, second) = twins(&bench);
        let driver = server.driver();
        driver.publish(&first, false, &Silent).await.unwrap();
        driver.publish(&second, false, &Silent).await.unwrap();
        assert_eq!(mounts(&server).len(), usize::from(is_given));
        assert_eq!(sent(&server, first.digest) > 0, !is_given);
    }
}
