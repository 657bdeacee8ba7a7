//! Tests of blobs and referrers that the signature of a package does not cover.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod registry;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use extension_registry_packages::Digest;
use extension_registry_packages::repository::OciManifest;
use extension_registry_packages::repository::oci::artifact;
use registry::{Desk, Registry, header};
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Responses of an origin by their paths, with media types.
type Responses = HashMap<String, (&'static str, Vec<u8>)>;

fn respond(responses: &Responses, uri: &Uri) -> Response {
    match responses.get(uri.path()) {
        Some((media_type, bytes)) => {
            ([("content-type", *media_type)], bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

struct Origin {
    responses: Responses,
}

impl Origin {
    fn blob(&mut self, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes).oci();
        let path = format!("/v2/x/mlflow/blobs/{digest}");
        let _ = self
            .responses
            .insert(path, ("application/octet-stream", bytes.to_vec()));
        json!({ "mediaType": "application/x-other", "digest": digest, "size": bytes.len() })
    }

    fn manifest(&mut self, reference: &str, bytes: &[u8]) {
        let path = format!("/v2/x/mlflow/manifests/{reference}");
        let _ = self.responses.insert(path, (MANIFEST, bytes.to_vec()));
    }
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[tokio::test]
async fn serves_only_what_a_signature_covers_if_the_policy_is_enforced() {
    let desk = Desk::new();
    let upload = desk.bench.package("mlflow", "1.2.0", "tracking");
    let mut origin = Origin {
        responses: Responses::new(),
    };
    let _ = origin.blob(&std::fs::read(&upload.content).unwrap());
    let _ = origin.blob(&upload.configuration);
    let _ = origin.blob(&upload.document.as_ref().unwrap().bytes);
    // The statement of the signature names content, configuration and document, and not this layer.
    let mut manifest = parsed(&artifact::package(&upload).unwrap().bytes);
    let icon = origin.blob(b"icon");
    manifest["layers"]
        .as_array_mut()
        .unwrap()
        .push(icon.clone());
    let manifest = OciManifest::of(manifest.to_string().into_bytes());
    origin.manifest("1.2.0", &manifest.bytes);
    let tags = json!({ "name": "x/mlflow", "tags": ["1.2.0", "latest"] }).to_string();
    let path = "/v2/x/mlflow/tags/list".to_owned();
    let _ = origin
        .responses
        .insert(path, ("application/json", tags.into_bytes()));

    let signature = artifact::signature(&desk.signature(&upload), &manifest).unwrap();
    origin.manifest(&signature.manifest.digest.oci(), &signature.manifest.bytes);
    for blob in &signature.blobs {
        let _ = origin.blob(blob);
    }
    let mut other = parsed(&signature.manifest.bytes);
    other["artifactType"] = json!("application/spdx+json");
    other["layers"] = json!([origin.blob(b"other")]);
    let other = OciManifest::of(other.to_string().into_bytes());
    origin.manifest(&other.digest.oci(), &other.bytes);
    let referrers = [&signature.manifest, &other].map(
        |one| json!({ "mediaType": MANIFEST, "digest": one.digest.oci(), "size": one.bytes.len() }),
    );
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": referrers });
    let path = format!("/v2/x/mlflow/referrers/{}", manifest.digest.oci());
    let _ = origin
        .responses
        .insert(path, (INDEX, index.to_string().into_bytes()));

    let responses = Arc::new(origin.responses);
    let service = any(async move |uri: Uri| respond(&responses, &uri));
    let origin = Registry::of(Router::new().fallback_service(service)).await;
    let toml = format!(
        "[[repository]]\nname = \"team\"\nkind = \"oci\"\nurl = \"http://{}/x\"\n",
        origin.host
    );
    let package = "/v2/team/mlflow";
    let icon = format!("{package}/blobs/{}", icon["digest"].as_str().unwrap());
    let content = format!("{package}/blobs/{}", upload.digest.oci());
    let referrers = format!("{package}/referrers/{}", manifest.digest.oci());
    let unsigned = format!("{package}/manifests/{}", other.digest.oci());

    let strict = Registry::start(desk.workspace("strict", "enforce", &toml)).await;
    let response = strict.get(&format!("{package}/manifests/1.2.0")).await;
    let digest = header(&response, "docker-content-digest");
    assert_eq!(digest, manifest.digest.oci());
    assert_eq!(response.bytes().await.unwrap(), manifest.bytes);
    assert_eq!(Digest::of(&strict.bytes(&content).await), upload.digest);
    let (status, code, _) = strict.fault(&icon).await;
    assert_eq!((status, code.as_str()), (403, "DENIED"));
    let index = strict.json(&referrers).await;
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(
        index["manifests"][0]["digest"],
        signature.manifest.digest.oci()
    );
    assert_eq!(strict.fault(&unsigned).await.0, 404);
    assert_eq!(
        strict.fault(&format!("{package}/manifests/latest")).await.0,
        404
    );

    let lenient = Registry::start(desk.workspace("lenient", "warn", &toml)).await;
    assert_eq!(lenient.bytes(&icon).await, b"icon");
    assert_eq!(
        lenient.json(&referrers).await["manifests"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(lenient.bytes(&unsigned).await, other.bytes);
}
