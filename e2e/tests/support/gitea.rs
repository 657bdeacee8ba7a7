//! Shared helpers of tests with Gitea.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use extension_registry_core::sensitive::Sensitive;
use extension_registry_e2e::servers::gitea::{self, Gitea as Server, USER};
use extension_registry_e2e::skip;
use extension_registry_packages::Digest;
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::progress::Progress;
use extension_registry_packages::repository::Upload;
use extension_registry_packages::repository::gitea::{Gitea, Settings};
use extension_registry_packages::transport::{self, Transport};

use crate::contract::Bench;

/// Starts Gitea, or prints why the test is skipped.
pub(crate) fn server(test: &str) -> Option<Server> {
    if let Some(why) = gitea::missing() {
        skip(test, &why).unwrap();
        return None;
    }
    Some(Server::start().unwrap())
}

pub(crate) fn transport() -> Transport {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = transport::Settings {
        timeout: Duration::from_mins(1),
        ..transport::Settings::default()
    };
    Transport::new(settings).unwrap()
}

pub(crate) fn settings(server: &Server) -> Settings {
    Settings {
        id: "gitea".to_owned(),
        url: server.url().parse().unwrap(),
        owner: USER.to_owned(),
        names: Vec::new(),
    }
}

pub(crate) fn with(settings: Settings, credentials: Credentials) -> Gitea {
    Gitea::new(settings, transport(), credentials).unwrap()
}

pub(crate) fn driver(server: &Server, credentials: Credentials) -> Gitea {
    with(settings(server), credentials)
}

pub(crate) fn token(server: &Server) -> Credentials {
    Credentials::Token(Sensitive::from(server.token()))
}

pub(crate) fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Writes a file with plain HTTP, without the driver.
pub(crate) async fn put(server: &Server, path: &str, bytes: &[u8]) {
    let url = format!("{}api/packages/{USER}/generic/{path}", server.url());
    let response = reqwest::Client::new()
        .put(url)
        .header("authorization", format!("token {}", server.token()))
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 201, "{path}");
}

/// Returns all logged requests. Sends one more request and waits until it is logged, because all earlier ones
/// are then logged too.
pub(crate) async fn logged_requests(server: &Server) -> Vec<String> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let last = format!("api/v1/version?{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let url = format!("{}{last}", server.url());
    reqwest::get(url).await.unwrap();
    let start = Instant::now();
    loop {
        let requests = server.requests().unwrap_or_default();
        if requests.iter().any(|line| line.ends_with(&last)) {
            return requests;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{requests:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns a package whose content is not an archive.
pub(crate) fn blob(bench: &Bench, size: usize) -> Upload {
    let mut upload = bench.package("blob", "1.0.0", "any bytes");
    let mut state = 1_u32;
    let bytes: Vec<u8> = (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    fs::write(&upload.content, &bytes).unwrap();
    upload.size = bytes.len() as u64;
    upload.digest = Digest::of(&bytes);
    upload
}

/// Records the progress of a transfer.
#[derive(Debug, Default)]
pub(crate) struct RecordedProgress {
    begins: Mutex<Vec<u64>>,
    bytes: AtomicU64,
}

impl RecordedProgress {
    pub(crate) fn begins(&self) -> Vec<u64> {
        self.begins.lock().unwrap().clone()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Progress for RecordedProgress {
    fn begin(&self, done: u64, _total: Option<u64>) {
        self.begins.lock().unwrap().push(done);
    }

    fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
