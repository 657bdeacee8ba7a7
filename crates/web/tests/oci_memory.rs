//! The memory of the registry does not depend on the size of a blob. This file has one test only, because it measures the
//! whole process.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![cfg(target_os = "linux")]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod registry;

use std::fs;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::any;
use extension_registry_packages::Digest;
use futures::stream;
use registry::{Desk, Registry};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const PIECE: usize = 1024 * 1024;
const PIECES: usize = 64;
/// Far less than the blob.
const LIMIT: usize = 24 * 1024 * 1024;

/// The highest memory use of this process so far, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<usize>().unwrap() * 1024
}

fn pieces() -> impl Iterator<Item = Bytes> {
    (0..PIECES).map(|number| Bytes::from(vec![u8::try_from(number % 256).unwrap(); PIECE]))
}

fn digest() -> Digest {
    let mut hasher = Sha256::new();
    for piece in pieces() {
        hasher.update(&piece);
    }
    Digest::finish(hasher)
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_independent_of_blob_size() {
    let (desk, wanted) = (Desk::new(), digest());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": Digest::of(b"{}").oci(),
            "size": 2,
        },
        "layers": [{ "mediaType": "application/yaml", "digest": wanted.oci(), "size": PIECE * PIECES }],
    });
    let manifest = manifest.to_string();
    let tags = json!({ "name": "x/tool", "tags": ["1.0.0"] }).to_string();
    let origin = Router::new()
        .route("/v2/x/tool/tags/list", any(async move || tags.clone()))
        .route(
            "/v2/x/tool/manifests/1.0.0",
            any(async move || ([("content-type", media_type)], manifest.clone())),
        )
        .route(
            "/v2/x/tool/blobs/{digest}",
            any(async || {
                let pieces = pieces().map(Ok::<_, std::io::Error>);
                Body::from_stream(stream::iter(pieces))
            }),
        )
        .fallback_service(any(async || StatusCode::NOT_FOUND));
    let origin = Registry::of(origin).await;
    let toml = format!(
        "[[repository]]\nname = \"team\"\nkind = \"oci\"\nurl = \"http://{}/x\"\n",
        origin.host
    );
    let registry = Registry::start(desk.workspace("home", "warn", &toml)).await;
    let before = peak();
    let path = format!("/v2/team/tool/blobs/{}", wanted.oci());
    for _ in 0..2 {
        let mut response = registry.get(&path).await;
        assert_eq!(response.status(), 200);
        let mut length = 0;
        while let Some(piece) = response.chunk().await.unwrap() {
            length += piece.len();
        }
        assert_eq!(length, PIECE * PIECES);
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < LIMIT, "memory grew by {grown} bytes");
}
