//! Tests of the HTTP cache.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod quirk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use extension_registry_package_transport::transport::Call;
use quirk::{RecordedRequest, Server, answer};

/// A server whose list has a tag; the list is another one when the number changes.
async fn server(version: &Arc<AtomicU32>) -> Server {
    let version = Arc::clone(version);
    Server::of(move |asked: &RecordedRequest| {
        let tag = format!("\"{}\"", version.load(Ordering::SeqCst));
        if asked.header("if-none-match") == Some(tag.as_str()) {
            return Some(answer(304, &[("etag", &tag)], ""));
        }
        let body = format!("list {tag}");
        Some(match asked.path.as_str() {
            "/list" => answer(200, &[("etag", &tag), ("link", "</next>; rel=next")], body),
            "/plain" => answer(200, &[], body),
            _ => return None,
        })
    })
    .await
}

async fn get(
    transport: &extension_registry_package_transport::transport::Transport,
    server: &Server,
    path: &str,
) -> String {
    let answer = transport.send(&Call::get(server.url(path))).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.url().path(), path);
    let link = answer.header("link").map(str::to_owned);
    assert_eq!(
        link.is_some(),
        path == "/list",
        "headers are those of the answer"
    );
    String::from_utf8(answer.bytes(1 << 20).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_response_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let version = Arc::new(AtomicU32::new(1));
    let server = server(&version).await;
    let with_http_cache = || quirk::transport(0).with_http_cache(folder.path().join("http"));
    assert_eq!(
        get(&with_http_cache(), &server, "/list").await,
        "list \"1\""
    );
    assert_eq!(server.asked()[0].header("if-none-match"), None);
    // Another process, later.
    assert_eq!(
        get(&with_http_cache(), &server, "/list").await,
        "list \"1\""
    );
    assert_eq!(server.asked()[1].header("if-none-match"), Some("\"1\""));
    version.store(2, Ordering::SeqCst);
    assert_eq!(
        get(&with_http_cache(), &server, "/list").await,
        "list \"2\""
    );
    assert_eq!(
        get(&with_http_cache(), &server, "/list").await,
        "list \"2\""
    );
    assert_eq!(server.asked()[3].header("if-none-match"), Some("\"2\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_without_etag_or_partial_are_not_cached() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&Arc::new(AtomicU32::new(1))).await;
    let transport = quirk::transport(0).with_http_cache(folder.path().join("http"));
    get(&transport, &server, "/plain").await;
    get(&transport, &server, "/plain").await;
    let part = Call::get(server.url("/list")).header("range", "bytes=1-");
    transport.send(&part).await.unwrap();
    transport.send(&part).await.unwrap();
    for asked in server.asked() {
        assert_eq!(asked.header("if-none-match"), None, "{}", asked.line());
    }
    assert!(!folder.path().join("http").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_responses_are_not_cached() {
    let folder = tempfile::tempdir().unwrap();
    let other = Server::of(|_| Some(answer(200, &[("etag", "\"1\"")], "stored elsewhere"))).await;
    let elsewhere = other.url("/blob?signature=for-this-once").to_string();
    let server = Server::of(move |asked: &RecordedRequest| {
        Some(match asked.path.as_str() {
            "/private" => {
                let headers = [("etag", "\"1\""), ("cache-control", "private, No-Store")];
                answer(200, &headers, "private")
            }
            "/moved" => answer(307, &[("location", &elsewhere)], ""),
            _ => answer(200, &[("etag", "\"1\"")], "a token"),
        })
    })
    .await;
    let transport = quirk::transport(0).with_http_cache(folder.path().join("http"));
    for call in [
        Call::get(server.url("/private")),
        Call::get(server.url("/moved")),
        Call::get(server.url("/token")).secret(),
    ] {
        let answer = transport.send(&call).await.unwrap();
        answer.bytes(1 << 20).await.unwrap();
        assert!(!folder.path().join("http").exists(), "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_cache_file_is_refetched() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&Arc::new(AtomicU32::new(1))).await;
    let kept = folder.path().join("http");
    let transport = quirk::transport(0).with_http_cache(kept.clone());
    get(&transport, &server, "/list").await;
    for entry in std::fs::read_dir(&kept).unwrap() {
        let file = std::fs::File::options()
            .write(true)
            .open(entry.unwrap().path())
            .unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - 3).unwrap();
    }
    assert_eq!(get(&transport, &server, "/list").await, "list \"1\"");
    assert_eq!(server.asked()[1].header("if-none-match"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_cache_file_is_refetched() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&Arc::new(AtomicU32::new(1))).await;
    let kept = folder.path().join("http");
    let transport = quirk::transport(0).with_http_cache(kept.clone());
    get(&transport, &server, "/list").await;
    for entry in std::fs::read_dir(&kept).unwrap() {
        std::fs::write(entry.unwrap().path(), "garbage\n").unwrap();
    }
    assert_eq!(get(&transport, &server, "/list").await, "list \"1\"");
    assert_eq!(server.asked()[1].header("if-none-match"), None);
}
