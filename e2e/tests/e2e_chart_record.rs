//! A chart that ships its record: what helm does to the release, the record and its consumers follow.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_e2e::setup::repository;
use extension_registry_e2e::{BUSYBOX_IMAGE, Cluster, Installed, Options, skip_part};
use serde_json::{Value, json};
use support::{RECORDS, TestEnv, binding, condition, section, text};

const TOOLS: &str = "tools";
const PROJECT: &str = "consumers";

#[tokio::test(flavor = "multi_thread")]
async fn record_follows_the_release() {
    let cluster = Cluster::from_environment_or_start(Options::default())
        .await
        .unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    let env = TestEnv::new(cluster, installed, "chart-record", &[]);
    env.namespace(TOOLS);
    env.namespace(PROJECT);
    install_registers(&env).await;
    upgrade_updates(&env).await;
    rollback_restores(&env).await;
    disabled_record_is_removed(&env).await;
    uninstall_unregisters(&env).await;
    env.stop().await;
}

/// Runs helm for the release, with these values.
fn helm(env: &TestEnv, arguments: &[&str], values: &[&str]) {
    let mut all = arguments.to_vec();
    all.extend(["--namespace", TOOLS]);
    all.extend(values.iter().flat_map(|value| ["--set", value]));
    env.cluster.helm(&all).unwrap();
}

fn upgrade(env: &TestEnv, values: &[&str]) {
    let chart = repository("examples/charts/datasets");
    let upgrade = [
        "upgrade",
        "--install",
        "--reset-then-reuse-values",
        "datasets",
    ];
    helm(
        env,
        &[&upgrade[..], &[chart.to_str().unwrap()]].concat(),
        values,
    );
}

/// Returns a key of the Secret with files; empty if it does not exist.
fn value(secret: &Value, key: &str) -> String {
    let bytes = STANDARD.decode(text(&secret["data"][key])).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Waits until the Secrets of the consumer contain these values.
async fn wait_for_consumer(env: &TestEnv, version: &str, uri: &str, user: &str, password: &str) {
    let what = format!("has version {version}, {uri}, {user} and {password}");
    env.wait_until(("Secret", PROJECT, "ext-data"), &what, |secret| {
        value(secret, "version") == version
            && value(secret, "uri") == uri
            && value(secret, "HTTP_USERNAME") == user
            && value(secret, "HTTP_PASSWORD") == password
    })
    .await;
    env.wait_until(("Secret", PROJECT, "ext-data.env"), &what, |secret| {
        value(secret, "HTTP_PASSWORD") == password
    })
    .await;
    let bound = env.wait_until_bound(PROJECT, "data").await;
    assert_eq!(bound["status"]["choice"]["record"], "datasets");
}

async fn install_registers(env: &TestEnv) {
    section("install: the record appears, and a binding that waits for it becomes ready");
    let resource = json!({"resource": "http-files"});
    env.apply(&binding(PROJECT, "data", &resource)).await;
    env.wait_until_unbound(PROJECT, "data", "NotFound").await;
    let image: Vec<&str> = BUSYBOX_IMAGE.rsplitn(2, ':').collect();
    let repository = format!("image.repository={}", image[1]);
    let tag = format!("image.tag={}", image[0]);
    upgrade(env, &[&repository, &tag, "auth.password=first"]);
    assert!(env.get("ClusterExtension", "", "datasets").await.is_null());
    upgrade(env, &["extension.enabled=true"]);
    let url = "http://datasets.tools.svc:8000";
    wait_for_consumer(env, "1.37.0", url, "reader", "first").await;
    let record = env
        .wait_until(("ClusterExtension", "", "datasets"), "is ready", |record| {
            condition(record, "Ready")["status"] == "True"
        })
        .await;
    let labels = &record["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm");
    assert_eq!(labels["app.kubernetes.io/instance"], "datasets");
    serves_files(env).await;
}

/// The tool of the record runs, and accepts the credentials of the consumer.
async fn serves_files(env: &TestEnv) {
    if let Some(why) = env.cluster.node_missing() {
        return skip_part("files of the release", why);
    }
    env.cluster
        .kubectl_run(&[
            "rollout",
            "status",
            "deployment/datasets",
            "-n",
            TOOLS,
            "--timeout=120s",
        ])
        .unwrap();
    let script = r#"credentials=$(printf %s "$HTTP_USERNAME:$HTTP_PASSWORD" | base64)
        wget -O - --header "Authorization: Basic $credentials" "http://$ADDRESS:8000/iris.csv" > /dev/termination-log 2>&1"#;
    // Pods have no DNS here, so the address of the Service comes from the API server.
    let service = env
        .cluster
        .kubectl_run(&["get", "service/datasets", "-n", TOOLS, "-o", "json"])
        .unwrap();
    let service: Value = serde_json::from_str(&service).unwrap();
    env.apply(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "reader", "namespace": PROJECT},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "main", "image": BUSYBOX_IMAGE, "imagePullPolicy": "Never",
                "command": ["sh", "-c", script],
                "envFrom": [{"secretRef": {"name": "ext-data.env"}}],
                "env": [{"name": "ADDRESS", "value": service["spec"]["clusterIP"]}],
            }],
        },
    }))
    .await;
    let pod = env
        .wait_until(("Pod", PROJECT, "reader"), "has run", |pod| {
            ["Succeeded", "Failed"].contains(&text(&pod["status"]["phase"]))
        })
        .await;
    let terminated = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert!(
        text(&terminated["message"]).contains("setosa"),
        "{terminated:#}"
    );
}

async fn upgrade_updates(env: &TestEnv) {
    section("upgrade: version, endpoint and credentials follow");
    let before = env.get("ExtensionBinding", PROJECT, "data").await;
    upgrade(
        env,
        &[
            "service.port=9000",
            "auth.username=writer",
            "auth.password=second",
            "extension.version=2.0.0",
        ],
    );
    let url = "http://datasets.tools.svc:9000";
    wait_for_consumer(env, "2.0.0", url, "writer", "second").await;
    let after = env.get("ExtensionBinding", PROJECT, "data").await;
    let uid = |binding: &Value| binding["status"]["choice"]["recordUid"].clone();
    assert_eq!(uid(&before), uid(&after), "the record is the same object");
}

async fn rollback_restores(env: &TestEnv) {
    section("rollback: the record is that of the earlier revision");
    helm(env, &["rollback", "datasets", "2"], &[]);
    let url = "http://datasets.tools.svc:8000";
    wait_for_consumer(env, "1.37.0", url, "reader", "first").await;
}

async fn disabled_record_is_removed(env: &TestEnv) {
    section("disabled: the tool stays, the record goes");
    upgrade(env, &["extension.enabled=false"]);
    env.wait_until_unbound(PROJECT, "data", "NotFound").await;
    env.wait_until_gone("Secret", PROJECT, "ext-data").await;
    assert!(env.get("ClusterExtension", "", "datasets").await.is_null());
    assert!(env.get("Secret", RECORDS, "datasets").await.is_null());
    assert!(!env.get("Secret", TOOLS, "datasets").await.is_null());
    upgrade(env, &["extension.enabled=true"]);
    let url = "http://datasets.tools.svc:8000";
    wait_for_consumer(env, "1.37.0", url, "reader", "first").await;
}

async fn uninstall_unregisters(env: &TestEnv) {
    section("uninstall: nothing remains, and the consumer is told");
    helm(env, &["uninstall", "datasets"], &[]);
    env.wait_until_unbound(PROJECT, "data", "NotFound").await;
    env.wait_until_gone("Secret", PROJECT, "ext-data").await;
    env.wait_until_gone("Secret", PROJECT, "ext-data.env").await;
    assert!(env.get("ClusterExtension", "", "datasets").await.is_null());
    assert!(env.get("Secret", RECORDS, "datasets").await.is_null());
    assert!(env.get("Secret", TOOLS, "datasets").await.is_null());
}
