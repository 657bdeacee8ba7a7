//! Tests of mirrors: a failing mirror costs a request but never a package.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod desk;
#[path = "../../package-repository/tests/quirk/mod.rs"]
mod quirk;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RANGE;
use desk::Desk;
use extension_registry_packages::Digest;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::mirrored::Mirrored;
use extension_registry_packages::repository::{
    Error, IndexFile, PartialDownload, Repository, Upload,
};
use quirk::{RecordedRequest, Server, text};

const HOUR: Duration = Duration::from_hours(1);

async fn publish(desk: &Desk, repository: &Arc<dyn Repository>, name: &str, version: &str) {
    let upload = desk.bench.package(name, version, "a tool");
    repository.publish(&upload, false, &Silent).await.unwrap();
}

fn one() -> semver::Version {
    "1.0.0".parse().unwrap()
}

fn is_content(asked: &RecordedRequest, digest: Digest) -> bool {
    asked.method == "GET" && asked.path.ends_with(&format!("/blobs/{}", digest.oci()))
}

/// How the origin was asked for the content: with which range.
fn ranges(origin: &Server, digest: Digest) -> Vec<Option<String>> {
    let asked = origin.asked().into_iter();
    let asked = asked.filter(|asked| is_content(asked, digest));
    asked
        .map(|asked| asked.header(RANGE.as_str()).map(str::to_owned))
        .collect()
}

/// A copy whose answers for the content are these, before an origin that has it whole.
async fn behind(
    desk: &Desk,
    upload: &Upload,
    answer: fn(&[u8]) -> axum::response::Response,
) -> (Server, Server) {
    let (digest, bytes) = (upload.digest, fs::read(&upload.content).unwrap());
    let copy = Server::before(move |asked| is_content(asked, digest).then(|| answer(&bytes)));
    let (copy, origin) = (copy.await, Server::registry().await);
    for server in [&copy, &origin] {
        desk.publish(&*server.source("hub"), upload).await;
    }
    (copy, origin)
}

fn mirrored(copy: Arc<dyn Repository>, origin: Arc<dyn Repository>) -> Arc<dyn Repository> {
    Arc::new(Mirrored::new(vec![copy], origin, HOUR))
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_mirror_content_comes_from_original() {
    // What the copy sends, and from where on the origin is asked then: `half` is the middle of the content.
    type Answer = fn(&[u8]) -> axum::response::Response;
    let failing: [(&str, Answer, bool); 4] = [
        ("a 5xx", |_| text(500, "no"), false),
        ("a 404", |_| text(404, "no"), false),
        (
            "broken",
            |bytes| quirk::answer(200, &[], vec![b'x'; bytes.len()]),
            false,
        ),
        (
            "cut",
            |bytes| quirk::cut(200, &[], &bytes[..bytes.len() / 2]),
            true,
        ),
    ];
    for (what, answer, goes_on) in failing {
        let desk = Desk::new();
        let upload = desk.bench.package("tool", "1.0.0", "a tool");
        let (copy, origin) = behind(&desk, &upload, answer).await;
        let both = mirrored(copy.source("hub"), origin.source("hub"));
        let release = both.release("tool", &one()).await.unwrap();
        let target = desk.bench.target("target");
        let fetched = contract::fetched(&*both, &release, &target).await;
        assert_eq!(fetched, upload.digest, "{what}");
        assert_eq!(ranges(&copy, upload.digest).len(), 1, "{what}");
        let half = format!("bytes={}-", upload.size / 2);
        let expected = goes_on.then_some(half);
        assert_eq!(ranges(&origin, upload.digest)[0], expected, "{what}");
    }
}

/// A folder does not take back what it gave, so the origin has a beginning of something else before it.
#[tokio::test]
async fn corrupt_mirror_bytes_are_discarded() {
    let desk = Desk::new();
    let (copy, origin) = (desk.folder("copy"), desk.folder("hub"));
    let upload = desk.bench.package("tool", "1.0.0", "a tool");
    for repository in [&copy, &origin] {
        desk.publish(&**repository, &upload).await;
    }
    let both = mirrored(copy, origin);
    let release = both.release("tool", &one()).await.unwrap();
    let path = desk.root("copy").join("tool/1.0.0/tool-1.0.0.tar.gz");
    let whole = fs::read(&path).unwrap();
    let half = vec![b'x'; whole.len() / 2];
    let longer = vec![b'x'; whole.len() * 2];
    for broken in [half, longer] {
        fs::write(&path, &broken).unwrap();
        let target = desk.bench.target(&broken.len().to_string());
        let fetched = contract::fetched(&*both, &release, &target).await;
        assert_eq!(fetched, upload.digest);
        assert_eq!(fs::read(target).unwrap(), whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_error_of_original_if_all_fail() {
    let desk = Desk::new();
    let upload = desk.bench.package("tool", "1.0.0", "a tool");
    let (copy, _origin) = behind(&desk, &upload, |_| text(500, "no")).await;
    let other =
        Server::before(|asked| asked.path.contains("/blobs/").then(|| text(503, "no"))).await;
    let both = mirrored(copy.source("hub"), other.source("hub"));
    let release = both.release("tool", &one()).await.unwrap();
    let mut download_file =
        PartialDownload::open(&desk.bench.target("target"), 1 << 20, &Silent).unwrap();
    let error = both.fetch(&release, &mut download_file).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_mirror_falls_back_to_original() {
    let desk = Desk::new();
    let origin = desk.folder("hub");
    let upload = desk.bench.package("tool", "1.0.0", "a tool");
    desk.publish(&*origin, &upload).await;
    for status in [401, 403, 404, 500, 503] {
        let copy = Server::of(move |_| Some(text(status, "no"))).await;
        let both = mirrored(copy.source("hub"), Arc::clone(&origin));
        assert_eq!(both.versions("tool").await.unwrap(), [one()], "{status}");
        assert_eq!(both.names(None).await.unwrap().names, ["tool"], "{status}");
        let release = both.release("tool", &one()).await.unwrap();
        assert_eq!(release.content.digest, Some(upload.digest), "{status}");
        assert!(both.document(&release).await.unwrap().is_some(), "{status}");
        assert_eq!(
            both.signatures(&release).await.unwrap().len(),
            1,
            "{status}"
        );
        assert!(both.index().await.unwrap().is_none(), "{status}");
        assert!(!copy.asked().is_empty(), "{status}");
    }
}

/// The clock is one that runs ahead while nothing else happens, so nobody waits for it.
#[tokio::test(start_paused = true)]
async fn silent_mirror_times_out() {
    let desk = Desk::new();
    let origin = desk.folder("hub");
    publish(&desk, &origin, "tool", "1.0.0").await;
    let copy = Server::hanging("").await;
    let timeout = Duration::from_secs(3);
    let copies = vec![copy.source("hub"), copy.source("hub")];
    let both = Mirrored::new(copies, origin, timeout);
    let start = tokio::time::Instant::now();
    assert_eq!(both.versions("tool").await.unwrap(), [one()]);
    // The transport would wait for 20 s for each.
    let waited = start.elapsed();
    assert!(waited >= timeout * 2 && waited < timeout * 3, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mirror_is_queried_first() {
    let desk = Desk::new();
    let (mirror, origin) = (desk.folder("mirror"), desk.folder("origin"));
    publish(&desk, &origin, "tool", "1.0.0").await;
    let both: Arc<dyn Repository> = Arc::new(Mirrored::new(
        vec![Arc::clone(&mirror)],
        Arc::clone(&origin),
        HOUR,
    ));
    let release = both
        .release("tool", &"1.0.0".parse().unwrap())
        .await
        .unwrap();
    let digest = contract::fetched(&*both, &release, &desk.bench.target("first")).await;
    // The mirror has it now, and the origin is gone.
    publish(&desk, &mirror, "tool", "1.0.0").await;
    fs::remove_dir_all(desk.root("origin")).unwrap();
    let release = both
        .release("tool", &"1.0.0".parse().unwrap())
        .await
        .unwrap();
    let again = contract::fetched(&*both, &release, &desk.bench.target("second")).await;
    assert_eq!(again, digest);
    // What is published goes to the origin.
    publish(&desk, &both, "tool", "2.0.0").await;
    assert_eq!(origin.versions("tool").await.unwrap().len(), 1);
    assert_eq!(mirror.versions("tool").await.unwrap().len(), 1);
}

/// A copy may be late, and may keep what is gone.
#[tokio::test]
async fn publish_checks_original() {
    let desk = Desk::new();
    let (mirror, origin) = (desk.folder("mirror"), desk.folder("origin"));
    publish(&desk, &mirror, "tool", "1.0.0").await;
    publish(&desk, &origin, "tool", "2.0.0").await;
    for (repository, bytes) in [(&mirror, b"late"), (&origin, b"news")] {
        let index = IndexFile {
            bytes: bytes.to_vec(),
            signatures: Vec::new(),
        };
        repository.put_index(&index).await.unwrap();
    }
    let both = mirrored(mirror, origin);
    assert!(!both.exists("tool", &one()).await.unwrap());
    assert!(
        both.exists("tool", &"2.0.0".parse().unwrap())
            .await
            .unwrap()
    );
    assert_eq!(both.index().await.unwrap().unwrap().bytes, b"late");
    assert_eq!(both.own_index().await.unwrap().unwrap().bytes, b"news");
}
