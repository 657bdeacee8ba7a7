//! The pages for users of a cluster: each sees what the API server lets them read.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::operator::program;
use extension_registry_e2e::{Cluster, Options};
use reqwest::header::{AUTHORIZATION, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_mins(2);

/// The account of the site would see everything: its kubeconfig is that of an administrator.
struct Site {
    program: Child,
    url: String,
    client: Client,
}

impl Site {
    fn start(cluster: &Cluster) -> Self {
        let mut program = Command::new(program().unwrap())
            .args(["web", "--address=127.0.0.1:0"])
            .env("KUBECONFIG", cluster.kubeconfig())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(program.stderr.take().unwrap());
        let mut lines = log.lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("serving pages")).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let address = line["fields"]["address"].as_str().unwrap().to_owned();
        // The program must not block when its log is full.
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            program,
            url: format!("http://{address}"),
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// Returns the status and the text of a page for the owner of a token.
    async fn page(&self, token: &str, namespace: &str, path: &str) -> (StatusCode, String) {
        let cookies = format!("__Host-token={token}; __Host-namespace={namespace}");
        let response = self.get(path).header(COOKIE, cookies).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(!text.contains(token), "the page contains the token");
        (status, text)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn record(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Extension",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"product": name, "services": [{"name": "s3", "endpoints": [{"name": "main", "url": "http://s3"}]}]},
    })
}

/// One account may read the namespace `alpha`, the other all namespaces.
fn objects() -> Value {
    let rules = json!([{
        "apiGroups": ["registry.fuseml.io"],
        "resources": ["extensions", "workflows", "extensionbindings", "clusterextensions"],
        "verbs": ["get", "list"],
    }]);
    let rbac = "rbac.authorization.k8s.io";
    let subject =
        |name: &str| json!([{"kind": "ServiceAccount", "name": name, "namespace": "alpha"}]);
    let role = json!({"apiGroup": rbac, "kind": "ClusterRole", "name": "reader"});
    let mut cluster_record = record("", "shared");
    cluster_record["kind"] = "ClusterExtension".into();
    cluster_record["metadata"] = json!({"name": "shared"});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "one", "namespace": "alpha"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "all", "namespace": "alpha"}},
        {"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "reader"}, "rules": rules},
        {"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "cluster-reader"},
         "rules": [{"apiGroups": ["registry.fuseml.io"], "resources": ["clusterextensions"], "verbs": ["get", "list"]}]},
        {"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "all"},
         "roleRef": role, "subjects": subject("all")},
        {"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "one"},
         "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-reader"}, "subjects": subject("one")},
        {"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"name": "one", "namespace": "alpha"},
         "roleRef": role, "subjects": subject("one")},
        record("alpha", "visible-store"),
        record("beta", "hidden-store"),
        cluster_record,
    ]})
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_what_they_may_read() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    cluster.install().unwrap();
    for namespace in ["alpha", "beta"] {
        cluster.create_namespace(namespace).unwrap();
    }
    cluster.apply(&objects().to_string()).unwrap();
    let token = |name: &str| {
        let arguments = ["create", "token", name, "-n", "alpha"];
        cluster.kubectl_run(&arguments).unwrap().trim().to_owned()
    };
    let (one, all) = (token("one"), token("all"));
    let site = Site::start(&cluster);

    must_sign_in(&site).await;
    different_users_see_different_objects(&site, &one, &all).await;
    invalid_tokens_are_rejected(&site).await;
    forged_requests_are_rejected(&site).await;

    cluster
        .kubectl_run(&["delete", "serviceaccount", "one", "-n", "alpha"])
        .unwrap();
    let start = Instant::now();
    // The site and the API server reuse what they have read and verified for some seconds.
    loop {
        let (status, text) = site.page(&one, "alpha", "/records").await;
        if status == StatusCode::UNAUTHORIZED {
            assert!(
                text.contains("the API server rejected your token"),
                "{text}"
            );
            assert!(!text.contains("visible-store"), "{text}");
            break;
        }
        assert_eq!(status, StatusCode::OK, "{text}");
        assert!(start.elapsed() < TIMEOUT, "the token is still accepted");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    drop(site);
    cluster.stop().await.unwrap();
}

async fn must_sign_in(site: &Site) {
    let response = site.get("/records").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let text = response.text().await.unwrap();
    assert!(
        text.contains("<form action=\"/sign-in\" method=\"post\""),
        "{text}"
    );
    let response = site.get("/records?o=json").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let document: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(document["message"], "no bearer token");
    let response = site.get("/healthz").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

async fn different_users_see_different_objects(site: &Site, one: &str, all: &str) {
    let (status, text) = site.page(all, "", "/records").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    for name in ["visible-store", "hidden-store", "shared"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let (status, text) = site.page(one, "alpha", "/records").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert!(
        text.contains("visible-store") && text.contains("shared"),
        "{text}"
    );
    assert!(
        !text.contains("hidden-store") && !text.contains("beta"),
        "{text}"
    );
    let (status, text) = site
        .page(one, "alpha", "/records/extension/alpha/visible-store")
        .await;
    assert_eq!(status, StatusCode::OK, "{text}");

    // What may not be read is answered like what does not exist.
    let mut answers = Vec::new();
    for name in ["hidden-store", "missing-store"] {
        let path = format!("/records/extension/beta/{name}");
        let (status, text) = site.page(one, "alpha", &path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{text}");
        answers.push(text.replace(name, "NAME"));
    }
    assert_eq!(answers[0], answers[1]);
    let (status, text) = site.page(one, "beta", "/records").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
    assert!(!text.contains("hidden-store"), "{text}");

    // A proxy sends the token in a header.
    let request = site
        .get("/records?o=json")
        .header(AUTHORIZATION, format!("Bearer {all}"));
    let text = request.send().await.unwrap().text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["services"].as_array().unwrap().len(), 3);
}

async fn invalid_tokens_are_rejected(site: &Site) {
    let (status, text) = site.page("not.a.token", "alpha", "/records").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{text}");
    assert!(
        text.contains("the API server rejected your token"),
        "{text}"
    );
    assert!(!text.contains("visible-store"), "{text}");
}

async fn forged_requests_are_rejected(site: &Site) {
    let sign_in = |origin: &str| {
        let request = site.client.post(format!("{}/sign-in", site.url));
        let request = request.header(ORIGIN, origin.to_owned());
        request.body("token=abc.def&namespace=alpha").send()
    };
    let response = sign_in("https://evil.example.org").await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.headers().get(SET_COOKIE).is_none());
    let response = sign_in(&site.url).await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[LOCATION], "/");
    let cookies: Vec<&str> = response
        .headers()
        .get_all(SET_COOKIE)
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    let attributes = "Secure; HttpOnly; SameSite=Strict; Path=/";
    let expected = [
        format!("__Host-namespace=alpha; {attributes}"),
        format!("__Host-token=abc.def; {attributes}"),
    ];
    assert_eq!(cookies, expected);
    let response = site.client.delete(format!("{}/records", site.url)).send();
    assert_eq!(
        response.await.unwrap().status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}
