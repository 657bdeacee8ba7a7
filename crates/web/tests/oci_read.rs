//! Tests of reading packages from the registry.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod registry;

use extension_registry_packages::Digest;
use registry::{Desk, Registry, fault, header};
use reqwest::Method;
use serde_json::{Value, json};

/// A registry with two packages in one folder and one in another.
async fn registry(desk: &Desk) -> Registry {
    let team = desk.folder("team");
    for (name, version, description) in [
        ("mlflow", "1.2.0", "tracking"),
        ("mlflow", "1.10.0", "tracking"),
        ("mlflow", "1.10.0+b.1", "build"),
        ("minio", "2.0.0", "storage"),
    ] {
        let upload = desk.bench.package(name, version, description);
        desk.publish(&team, &upload).await;
    }
    let upload = desk.bench.package("mlflow", "9.0.0", "another");
    desk.publish(&desk.folder("other"), &upload).await;
    let toml = desk.folder_toml("team") + &desk.folder_toml("other");
    Registry::start(desk.workspace("home", "enforce", &toml)).await
}

fn digest_of(bytes: &[u8]) -> String {
    Digest::of(bytes).oci()
}

#[tokio::test]
async fn serves_manifest_by_tag_and_digest() {
    let desk = Desk::new();
    let registry = registry(&desk).await;
    let response = registry.get("/v2/team/mlflow/manifests/1.2.0").await;
    assert_eq!(response.status(), 200);
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    assert_eq!(header(&response, "content-type"), media_type);
    let digest = header(&response, "docker-content-digest");
    let tag = header(&response, "etag");
    let bytes = response.bytes().await.unwrap();
    assert_eq!(digest_of(&bytes), digest);

    let path = format!("/v2/team/mlflow/manifests/{digest}");
    assert_eq!(registry.bytes(&path).await, bytes);
    let head = registry.send(Method::HEAD, &path, None).await;
    assert_eq!(header(&head, "content-length"), bytes.len().to_string());
    assert_eq!(header(&head, "docker-content-digest"), digest);
    let known = Some(("if-none-match", tag.as_str()));
    assert_eq!(registry.send(Method::GET, &path, known).await.status(), 304);

    // The tag of a build has `_` for `+`.
    let build = registry.json("/v2/team/mlflow/manifests/1.10.0_b.1").await;
    assert_eq!(
        build["annotations"]["org.opencontainers.image.version"],
        "1.10.0+b.1"
    );
    for (path, code) in [
        ("/v2/team/mlflow/manifests/3.0.0", "MANIFEST_UNKNOWN"),
        ("/v2/team/mlflow/manifests/latest", "MANIFEST_UNKNOWN"),
        ("/v2/team/absent/manifests/1.0.0", "NAME_UNKNOWN"),
        ("/v2/nowhere/mlflow/manifests/1.0.0", "NAME_UNKNOWN"),
        (
            &format!("/v2/team/minio/manifests/{digest}"),
            "MANIFEST_UNKNOWN",
        ),
    ] {
        let (status, actual, _) = registry.fault(path).await;
        assert_eq!((status, actual.as_str()), (404, code), "{path}");
    }
}

#[tokio::test]
async fn serves_blobs_whole_and_in_part() {
    let desk = Desk::new();
    let registry = registry(&desk).await;
    let manifest = registry.json("/v2/team/mlflow/manifests/1.2.0").await;
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2, "content and document");
    for blob in layers.iter().chain([&manifest["config"]]) {
        let digest = blob["digest"].as_str().unwrap();
        let path = format!("/v2/team/mlflow/blobs/{digest}");
        let bytes = registry.bytes(&path).await;
        assert_eq!(digest_of(&bytes), digest);
        assert_eq!(blob["size"], bytes.len());
        let head = registry.send(Method::HEAD, &path, None).await;
        assert_eq!(header(&head, "content-length"), bytes.len().to_string());

        let part = Some(("range", "bytes=2-6"));
        let part = registry.send(Method::GET, &path, part).await;
        assert_eq!(part.status(), 206);
        let range = format!("bytes 2-6/{}", bytes.len());
        assert_eq!(header(&part, "content-range"), range);
        assert_eq!(&part.bytes().await.unwrap()[..], &bytes[2..7]);
        let outside = Some(("range", "bytes=9999999-"));
        let outside = registry.send(Method::GET, &path, outside).await;
        let range = format!("bytes */{}", bytes.len());
        assert_eq!(header(&outside, "content-range"), range);
        assert_eq!(fault(outside).await.0, 416);
    }
    let absent = format!("/v2/team/mlflow/blobs/{}", digest_of(b"absent"));
    let (status, code, _) = registry.fault(&absent).await;
    assert_eq!((status, code.as_str()), (404, "BLOB_UNKNOWN"));
}

#[tokio::test]
async fn lists_tags_in_pages() {
    let desk = Desk::new();
    let registry = registry(&desk).await;
    let all = registry.json("/v2/team/mlflow/tags/list").await;
    let tags = ["1.10.0", "1.10.0_b.1", "1.2.0"];
    assert_eq!(all, json!({ "name": "team/mlflow", "tags": tags }));
    let first = registry.get("/v2/team/mlflow/tags/list?n=2").await;
    let link = header(&first, "link");
    assert_eq!(
        link,
        "</v2/team/mlflow/tags/list?n=2&last=1.10.0_b.1>; rel=\"next\""
    );
    let next = link.trim_start_matches('<').split_once('>').unwrap().0;
    let response = registry.get(next).await;
    assert_eq!(header(&response, "link"), "");
    let page: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(page["tags"], json!(["1.2.0"]));
}

#[tokio::test]
async fn serves_signatures_as_referrers() {
    let desk = Desk::new();
    let registry = registry(&desk).await;
    let bytes = registry.bytes("/v2/team/mlflow/manifests/1.2.0").await;
    let path = format!("/v2/team/mlflow/referrers/{}", digest_of(&bytes));
    let index = registry.json(&path).await;
    let referrers = index["manifests"].as_array().unwrap();
    assert_eq!(referrers.len(), 1);
    let kind = "application/vnd.fuseml.signature.v1";
    assert_eq!(referrers[0]["artifactType"], kind);
    let digest = referrers[0]["digest"].as_str().unwrap();
    let signature = registry
        .json(&format!("/v2/team/mlflow/manifests/{digest}"))
        .await;
    assert_eq!(signature["subject"]["digest"], digest_of(&bytes));
    for blob in signature["layers"].as_array().unwrap() {
        let digest = blob["digest"].as_str().unwrap();
        let bytes = registry
            .bytes(&format!("/v2/team/mlflow/blobs/{digest}"))
            .await;
        assert_eq!(digest_of(&bytes), digest);
    }

    for (kind, count) in [(kind, 1), ("application/vnd.other", 0)] {
        let filtered = registry.get(&format!("{path}?artifactType={kind}")).await;
        assert_eq!(header(&filtered, "oci-filters-applied"), "artifactType");
        let index: Value = serde_json::from_slice(&filtered.bytes().await.unwrap()).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), count);
    }
    let unknown = format!("/v2/team/mlflow/referrers/{}", digest_of(b"other"));
    assert_eq!(registry.json(&unknown).await["manifests"], json!([]));
}

#[tokio::test]
async fn lists_and_searches_packages_of_all_repositories() {
    let desk = Desk::new();
    let registry = registry(&desk).await;
    let catalog = registry.json("/v2/_catalog").await;
    let names = ["other/mlflow", "team/minio", "team/mlflow"];
    assert_eq!(catalog, json!({ "repositories": names }));
    let first = registry.get("/v2/_catalog?n=1&last=other/mlflow").await;
    let link = "</v2/_catalog?n=1&last=team/minio>; rel=\"next\"";
    assert_eq!(header(&first, "link"), link);

    let found = registry
        .json("/v2/_fuseml/packages/search?q=storage&type=record")
        .await;
    let package = &found["packages"][0];
    assert_eq!(found["packages"].as_array().unwrap().len(), 1);
    assert_eq!(package["repository"], "team/minio");
    assert_eq!(package["versions"], json!(["2.0.0"]));
    let found = registry
        .json("/v2/_fuseml/packages/search?q=storage&type=provider")
        .await;
    assert_eq!(found["packages"], json!([]));

    let discovered = registry.json("/v2/_oci/ext/discover").await;
    let extension = &discovered["extensions"][0];
    assert_eq!(extension["name"], "_fuseml");
    assert_eq!(extension["endpoints"], json!(["_fuseml/packages/search"]));
    let of_package = registry.json("/v2/team/mlflow/_oci/ext/discover").await;
    assert_eq!(of_package, json!({ "extensions": [] }));
}

#[tokio::test]
async fn rejects_writes_and_unknown_extensions() {
    let desk = Desk::new();
    let registry = registry(&desk).await;
    assert_eq!(registry.json("/v2/").await, json!({}));
    for (method, path) in [
        (Method::PUT, "/v2/team/mlflow/manifests/1.2.0"),
        (Method::DELETE, "/v2/team/mlflow/manifests/1.2.0"),
        (Method::POST, "/v2/team/mlflow/blobs/uploads/"),
        (Method::PATCH, "/v2/team/mlflow/blobs/uploads/1"),
        (Method::POST, "/v2/_fuseml/packages/search"),
        (Method::GET, "/v2/team/mlflow"),
    ] {
        let response = registry.send(method, path, None).await;
        assert_eq!(header(&response, "allow"), "GET, HEAD");
        let (status, code, _) = fault(response).await;
        assert_eq!((status, code.as_str()), (405, "UNSUPPORTED"), "{path}");
    }
    for path in ["/v2/_zot/ext/search", "/v2/team/mlflow/_x/y/z"] {
        let (status, code, _) = registry.fault(path).await;
        assert_eq!((status, code.as_str()), (404, "EXTENSION_UNKNOWN"));
    }
}

#[tokio::test]
async fn every_replica_has_the_same_digests() {
    let desk = Desk::new();
    let first = registry(&desk).await;
    let manifest = first.bytes("/v2/team/mlflow/manifests/1.2.0").await;
    let parsed: Value = serde_json::from_slice(&manifest).unwrap();
    let index = first
        .json(&format!(
            "/v2/team/mlflow/referrers/{}",
            digest_of(&manifest)
        ))
        .await;
    let signature = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let of_signature = first
        .json(&format!("/v2/team/mlflow/manifests/{signature}"))
        .await;
    let paths = [
        "manifests/1.2.0".to_owned(),
        format!("manifests/{}", digest_of(&manifest)),
        format!("blobs/{}", parsed["layers"][0]["digest"].as_str().unwrap()),
        format!("blobs/{}", parsed["config"]["digest"].as_str().unwrap()),
        format!("manifests/{signature}"),
        format!(
            "blobs/{}",
            of_signature["layers"][0]["digest"].as_str().unwrap()
        ),
        format!("referrers/{}", digest_of(&manifest)),
    ];
    for (number, path) in paths.iter().enumerate() {
        // Each request is the first one that this replica gets.
        let toml = desk.folder_toml("team") + &desk.folder_toml("other");
        let workspace = desk.workspace(&format!("replica-{number}"), "enforce", &toml);
        let replica = Registry::start(workspace).await;
        let path = format!("/v2/team/mlflow/{path}");
        assert_eq!(replica.bytes(&path).await, first.bytes(&path).await);
    }
}
