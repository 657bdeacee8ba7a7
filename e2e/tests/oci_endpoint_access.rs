//! Tests of the authorization of the OCI endpoint by a real API server.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../crates/package-repository/tests/contract/mod.rs"]
mod contract;
#[path = "../../crates/web/tests/registry/mod.rs"]
mod registry;
#[path = "support/users.rs"]
mod users;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Cluster, Options};
use extension_registry_packages::credentials::Credentials;
use extension_registry_packages::repository::oci::{Oci, Settings as OciSettings};
use extension_registry_packages::repository::{Error, Repository};
use extension_registry_packages::transport::{self, Transport};
use extension_registry_web::oci::{Kubernetes, Settings};
use registry::{Desk, Registry, fault, header};
use reqwest::Method;

const TIMEOUT: Duration = Duration::from_mins(1);

/// One account may read one package, another all packages of a repository. The server may only ask.
const OBJECTS: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "one", "namespace": "default"}},
  {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "all", "namespace": "default"}},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "pull-one"},
   "rules": [{"nonResourceURLs": ["/v2/team/mlflow"], "verbs": ["get"]}]},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "pull-all"},
   "rules": [{"nonResourceURLs": ["/v2/team/*"], "verbs": ["get"]}]},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "pull-one"},
   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "pull-one"},
   "subjects": [{"kind": "ServiceAccount", "name": "one", "namespace": "default"}]},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "pull-all"},
   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "pull-all"},
   "subjects": [{"kind": "ServiceAccount", "name": "all", "namespace": "default"}]},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "endpoint"},
   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
   "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "endpoint"}]}
]}"#;

fn kubectl(cluster: &Cluster, arguments: &[&str]) -> String {
    let output = Command::new(cluster.kubectl())
        .env("KUBECONFIG", cluster.kubeconfig())
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn basic(token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("anyone:{token}")))
}

/// Status of a request with a token.
async fn status(registry: &Registry, path: &str, token: &str) -> u16 {
    let value = basic(token);
    let header = Some(("authorization", value.as_str()));
    registry
        .send(Method::GET, path, header)
        .await
        .status()
        .as_u16()
}

async fn text(registry: &Registry, path: &str, token: &str) -> String {
    let value = basic(token);
    let header = Some(("authorization", value.as_str()));
    let response = registry.send(Method::GET, path, header).await;
    response.text().await.unwrap()
}

/// Waits until the API server has observed all bindings.
async fn wait(registry: &Registry, path: &str, token: &str) {
    let start = Instant::now();
    while status(registry, path, token).await != 200 {
        assert!(start.elapsed() < TIMEOUT, "{path} stays denied");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rbac_decides_who_reads_which_package() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    cluster.apply(OBJECTS).unwrap();
    let desk = Desk::new();
    let team = desk.folder("team");
    for name in ["mlflow", "minio"] {
        let upload = desk.bench.package(name, "1.0.0", "secret");
        desk.publish(&team, &upload).await;
    }
    let workspace = desk.workspace("server", "enforce", &desk.folder_toml("team"));
    let client = users::impersonate(&cluster, "endpoint", &["system:authenticated"]);
    let authorizer = Arc::new(Kubernetes::new(client));
    let registry = Registry::with(workspace, authorizer, Settings::default()).await;
    let one = kubectl(&cluster, &["create", "token", "one"]);
    let all = kubectl(&cluster, &["create", "token", "all"]);
    wait(&registry, "/v2/team/mlflow/tags/list", &one).await;
    wait(&registry, "/v2/team/minio/tags/list", &all).await;

    let anonymous = registry.get("/v2/").await;
    let challenge = header(&anonymous, "www-authenticate");
    assert!(challenge.starts_with("Basic realm="), "{challenge}");
    assert_eq!(fault(anonymous).await.1, "UNAUTHORIZED");
    assert_eq!(status(&registry, "/v2/", "no-token").await, 401);
    assert_eq!(status(&registry, "/v2/", &one).await, 200);
    assert_eq!(
        status(&registry, "/v2/team/mlflow/manifests/1.0.0", &one).await,
        200
    );
    assert_eq!(
        status(&registry, "/v2/team/minio/manifests/1.0.0", &one).await,
        403
    );
    assert_eq!(
        status(&registry, "/v2/team/minio/manifests/1.0.0", &all).await,
        200
    );
    for path in ["/v2/_catalog", "/v2/_fuseml/packages/search?q=secret"] {
        let found = text(&registry, path, &one).await;
        assert!(
            found.contains("team/mlflow") && !found.contains("minio"),
            "{found}"
        );
        let found = text(&registry, path, &all).await;
        assert!(
            found.contains("team/mlflow") && found.contains("team/minio"),
            "{found}"
        );
    }

    // Our client logs in with any user name and the token as the password.
    let credentials = Credentials::Basic {
        user: "anyone".to_owned(),
        password: Sensitive::from(one.as_str()),
    };
    let settings = OciSettings {
        id: "hub".to_owned(),
        registry: registry.host.clone(),
        namespace: "team".to_owned(),
        names: Vec::new(),
    };
    let transport = Transport::new(transport::Settings::default()).unwrap();
    let client = Oci::new(settings, transport, credentials).unwrap();
    assert_eq!(client.versions("mlflow").await.unwrap().len(), 1);
    assert_eq!(client.names(None).await.unwrap().names, ["mlflow"]);
    let error = client.versions("minio").await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");

    kubectl(&cluster, &["delete", "serviceaccount", "one"]);
    let start = Instant::now();
    while status(&registry, "/v2/", &one).await != 401 {
        assert!(start.elapsed() < TIMEOUT, "a deleted account stays valid");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    cluster.stop().await.unwrap();
}
