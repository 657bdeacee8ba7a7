//! HTTP as repositories need it: tries, redirects, credentials, limits; each against answers that were made for it.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod quirk;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_transport::progress::Progress;
use extension_registry_package_transport::transport::{
    self, Body, Call, Error, Sent, Settings, Transport, watched,
};
use quirk::{Server, answer, cut, json, text, transport};

/// A server that refuses so many times, and answers then.
async fn refusing(times: usize, status: u16, retry_after: Option<&'static str>) -> Server {
    let asked = AtomicUsize::new(0);
    Server::of(move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) >= times {
            return Some(text(200, "at last"));
        }
        let header = retry_after.map(|value| ("retry-after", value));
        Some(answer(status, header.as_slice(), "not now"))
    })
    .await
}

async fn status(transport: &Transport, server: &Server) -> u16 {
    let call = Call::get(server.url("/"));
    transport.send(&call).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn respects_retry_after_in_seconds() {
    let server = refusing(1, 429, Some("2")).await;
    let start = Instant::now();
    assert_eq!(status(&transport(1), &server).await, 200);
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn respects_retry_after_date() {
    // The date has whole seconds, so that it is more than one second away.
    let asked = AtomicUsize::new(0);
    let server = Server::of(move |_| {
        if asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return Some(text(200, "at last"));
        }
        let date = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Some(answer(503, &[("retry-after", &date)], "not now"))
    })
    .await;
    let start = Instant::now();
    assert_eq!(status(&transport(1), &server).await, 200);
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn gives_up_on_long_retry_after() {
    let server = refusing(1, 429, Some("86400")).await;
    assert_eq!(status(&transport(3), &server).await, 429);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn retries_transient_errors_as_configured() {
    for code in [500, 502, 503, 504] {
        let server = refusing(1, code, None).await;
        assert_eq!(status(&transport(1), &server).await, 200);
        assert_eq!(server.asked().len(), 2);
    }
    let server = refusing(9, 503, None).await;
    assert_eq!(status(&transport(2), &server).await, 503);
    assert_eq!(server.asked().len(), 3);
    let server = refusing(1, 503, None).await;
    assert_eq!(status(&transport(0), &server).await, 503);
}

#[tokio::test]
async fn never_retries_permanent_errors() {
    for code in [400, 401, 403, 404] {
        let server = refusing(1, code, Some("0")).await;
        assert_eq!(status(&transport(3), &server).await, code);
        assert_eq!(server.asked().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn retries_truncated_small_response() {
    let begun = AtomicUsize::new(0);
    let server = Server::of(move |_| {
        let is_first = begun.fetch_add(1, Ordering::SeqCst) == 0;
        let headers = [("content-length", "9"), ("x-mark", "here")];
        Some(if is_first {
            cut(200, &headers, b"the ")
        } else {
            answer(200, &headers, "the whole")
        })
    })
    .await;
    let come = transport(1)
        .send(&Call::get(server.url("/")))
        .await
        .unwrap();
    assert_eq!(
        (come.header("x-mark"), come.length()),
        (Some("here"), Some(9))
    );
    assert_eq!(come.url(), &server.url("/"));
    assert_eq!(come.bytes(100).await.unwrap(), b"the whole");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn reports_unreachable_server_after_retries() {
    let server = refusing(0, 200, None).await;
    let url = server.url("/?token=hunter2");
    drop(server);
    let error = transport(1)
        .send(&Call::get(url.clone()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let told = format!("{error} {error:?}");
    assert!(told.contains(&transport::host(&url)), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn http_is_limited_to_loopback() {
    let strict = transport(0);
    for url in [
        "http://registry.example/v2/",
        "http://192.0.2.1/",
        "ftp://localhost/",
    ] {
        let error = strict
            .send(&Call::get(url.parse().unwrap()))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Insecure(_) | Error::InvalidAddress(_)),
            "{error}"
        );
    }
    for url in [
        "https://registry.example/",
        "http://localhost:5000/",
        "http://127.0.0.7/",
        "http://[::1]:5000/",
    ] {
        strict.allows(&url.parse().unwrap()).unwrap();
    }
    for url in ["http://localhost.example/", "http://127.0.0.1.example/"] {
        assert!(strict.allows(&url.parse().unwrap()).is_err(), "{url}");
    }
    let loose = Transport::new(Settings {
        insecure: true,
        ..Settings::default()
    });
    loose
        .unwrap()
        .allows(&"http://registry.example/".parse().unwrap())
        .unwrap();
}

#[tokio::test]
async fn redirect_cannot_leave_loopback_by_http() {
    let server = Server::of(|_| Some(answer(307, &[("location", "http://192.0.2.1/x")], ""))).await;
    let call = Call::get(server.url("/"));
    let error = transport(0).send(&call).await.unwrap_err();
    assert!(matches!(error, Error::Insecure(_)), "{error}");
}

#[tokio::test]
async fn credentials_do_not_follow_redirect() {
    let other = Server::of(|_| Some(text(200, "there"))).await;
    let location = other.url("/blob").to_string();
    let server = Server::of(move |asked| {
        Some(match asked.path.as_str() {
            "/near" => answer(302, &[("location", "/far")], ""),
            _ => answer(307, &[("location", &location)], ""),
        })
    })
    .await;
    let call = Call::get(server.url("/near"))
        .header("range", "bytes=5-")
        .authorization(Some(Sensitive::from("Bearer hunter2")));
    let got = transport(0).send(&call).await.unwrap();
    assert_eq!(got.host(), other.host());
    // On the same host they go along.
    let near = server.asked();
    let shown: Vec<_> = near
        .iter()
        .map(|asked| asked.header("authorization"))
        .collect();
    assert_eq!(shown, [Some("Bearer hunter2"); 2]);
    let far = other.asked();
    assert_eq!(far.len(), 1);
    assert_eq!(far[0].header("authorization"), None);
    assert_eq!(far[0].header("range"), Some("bytes=5-"));
    assert!(!format!("{call:?}").contains("hunter2"));
}

#[tokio::test]
async fn credentials_are_not_restored_after_redirects() {
    let home = std::sync::Arc::new(std::sync::OnceLock::new());
    let back = std::sync::Arc::clone(&home);
    let other = Server::of(move |_| {
        let back: &url::Url = back.get()?;
        Some(answer(307, &[("location", back.as_str())], ""))
    })
    .await;
    let location = other.url("/").to_string();
    let server = Server::of(move |asked| {
        Some(match asked.path.as_str() {
            "/home" => text(200, "back"),
            _ => answer(307, &[("location", &location)], ""),
        })
    })
    .await;
    home.set(server.url("/home")).unwrap();
    let call = Call::get(server.url("/")).authorization(Some(Sensitive::from("Basic x")));
    assert_eq!(transport(0).send(&call).await.unwrap().status(), 200);
    let last = server.asked().pop().unwrap();
    assert_eq!(
        (last.path.as_str(), last.header("authorization")),
        ("/home", None)
    );
}

#[tokio::test]
async fn endless_redirects_are_error() {
    let server = Server::of(|_| Some(answer(302, &[("location", "/again")], ""))).await;
    let error = transport(0)
        .send(&Call::get(server.url("/")))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Redirects(_)), "{error}");
    assert!(server.asked().len() < 10);
}

#[tokio::test]
async fn body_size_is_limited() {
    let server = Server::of(|asked| {
        Some(match asked.path.as_str() {
            "/large" => text(200, &"x".repeat(1001)),
            "/page" => answer(200, &[("content-type", "text/html")], "<html>login</html>"),
            "/cut" => cut(200, &[("content-length", "100")], b"beginning"),
            _ => json("{\"a\":1}"),
        })
    })
    .await;
    let transport = transport(0);
    let get = async |path: &str| transport.send(&Call::get(server.url(path))).await.unwrap();
    let error = get("/large").await.bytes(1000).await.unwrap_err();
    assert!(
        error.to_string().contains("longer than 1000 bytes"),
        "{error}"
    );
    assert_eq!(get("/large").await.bytes(1001).await.unwrap().len(), 1001);
    let streamed = Call::get(server.url("/cut")).streamed();
    let come = transport.send(&streamed).await.unwrap();
    let error = come.bytes(1000).await.unwrap_err();
    assert!(matches!(error, Error::Cut { .. }), "{error}");
    let error = transport.send(&Call::get(server.url("/cut"))).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the response was truncated"), "{error}");
    let error = get("/page").await.json::<u32>(1000).await.unwrap_err();
    assert!(error.to_string().contains("unexpected JSON"), "{error}");
    let value: serde_json::Value = get("/json").await.json(1000).await.unwrap();
    assert_eq!(value["a"], 1);
}

/// The server never answers: the client has to give up by itself.
#[tokio::test]
async fn silent_server_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let _ = transport(0);
    let hasty = Transport::new(Settings {
        timeout: Duration::from_millis(300),
        retries: 0,
        ..Settings::default()
    });
    let error = hasty
        .unwrap()
        .send(&Call::get(url.parse().unwrap()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no response within"), "{error}");
}

/// The parts of an answer come more slowly than one part may take in all, and each in time.
#[tokio::test]
async fn timeout_applies_to_each_part() {
    let server = Server::of(|_| {
        let parts = futures::stream::unfold(0, |part| async move {
            if part == 15 {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            Some((Ok::<_, std::io::Error>("part"), part + 1))
        });
        Some(answer(200, &[], axum::body::Body::from_stream(parts)))
    })
    .await;
    let _ = transport(0);
    let patient = Transport::new(Settings {
        timeout: Duration::from_secs(2),
        retries: 0,
        ..Settings::default()
    });
    let got = patient
        .unwrap()
        .send(&Call::get(server.url("/")))
        .await
        .unwrap();
    assert_eq!(got.bytes(1000).await.unwrap().len(), 60);
}

#[derive(Default)]
struct Counting(std::sync::atomic::AtomicU64);

impl Progress for Counting {
    fn begin(&self, _done: u64, _total: Option<u64>) {}
    fn advance(&self, bytes: u64) {
        let _ = self.0.fetch_add(bytes, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn retry_sends_whole_file_and_reports_progress_once() {
    let server = refusing(1, 503, None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    let content: Vec<u8> = (0..700_000u32).map(|byte| (byte % 251) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    let size = content.len() as u64;
    let sent = Sent::default();
    let call = Call::new(reqwest::Method::PUT, server.url("/"))
        .body(Body::File { path, size })
        .counting(Sent::clone(&sent));
    let progress = Counting::default();
    let transport = transport(1);
    let got = watched(transport.send(&call), &sent, &progress)
        .await
        .unwrap();
    assert_eq!(got.status(), 200);
    for asked in server.asked() {
        assert_eq!(asked.body, content);
        assert_eq!(asked.header("content-length"), Some("700000"));
    }
    assert_eq!(server.asked().len(), 2);
    assert_eq!(progress.0.load(Ordering::SeqCst), size);
}
