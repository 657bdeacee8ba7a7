//! The driver of Gitea against answers that a real one does not give on demand: older versions, transfers that are
//! cut, failures that pass.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod contract;
mod quirk;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::Response;
use contract::{Bench, version};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_package_format::Digest;
use extension_registry_package_repository::gitea::{Gitea, Settings};
use extension_registry_package_repository::{
    Blob, Description, Error, PartialDownload, Release, Repository,
};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::progress::Silent;
use quirk::{RecordedRequest, Server, answer, cut, json, text, transport};

fn settings(server: &Server) -> Settings {
    Settings {
        id: "old".to_owned(),
        url: server.url("/"),
        owner: "somebody".to_owned(),
        names: Vec::new(),
    }
}

fn driver(server: &Server) -> Gitea {
    let token = Credentials::Token(Sensitive::from("a-token"));
    Gitea::new(settings(server), transport(3), token).unwrap()
}

/// One entry of a list.
fn entry(name: &str, version: &str) -> String {
    format!("{{\"id\":1,\"type\":\"generic\",\"name\":\"{name}\",\"version\":\"{version}\"}}")
}

/// A page of a list, as it was asked for.
fn page(asked: &RecordedRequest, entries: &[String]) -> Response {
    let number = |name| {
        asked
            .parameter(name)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let (page, limit) = (number("page").unwrap_or(1), number("limit").unwrap_or(50));
    let entries: Vec<&str> = entries
        .iter()
        .skip((page - 1) * limit)
        .take(limit)
        .map(String::as_str)
        .collect();
    json(&format!("[{}]", entries.join(",")))
}

/// Older servers have one list, of everything, and count nothing.
#[tokio::test]
async fn pages_through_listing_of_older_servers() {
    let mut entries: Vec<String> = (0..117)
        .map(|minor| entry("tool", &format!("1.{minor}.0")))
        .collect();
    entries.push(entry("tool-box", "9.0.0"));
    let server = Server::of(move |asked| {
        (asked.path == "/api/v1/packages/somebody").then(|| page(asked, &entries))
    })
    .await;
    let versions = driver(&server).versions("tool").await.unwrap();
    assert_eq!(versions.len(), 117);
    assert_eq!(versions.iter().max(), Some(&version("1.116.0")));
    let names = driver(&server).names(None).await.unwrap();
    assert_eq!(names.names, ["tool", "tool-box"]);
}

#[tokio::test]
async fn stops_at_repeated_page() {
    let entries = [entry("tool", "1.0.0"), entry("tool", "1.1.0")];
    let server = Server::of(move |asked| {
        (asked.path == "/api/v1/packages/somebody")
            .then(|| json(&format!("[{}]", entries.join(","))))
    })
    .await;
    assert_eq!(driver(&server).names(None).await.unwrap().names, ["tool"]);
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn null_list_is_empty_and_html_is_error() {
    let server = Server::of(|_| Some(json("null"))).await;
    let names = driver(&server).names(None).await.unwrap();
    assert_eq!(names.names, Vec::<String>::new());
    let server = Server::of(|_| Some(text(200, "<html>sign in</html>"))).await;
    let error = driver(&server).names(None).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("unexpected JSON"), "{error}");
}

/// What a server has of a release with this content.
fn release(content: &[u8]) -> Release {
    Release {
        name: "tool".to_owned(),
        version: version("1.0.0+build.7"),
        description: Description::Configuration {
            bytes: b"{}".to_vec(),
            digest: Digest::of(b"{}"),
        },
        content: Blob {
            digest: Some(Digest::of(content)),
            size: Some(content.len() as u64),
            file: Some("tool-1.0.0+build.7.tar.gz".to_owned()),
        },
        document: None,
        locator: String::new(),
        manifest: None,
        published: None,
    }
}

/// Where its content is: `+` means a blank to some servers, so it is never sent as it is.
const CONTENT: &str =
    "/api/packages/somebody/generic/tool/1.0.0%2Bbuild.7/tool-1.0.0%2Bbuild.7.tar.gz";

async fn fetched(server: &Server, release: &Release, before: &[u8]) -> Result<Vec<u8>, Error> {
    let bench = Bench::new();
    let target = bench.target("came");
    std::fs::write(&target, before).unwrap();
    let mut download_file = PartialDownload::open(&target, 1 << 20, &Silent).unwrap();
    driver(server).fetch(release, &mut download_file).await?;
    Ok(std::fs::read(&target).unwrap())
}

fn ranges(server: &Server) -> Vec<Option<String>> {
    let asked = server.asked();
    assert!(asked.iter().all(|one| one.path == CONTENT), "{asked:?}");
    let range = |one: &RecordedRequest| one.header("range").map(str::to_owned);
    asked.iter().map(range).collect()
}

#[tokio::test]
async fn resumes_interrupted_download() {
    let content: Vec<u8> = (0..100).collect();
    let (bytes, tries) = (content.clone(), AtomicUsize::new(0));
    let server = Server::of(move |asked| {
        let start = match asked.header("range") {
            None => 0,
            Some(range) => range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()?,
        };
        let rest = &bytes[start..];
        let range = format!("bytes {start}-99/100");
        let length = rest.len().to_string();
        let headers = [
            ("content-range", range.as_str()),
            ("content-length", length.as_str()),
        ];
        let status = if start == 0 { 200 } else { 206 };
        Some(match tries.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => cut(status, &headers, &rest[..40]),
            _ => answer(status, &headers, rest.to_vec()),
        })
    })
    .await;
    let came = fetched(&server, &release(&content), b"").await.unwrap();
    assert_eq!(came, content);
    let ranges = ranges(&server);
    let ranges: Vec<Option<&str>> = ranges.iter().map(Option::as_deref).collect();
    assert_eq!(ranges, [None, Some("bytes=40-"), Some("bytes=80-")]);
}

#[tokio::test]
async fn restarts_without_range_support() {
    let content: Vec<u8> = (0..100).collect();
    for status in [200, 206, 416] {
        let bytes = content.clone();
        let server = Server::of(move |asked| {
            Some(match (asked.header("range"), status) {
                (Some(_), 416) => answer(416, &[("content-range", "bytes */100")], "no"),
                // It goes on somewhere else than it was asked.
                (Some(_), 206) => answer(
                    206,
                    &[("content-range", "bytes 10-99/100")],
                    bytes[10..].to_vec(),
                ),
                _ => answer(200, &[], bytes.clone()),
            })
        })
        .await;
        let known = release(&content);
        // Without anything that is said of it, no mistake would be found afterwards.
        let mut unknown = known.clone();
        unknown.content.digest = None;
        unknown.content.size = None;
        for release in [known, unknown] {
            let came = fetched(&server, &release, &content[..50]).await.unwrap();
            assert_eq!(came, content, "{status}");
        }
        assert_eq!(ranges(&server)[0].as_deref(), Some("bytes=50-"));
    }
}

#[tokio::test]
async fn verifies_digest_of_download() {
    let server = Server::of(|_| Some(answer(200, &[], vec![7; 100]))).await;
    let wanted: Vec<u8> = (0..100).collect();
    let error = fetched(&server, &release(&wanted), b"").await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    for digest in [Digest::of(&wanted), Digest::of(&[7; 100])] {
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
    }
    assert_eq!(ranges(&server).len(), 1, "what is broken is broken again");
}

#[tokio::test]
async fn retries_failures_but_not_denials() {
    let tries = AtomicUsize::new(0);
    let server = Server::of(move |asked| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Some(text(503, "later")),
        1 => Some(text(500, "database is locked")),
        _ => Some(page(asked, &[entry("tool", "1.0.0")])),
    })
    .await;
    assert_eq!(driver(&server).names(None).await.unwrap().names, ["tool"]);
    let server = Server::of(|_| Some(text(403, "no"))).await;
    let error = driver(&server).names(None).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert_eq!(server.lines().len(), 1);
    let server = Server::of(|_| Some(text(502, "no"))).await;
    let error = driver(&server).names(None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "old: failed to list packages: the server responded with 502"
    );
    assert_eq!(server.lines().len(), 4, "as often as it is set");
}

/// A server of files alone, that loses its answers to some writes: they were done all the same.
struct Lossy {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    writes: AtomicUsize,
}

impl Lossy {
    fn answer(&self, asked: &RecordedRequest) -> Response {
        let mut files = self.files.lock().unwrap();
        if let Some(version) = asked
            .path
            .strip_prefix("/api/v1/packages/somebody/generic/")
        {
            let Some(version) = version.strip_suffix("/files") else {
                return text(404, "no such list");
            };
            let start = format!("/api/packages/somebody/generic/{version}/");
            let listed: Vec<String> = files
                .iter()
                .filter_map(|(path, bytes)| {
                    let (name, digest) = (path.strip_prefix(&start)?, Digest::of(bytes));
                    Some(format!("{{\"name\":\"{name}\",\"sha256\":\"{digest}\"}}"))
                })
                .collect();
            return if listed.is_empty() {
                text(404, "no such version")
            } else {
                json(&format!("[{}]", listed.join(",")))
            };
        }
        match asked.method.as_str() {
            "PUT" if files.contains_key(&asked.path) => text(409, "it is there"),
            "PUT" => {
                files.insert(asked.path.clone(), asked.body.to_vec());
                match self.writes.fetch_add(1, Ordering::SeqCst) % 2 {
                    0 => text(502, "lost"),
                    _ => text(201, ""),
                }
            }
            "DELETE" => {
                let before = files.len();
                files.retain(|path, _| !path.starts_with(&asked.path));
                text(if files.len() < before { 204 } else { 404 }, "")
            }
            _ => match files.get(&asked.path) {
                Some(bytes) => answer(200, &[], bytes.clone()),
                None => text(404, "no such file"),
            },
        }
    }
}

#[tokio::test]
async fn lost_write_response_is_recognized() {
    let lossy = Lossy {
        files: Mutex::default(),
        writes: AtomicUsize::new(0),
    };
    let server = Server::of(move |asked| Some(lossy.answer(asked))).await;
    let bench = Bench::new();
    let first = bench.package("tool", "1.0.0", "first");
    let gitea = driver(&server);
    let release = gitea.publish(&first, false, &Silent).await.unwrap();
    assert_eq!(release.content.digest, Some(first.digest));
    let second = bench.package("tool", "1.0.0", "second");
    let error = gitea.publish(&second, false, &Silent).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    // The other half of the writes is lost now.
    let release = gitea.publish(&second, true, &Silent).await.unwrap();
    assert_eq!(release.content.digest, Some(second.digest));
}

/// Order of a publication: what makes a version whole is written last.
#[tokio::test]
async fn writes_configuration_last() {
    let lossy = Lossy {
        files: Mutex::default(),
        writes: AtomicUsize::new(0),
    };
    let server = Server::of(move |asked| Some(lossy.answer(asked))).await;
    let bench = Bench::new();
    let upload = bench.package("tool", "1.0.0", "a tool");
    driver(&server)
        .publish(&upload, false, &Silent)
        .await
        .unwrap();
    let mut written: Vec<String> = server
        .lines()
        .into_iter()
        .filter(|line| !line.starts_with("GET"))
        .filter_map(|line| Some(line.rsplit_once('/')?.1.to_owned()))
        .collect();
    written.dedup();
    assert_eq!(
        written,
        [
            "publisher",
            "tool-1.0.0.tar.gz",
            "tool-1.0.0-docs.md",
            "tool-1.0.0.sha256",
            "tool-1.0.0.json",
            "publisher"
        ]
    );
}

#[tokio::test]
async fn rejects_invalid_address_and_credentials_early() {
    let server = Server::of(|_| None).await;
    let refused = |settings: Settings, credentials: Credentials| {
        let error = Gitea::new(settings, transport(0), credentials).unwrap_err();
        error.explained()
    };
    let mut odd = settings(&server);
    odd.owner = "../admin".to_owned();
    assert!(refused(odd, Credentials::Anonymous).contains("`../admin`"));
    let mut odd = settings(&server);
    odd.url = "http://gitea.example.com/".parse().unwrap();
    let text = refused(odd, Credentials::Anonymous);
    assert!(text.contains("use https"), "{text}");
    let mut odd = settings(&server);
    odd.url = "https://me:hunter2@gitea.example.com/".parse().unwrap();
    let text = refused(odd, Credentials::Anonymous);
    assert!(
        text.contains("credentials in its address") && !text.contains("hunter2"),
        "{text}"
    );
    let mut odd = settings(&server);
    odd.names = vec!["a/b".to_owned()];
    assert!(refused(odd, Credentials::Anonymous).contains("`a/b`"));
    let identity = Credentials::Identity(Sensitive::from("hunter2"));
    let text = refused(settings(&server), identity);
    assert!(
        text.contains("identity token") && !text.contains("hunter2"),
        "{text}"
    );
    assert_eq!(server.lines(), Vec::<String>::new());
}
