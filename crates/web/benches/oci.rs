//! Measures the OCI endpoint: a manifest in memory, and a large blob compared with a static file server.
//!
//! Targets: a manifest takes no more than 5 ms; a blob has at least 0.8 of the throughput of `busybox httpd`. The benchmark
//! fails when a target is missed.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark of a wrong answer is worth nothing, and its ratios are its answer"
)]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "../tests/registry/mod.rs"]
mod registry;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::any;
use extension_registry_packages::Digest;
use registry::{Desk, Registry};
use serde_json::json;

const MEBIBYTES: usize = 64;
const ROUNDS: usize = 15;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// `busybox httpd`, until it is dropped.
struct Httpd(Child, u16);

impl Httpd {
    fn start(folder: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let child = Command::new("busybox")
            .args(["httpd", "-f", "-p", &format!("127.0.0.1:{port}"), "-h"])
            .arg(folder)
            .spawn()
            .ok()?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self(child, port))
    }
}

impl Drop for Httpd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benchmarks too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if runtime.block_on(run()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Reads a response to its end, and returns how long that took.
async fn read(client: &reqwest::Client, url: &str, length: usize) -> Duration {
    let begin = Instant::now();
    let mut response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut read = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        read += piece.len();
    }
    assert_eq!(read, length);
    begin.elapsed()
}

/// Returns whether the targets are met.
async fn run() -> bool {
    let desk = Desk::new();
    let files = desk.bench.target("files");
    std::fs::create_dir(&files).unwrap();
    let content = Bytes::from(vec![7; MEBIBYTES * 1024 * 1024]);
    std::fs::write(files.join("blob"), &content).unwrap();
    let digest = Digest::of(&content).oci();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": Digest::of(b"{}").oci(),
            "size": 2,
        },
        "layers": [{ "mediaType": "application/yaml", "digest": digest, "size": content.len() }],
    })
    .to_string();
    let (size, length) = (manifest.len(), content.len());
    let tags = json!({ "name": "x/tool", "tags": ["1.0.0"] }).to_string();
    let origin = Router::new()
        .route("/v2/x/tool/tags/list", any(async move || tags.clone()))
        .route(
            "/v2/x/tool/manifests/1.0.0",
            any(async move || ([("content-type", MANIFEST)], manifest.clone())),
        )
        .route(
            "/v2/x/tool/blobs/{digest}",
            any(async move || Body::from(content.clone())),
        )
        .fallback_service(any(async || StatusCode::NOT_FOUND));
    let origin = Registry::of(origin).await;
    let toml = format!(
        "[[repository]]\nname = \"team\"\nkind = \"oci\"\nurl = \"http://{}/x\"\n",
        origin.host
    );
    let registry = Registry::start(desk.workspace("home", "warn", &toml)).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://{}/v2/team/tool", registry.host);

    let url = format!("{base}/manifests/1.0.0");
    let cold = read(&client, &url, size).await;
    let mut times = Vec::new();
    for _ in 0..200 {
        times.push(read(&client, &url, size).await);
    }
    times.sort_unstable();
    let warm = times[times.len() / 2];
    println!("manifest: {warm:?} in memory (median), {cold:?} with its delivery");

    let Some(httpd) = Httpd::start(&files) else {
        println!("blob: not compared: busybox is not installed");
        return warm <= Duration::from_millis(5);
    };
    let blob = format!("{base}/blobs/{digest}");
    let file = format!("http://127.0.0.1:{}/blob", httpd.1);
    // By turns, so that whatever the machine does meanwhile happens to both.
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (url, shortest) in [&blob, &file].into_iter().zip(&mut shortest) {
            *shortest = read(&client, url, length).await.min(*shortest);
        }
    }
    let ratio = shortest[1].as_secs_f64() / shortest[0].as_secs_f64();
    println!(
        "blob of {MEBIBYTES} MiB: {ratio:.2} of the throughput of httpd ({:?}, {:?})",
        shortest[0], shortest[1]
    );
    warm <= Duration::from_millis(5) && ratio >= 0.8
}
