//! Tests of downloads from a registry: resumed, restarted, verified.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod quirk;

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::Response;
use contract::{Bench, version};
use extension_registry_package_format::Digest;
use extension_registry_package_repository::{
    Blob, Description, Error, OciManifest, PartialDownload, Release, Repository as _,
};
use extension_registry_package_transport::progress::Silent;
use quirk::{RecordedRequest, Server, answer, cut, text};

/// What the release is.
fn content() -> Vec<u8> {
    (0..100).collect()
}

fn release(content: &[u8]) -> Release {
    Release {
        name: "tool".to_owned(),
        version: version("1.0.0"),
        description: Description::Configuration {
            bytes: b"{}".to_vec(),
            digest: Digest::of(b"{}"),
        },
        content: Blob {
            digest: Some(Digest::of(content)),
            size: Some(content.len() as u64),
            file: None,
        },
        document: None,
        locator: String::new(),
        manifest: Some(OciManifest::of(b"its manifest".to_vec())),
        published: None,
    }
}

/// What comes into a sink that has the beginning already.
async fn fetched(server: &Server, release: &Release, beginning: &[u8]) -> Result<Vec<u8>, Error> {
    let bench = Bench::new();
    let target = bench.target("came");
    std::fs::write(&target, beginning).unwrap();
    let mut download_file = PartialDownload::open(&target, 1 << 20, &Silent).unwrap();
    server.driver().fetch(release, &mut download_file).await?;
    assert_eq!(
        download_file.digest(),
        Digest::of(&std::fs::read(&target).unwrap())
    );
    Ok(std::fs::read(&target).unwrap())
}

/// The ranges that were asked for, all of one blob.
fn ranges(server: &Server) -> Vec<Option<String>> {
    let path = format!("/v2/extensions/tool/blobs/{}", Digest::of(&content()).oci());
    let asked = server.asked();
    let ranges = asked.iter().map(|one| {
        assert_eq!(one.line(), format!("GET {path}"));
        one.header("range").map(str::to_owned)
    });
    ranges.collect()
}

/// Where a request begins.
fn start(asked: &RecordedRequest) -> usize {
    let range = asked.header("range");
    range.map_or(0, |range| {
        let first = range.strip_prefix("bytes=").unwrap().strip_suffix('-');
        first.unwrap().parse().unwrap()
    })
}

/// The rest of the content, with the headers that belong to it; the connection is cut after so many bytes.
fn rest(start: usize, cut_after: Option<usize>) -> Response {
    let rest = &content()[start..];
    let range = format!("bytes {start}-99/100");
    let length = rest.len().to_string();
    let mut headers = vec![("content-length", length.as_str())];
    if start > 0 {
        headers.push(("content-range", range.as_str()));
    }
    let status = if start == 0 { 200 } else { 206 };
    match cut_after {
        Some(after) => cut(status, &headers, &rest[..after]),
        None => answer(status, &headers, rest.to_vec()),
    }
}

#[tokio::test]
async fn resumes_interrupted_blob() {
    let tries = AtomicUsize::new(0);
    let server = Server::of(move |asked| {
        let cut_after = (tries.fetch_add(1, Ordering::SeqCst) < 2).then_some(40);
        Some(rest(start(asked), cut_after))
    })
    .await;
    let came = fetched(&server, &release(&content()), b"").await.unwrap();
    assert_eq!(came, content());
    let ranges = ranges(&server);
    let ranges: Vec<Option<&str>> = ranges.iter().map(Option::as_deref).collect();
    assert_eq!(ranges, [None, Some("bytes=40-"), Some("bytes=80-")]);
}

#[tokio::test]
async fn resumes_blob_of_earlier_process() {
    let server = Server::of(|asked| Some(rest(start(asked), None))).await;
    let came = fetched(&server, &release(&content()), &content()[..70]).await;
    assert_eq!(came.unwrap(), content());
    assert_eq!(ranges(&server), [Some("bytes=70-".to_owned())]);
    // What is whole is not asked for at all.
    let server = Server::of(|_| None).await;
    let came = fetched(&server, &release(&content()), &content()).await;
    assert_eq!(came.unwrap(), content());
    assert_eq!(ranges(&server), []);
}

#[tokio::test]
async fn restarts_blob_without_range_support() {
    for (status, requests) in [(200, 1), (206, 2), (416, 2)] {
        let server = Server::of(move |asked| {
            Some(match (asked.header("range"), status) {
                (Some(_), 416) => answer(416, &[("content-range", "bytes */100")], "no"),
                // It goes on somewhere else than it was asked.
                (Some(_), 206) => answer(
                    206,
                    &[("content-range", "bytes 10-99/100")],
                    content()[10..].to_vec(),
                ),
                _ => answer(200, &[], content()),
            })
        })
        .await;
        let came = fetched(&server, &release(&content()), &content()[..50]).await;
        assert_eq!(came.unwrap(), content(), "{status}");
        let ranges = ranges(&server);
        assert_eq!(ranges[0].as_deref(), Some("bytes=50-"));
        assert_eq!(ranges.len(), requests, "{status}");
    }
}

#[tokio::test]
async fn discards_partial_download_of_other_content() {
    let server = Server::of(|asked| Some(rest(start(asked), None))).await;
    let came = fetched(&server, &release(&content()), &[7; 50]).await;
    assert_eq!(came.unwrap(), content());
    assert_eq!(ranges(&server), [Some("bytes=50-".to_owned()), None]);
}

#[tokio::test]
async fn verifies_digest_and_size_of_blob() {
    for (came, part) in [
        (vec![7; 100], Digest::of(&[7; 100]).oci()),
        (vec![7; 101], "expected 100 bytes".to_owned()),
    ] {
        let server = Server::of(move |_| Some(answer(200, &[], came.clone()))).await;
        let error = fetched(&server, &release(&content()), b"")
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Broken { .. }), "{error}");
        assert!(error.to_string().contains(&part), "{error}");
        assert_eq!(ranges(&server).len(), 1, "what is broken is broken again");
    }
}

/// The tries of a transfer are counted: a server that always cuts does not hold anybody for ever.
#[tokio::test]
async fn repeatedly_truncated_blob_is_error() {
    let server = Server::of(|asked| Some(rest(start(asked), Some(1)))).await;
    let error = fetched(&server, &release(&content()), b"")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(ranges(&server).len(), 3);
}

#[tokio::test]
async fn retries_failed_but_not_denied_blob() {
    for (status, requests) in [(403, 1), (404, 1), (503, 3)] {
        let server = Server::of(move |_| Some(text(status, "no"))).await;
        let error = fetched(&server, &release(&content()), b"")
            .await
            .unwrap_err();
        let is_so = match status {
            403 => matches!(error, Error::Denied { .. }),
            404 => matches!(error, Error::NotFound { .. }),
            _ => matches!(error, Error::Unavailable { .. }),
        };
        assert!(is_so, "{status}: {error}");
        assert_eq!(ranges(&server).len(), requests, "{status}");
    }
}
