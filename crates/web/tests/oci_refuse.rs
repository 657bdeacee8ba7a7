//! Tests of what the registry does not serve.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../package-repository/tests/contract/mod.rs"]
mod contract;
mod registry;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use extension_registry_packages::Digest;
use extension_registry_packages::cache::Cache;
use extension_registry_packages::progress::Silent;
use extension_registry_packages::repository::Repository;
use extension_registry_web::oci::{
    Anonymous, AuthorizeError, Authorizer, Caller, Extension, Settings, SettingsError, router,
};
use http::HeaderMap;
use registry::{Desk, Registry, fault, header};
use reqwest::Method;
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Settings that query the source for each request.
fn eager() -> Settings {
    Settings {
        refresh: Duration::ZERO,
        ..Settings::default()
    }
}

#[tokio::test]
async fn denies_untrusted_packages_with_the_reason() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let upload = desk.bench.package("mlflow", "1.2.0", "unsigned");
    team.publish(&upload, false, &Silent).await.unwrap();
    let toml = desk.folder_toml("team");

    // A registry that only warns knows the digests.
    let lenient = Registry::start(desk.workspace("lenient", "warn", &toml)).await;
    let path = "/v2/team/mlflow/manifests/1.2.0";
    let response = lenient.get(path).await;
    assert_eq!(response.status(), 200);
    let warning = header(&response, "warning");
    assert!(
        warning.starts_with("299 - \"") && warning.contains("mlflow 1.2.0 from team is not signed"),
        "{warning}"
    );
    let bytes = response.bytes().await.unwrap();
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let content = manifest["layers"][0]["digest"].as_str().unwrap();

    let strict = Registry::start(desk.workspace("strict", "enforce", &toml)).await;
    for path in [
        path.to_owned(),
        format!("/v2/team/mlflow/manifests/{}", Digest::of(&bytes).oci()),
        format!("/v2/team/mlflow/blobs/{content}"),
        format!("/v2/team/mlflow/referrers/{}", Digest::of(&bytes).oci()),
    ] {
        let (status, code, message) = strict.fault(&path).await;
        assert_eq!((status, code.as_str()), (403, "DENIED"), "{path}");
        let wanted = "mlflow 1.2.0 from team is not trusted: ";
        assert!(message.starts_with(wanted), "{message}");
    }
}

#[tokio::test]
async fn serves_a_replaced_version_with_its_new_digest() {
    let desk = Desk::new();
    let team = desk.folder("team");
    let first = desk.bench.package("mlflow", "1.2.0", "first");
    desk.publish(&team, &first).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let registry = Registry::with(workspace, Arc::new(Anonymous), eager()).await;
    let path = "/v2/team/mlflow/manifests/1.2.0";
    let before = registry.json(path).await;

    let second = desk.bench.package("mlflow", "1.2.0", "second");
    team.publish(&second, true, &Silent).await.unwrap();
    let (status, code, _) = registry.fault(path).await;
    assert_eq!(
        (status, code.as_str()),
        (403, "DENIED"),
        "it is not signed yet"
    );
    team.delete("mlflow", &"1.2.0".parse().unwrap())
        .await
        .unwrap();
    desk.publish(&team, &second).await;
    let after = registry.json(path).await;
    let content = after["layers"][0]["digest"].as_str().unwrap();
    assert_eq!(content, second.digest.oci());
    let bytes = registry
        .bytes(&format!("/v2/team/mlflow/blobs/{content}"))
        .await;
    assert_eq!(Digest::of(&bytes), second.digest);
    let old = before["layers"][0]["digest"].as_str().unwrap();
    let (status, code, _) = registry
        .fault(&format!("/v2/team/mlflow/blobs/{old}"))
        .await;
    assert_eq!((status, code.as_str()), (404, "BLOB_UNKNOWN"));
}

#[tokio::test]
async fn delivers_again_what_was_removed_from_the_cache() {
    let desk = Desk::new();
    let upload = desk.bench.package("mlflow", "1.2.0", "tracking");
    desk.publish(&desk.folder("team"), &upload).await;
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let cache = workspace.cache.root().to_owned();
    let registry = Registry::start(workspace).await;
    let path = format!("/v2/team/mlflow/blobs/{}", upload.digest.oci());
    let bytes = registry.bytes(&path).await;
    fs::remove_dir_all(cache.join("served")).unwrap();
    assert_eq!(registry.bytes(&path).await, bytes);
}

#[tokio::test]
async fn removes_unused_packages_from_the_cache() {
    let desk = Desk::new();
    for name in ["mlflow", "minio"] {
        let upload = desk.bench.package(name, "1.2.0", "a");
        desk.publish(&desk.folder("team"), &upload).await;
    }
    let toml = desk.folder_toml("team");
    let workspace = desk.workspace("home", "enforce", &toml);
    let cache = Cache::open(workspace.cache.root().join("served/team"));
    let first = Registry::start(workspace.clone()).await;
    let mlflow = first.bytes("/v2/team/mlflow/manifests/1.2.0").await;
    let entry = cache.list().entries.remove(0);
    let long_ago = SystemTime::now() - Duration::from_hours(31 * 24);
    cache.touch_at(&entry, long_ago).unwrap();

    let second = Registry::start(workspace).await;
    let _ = second.bytes("/v2/team/minio/manifests/1.2.0").await;
    let names: Vec<String> = cache
        .list()
        .entries
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["minio"]);
    assert_eq!(
        second.bytes("/v2/team/mlflow/manifests/1.2.0").await,
        mlflow
    );
}

/// A registry as an origin, which answers every request in this way.
async fn origin(answer: Router) -> (Desk, Registry, Registry) {
    let desk = Desk::new();
    let origin = Registry::of(answer).await;
    let toml = format!(
        "[[repository]]\nname = \"team\"\nkind = \"oci\"\nurl = \"http://{}/x\"\ntimeout = 1\nretry_count = 0\n",
        origin.host
    );
    let workspace = desk.workspace("home", "warn", &toml);
    (desk, origin, Registry::start(workspace).await)
}

/// All requests for a package, without its digests.
async fn assert_failed(registry: &Registry, status: u16) {
    let digest = Digest::of(b"x").oci();
    for path in [
        "/v2/team/tool/manifests/1.0.0".to_owned(),
        format!("/v2/team/tool/manifests/{digest}"),
        format!("/v2/team/tool/blobs/{digest}"),
    ] {
        let (actual, _, message) = registry.fault(&path).await;
        assert_eq!(actual, status, "{path}: {message}");
        assert!(!message.contains("<html>"), "{message}");
    }
}

#[tokio::test]
async fn reports_an_origin_that_hangs() {
    let hangs = any(async || std::future::pending::<StatusCode>().await);
    let (_desk, _origin, registry) = origin(Router::new().fallback_service(hangs)).await;
    assert_failed(&registry, 503).await;
    // The list of all packages is the list of those that can be reached.
    let response = registry.get("/v2/_catalog").await;
    let warning = header(&response, "warning");
    assert_eq!(warning, "299 - \"repository team could not be queried\"");
}

#[tokio::test]
async fn reports_an_origin_that_answers_html() {
    let html = any(async || ([("content-type", "text/html")], "<html>log in</html>"));
    let (_desk, _origin, registry) = origin(Router::new().fallback_service(html)).await;
    assert_failed(&registry, 503).await;
}

/// An origin with one version, whose manifest and content are as given.
fn artifact(manifest: &Value, content: &'static [u8], declared: Option<String>) -> Router {
    let tags = json!({ "name": "x/tool", "tags": ["1.0.0"] }).to_string();
    let manifest = manifest.to_string();
    Router::new()
        .route("/v2/x/tool/tags/list", any(async move || tags.clone()))
        .route(
            "/v2/x/tool/manifests/1.0.0",
            any(async move || {
                let digest = declared.clone();
                let digest = digest.unwrap_or_else(|| Digest::of(manifest.as_bytes()).oci());
                let headers = [
                    ("content-type", MANIFEST.to_owned()),
                    ("docker-content-digest", digest),
                ];
                (headers, manifest.clone())
            }),
        )
        .route("/v2/x/tool/blobs/{digest}", any(async move || content))
        .fallback_service(any(async || StatusCode::NOT_FOUND))
}

fn template(digest: &str, size: usize) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": Digest::of(b"{}").oci(),
            "size": 2,
        },
        "layers": [{ "mediaType": "application/yaml", "digest": digest, "size": size }],
    })
}

#[tokio::test]
async fn passes_artifacts_of_others_through() {
    let digest = Digest::of(b"kind: X\n").oci();
    let manifest = template(&digest, 8);
    let (_desk, _origin, registry) = origin(artifact(&manifest, b"kind: X\n", None)).await;
    let bytes = registry.bytes("/v2/team/tool/manifests/1.0.0").await;
    assert_eq!(bytes, manifest.to_string().into_bytes());
    let blob = registry
        .bytes(&format!("/v2/team/tool/blobs/{digest}"))
        .await;
    assert_eq!(blob, b"kind: X\n");
    let empty = Digest::of(b"{}").oci();
    assert_eq!(
        registry
            .bytes(&format!("/v2/team/tool/blobs/{empty}"))
            .await,
        b"{}"
    );
}

#[tokio::test]
async fn reports_an_origin_that_lies_about_digests() {
    let digest = Digest::of(b"expected").oci();
    let router = artifact(&template(&digest, 8), b"tampered", None);
    let (_desk, _origin, registry) = origin(router).await;
    let (status, _, message) = registry.fault("/v2/team/tool/manifests/1.0.0").await;
    assert_eq!(status, 502);
    assert!(message.contains("digest mismatch"), "{message}");
    let (status, _, _) = registry
        .fault(&format!("/v2/team/tool/blobs/{digest}"))
        .await;
    assert_eq!(status, 502);

    let declared = Some(Digest::of(b"another").oci());
    let router = artifact(&template(&digest, 8), b"expected", declared);
    let (_desk, _origin, registry) = origin(router).await;
    let (status, _, message) = registry.fault("/v2/team/tool/manifests/1.0.0").await;
    assert_eq!(status, 502);
    assert!(message.contains("digest mismatch"), "{message}");
}

/// Allows one package to those who send a token.
#[derive(Debug)]
struct OnlyMlflow;

#[async_trait]
impl Authorizer for OnlyMlflow {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthorizeError> {
        match headers.get("authorization") {
            Some(_) => Ok(Caller::default()),
            None => Err(AuthorizeError::Unauthenticated {
                challenge: "Basic realm=\"packages\"".to_owned(),
            }),
        }
    }

    async fn may_read(&self, _caller: &Caller, path: &str) -> Result<bool, AuthorizeError> {
        match path {
            "/v2/team/broken" => Err(AuthorizeError::Unavailable("no answer".to_owned())),
            path => Ok(path == "/v2/team/mlflow"),
        }
    }
}

#[tokio::test]
async fn serves_and_lists_only_what_the_caller_may_read() {
    let desk = Desk::new();
    let team = desk.folder("team");
    for name in ["mlflow", "minio"] {
        desk.publish(&team, &desk.bench.package(name, "1.0.0", "secret"))
            .await;
    }
    let workspace = desk.workspace("home", "enforce", &desk.folder_toml("team"));
    let registry = Registry::with(workspace, Arc::new(OnlyMlflow), Settings::default()).await;
    for path in [
        "/v2/",
        "/v2/team/mlflow/tags/list",
        "/v2/_catalog",
        "/v2/team/mlflow",
    ] {
        let response = registry.get(path).await;
        let challenge = header(&response, "www-authenticate");
        assert_eq!(challenge, "Basic realm=\"packages\"", "{path}");
        let (status, code, _) = fault(response).await;
        assert_eq!((status, code.as_str()), (401, "UNAUTHORIZED"));
    }
    let token = Some(("authorization", "Basic eDp5"));
    let get = async |path: &str| registry.send(Method::GET, path, token).await;
    assert_eq!(get("/v2/team/mlflow/manifests/1.0.0").await.status(), 200);
    // Nobody learns which other packages exist.
    let denied = fault(get("/v2/team/minio/tags/list").await).await;
    let absent = fault(get("/v2/team/other/tags/list").await).await;
    assert_eq!((denied.0, denied.1.as_str()), (403, "DENIED"));
    assert_eq!(denied.2.replace("minio", "other"), absent.2);
    assert_eq!(fault(get("/v2/team/broken/tags/list").await).await.0, 503);
    for path in ["/v2/_catalog", "/v2/_fuseml/packages/search?q=secret"] {
        let text = get(path).await.text().await.unwrap();
        assert!(
            text.contains("team/mlflow") && !text.contains("minio"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn does_not_start_with_a_reserved_extension_name() {
    let desk = Desk::new();
    for name in ["_oci", "_catalog", "_docker", "_chainguard"] {
        let workspace = Arc::new(desk.workspace("home", "enforce", ""));
        let settings = Settings {
            extension: Some(Extension {
                name: name.to_owned(),
                url: "https://example.com".to_owned(),
            }),
            ..Settings::default()
        };
        let error = router(workspace, Arc::new(Anonymous), settings).unwrap_err();
        assert_eq!(error, SettingsError::Reserved(name.to_owned()));
    }
}

#[tokio::test]
async fn warns_about_repositories_that_it_cannot_serve() {
    let desk = Desk::new();
    let toml = desk.folder_toml("-team");
    let workspace = Arc::new(desk.workspace("home", "enforce", &toml));
    let (_, warnings) = router(workspace, Arc::new(Anonymous), Settings::default()).unwrap();
    assert_eq!(
        warnings[0].message,
        "repository `-team` is not served over OCI"
    );
}
