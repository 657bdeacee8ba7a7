//! Crashes and restarts of the operator: no unnecessary writes, no lost work, no blocked deletion.
#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::print_stdout,
    reason = "helpers of tests; counters are whole numbers"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use k8s_openapi::ByteString;
use serde_json::{Value, json};
use support::{
    RECORDS, TestEnv, eventually, from_secret, own, pause, record, secret_name, section, text,
    workflow,
};

const KINDS: [&str; 6] = [
    "ClusterExtension",
    "Extension",
    "Workflow",
    "ExtensionProjection",
    "Pipeline",
    "Secret",
];

#[tokio::test(flavor = "multi_thread")]
async fn operator_restart_loses_and_writes_nothing() {
    let mut env = TestEnv::start("restart", &["--unused-grace-seconds", "600"]).await;
    crash_while_binding_loses_nothing(&mut env).await;
    restart_writes_nothing(&mut env).await;
    namespace_deletion_completes_without_the_operator(&mut env).await;
    env.stop().await;
}

async fn crash_while_binding_loses_nothing(env: &mut TestEnv) {
    section("a crash during binding loses nothing");
    env.namespace("crash");
    env.source(RECORDS, "crash", "x").await;
    let names: Vec<String> = (0..30).map(|number| format!("crash-{number}")).collect();
    for name in &names {
        env.apply(&workflow("crash", name, &json!({"extension": name})))
            .await;
        env.wait_until_refused("crash", name, "NotFound").await;
    }
    for name in &names {
        env.apply(&record(name, &from_secret("crash"))).await;
    }
    env.kill_operator();
    let mut ready = 0;
    for name in &names {
        let object = env.get("Workflow", "crash", name).await;
        ready += usize::from(support::condition(&object, "Ready")["status"] == "True");
    }
    println!("{ready} of 30 were ready when the operator was killed");
    env.start_operator();
    for name in &names {
        env.wait_until_ready("crash", name).await;
    }
    for kind in ["Pipeline", "ExtensionProjection"] {
        assert_eq!(env.list(kind, "crash").await.len(), 30, "{kind}");
    }
    let secrets = env.list("Secret", "crash").await;
    let rendered = secrets
        .iter()
        .filter(|secret| text(&secret["metadata"]["name"]).starts_with("ext-"));
    assert_eq!(rendered.count(), 30);
}

async fn restart_writes_nothing(env: &mut TestEnv) {
    section("a restart writes nothing");
    env.namespace("idle");
    // One workflow for each kind of outcome.
    env.apply(&record("idle", &from_secret("crash"))).await;
    env.apply(&own(record("idle-own", &from_secret("missing")), "idle"))
        .await;
    for (name, selectors) in [
        ("bound", json!({"product": "idle"})),
        ("missing", json!({"extension": "idle-own"})),
        ("nothing", json!({"product": "nothing"})),
        (
            "ranged",
            json!({"product": "idle", "version": ">=nonsense"}),
        ),
    ] {
        env.apply(&workflow("idle", name, &selectors)).await;
    }
    env.wait_until_ready("idle", "bound").await;
    env.wait_until_refused("idle", "missing", "SecretMissing")
        .await;
    env.wait_until_refused("idle", "nothing", "NotFound").await;
    env.wait_until_refused("idle", "ranged", "InvalidRange")
        .await;
    // An unused Secret in its grace period must not be written either.
    env.apply(&record("idle-unused", &from_secret("crash")))
        .await;
    env.apply(&workflow(
        "idle",
        "gone",
        &json!({"product": "idle-unused"}),
    ))
    .await;
    env.wait_until_ready("idle", "gone").await;
    env.delete("Workflow", "idle", "gone").await;
    env.wait_until_gone("Pipeline", "idle", "gone").await;
    let unused = secret_name("idle-unused", "main");
    env.wait_until(
        ("ExtensionProjection", "idle", &unused),
        "is unused",
        |object| object["status"]["unusedSince"].is_string(),
    )
    .await;

    let before = env.wait_until_settled(&KINDS).await;
    env.stop_operator();
    let stored = etcd_versions(env);
    env.start_operator();
    // Longer than the interval at which objects with an unreadable source are reconciled again.
    pause(15.0).await;
    wait_until_records_are_reconciled(env).await;
    env.wait_until_settled(&KINDS).await;
    assert_eq!(before, env.resource_versions(&KINDS, "").await);
    if let (Some(before), Some(after)) = (stored, etcd_versions(env)) {
        assert_eq!(
            changed_keys(&before, &after),
            Vec::<String>::new(),
            "keys in etcd"
        );
    }
    let written = env
        .operator()
        .metric("extension_registry_writes_total", &[])
        .unwrap();
    assert_eq!(
        written,
        0.0,
        "requests that write: {}",
        env.operator().metrics().unwrap()
    );
}

/// Waits until the operator has reconciled every record since its start, which it does after all other objects.
async fn wait_until_records_are_reconciled(env: &TestEnv) {
    let mut count = 0;
    for kind in ["ClusterExtension", "Extension"] {
        count += env.list(kind, "").await.len();
    }
    let wanted = f64::from(u32::try_from(count).unwrap());
    eventually(support::TIMEOUT, "all records are reconciled", async || {
        let label = "controller=\"record\"";
        let done = env
            .operator()
            .metric("extension_registry_work_total", &[label])
            .unwrap();
        if done >= wanted {
            Ok(())
        } else {
            Err(format!("{done} of {wanted} are"))
        }
    })
    .await;
}

async fn namespace_deletion_completes_without_the_operator(env: &mut TestEnv) {
    section("namespace deletion completes with and without the operator");
    for stopped in [false, true] {
        let name = if stopped { "going-alone" } else { "going" };
        env.namespace(name);
        env.source(name, "own", "x").await;
        env.apply(&own(record("own", &from_secret("own")), name))
            .await;
        env.apply(&workflow(name, "one", &json!({"product": "own"})))
            .await;
        env.apply(&workflow(name, "two", &json!({"product": "idle"})))
            .await;
        env.wait_until_ready(name, "one").await;
        env.wait_until_ready(name, "two").await;
        if stopped {
            env.stop_operator();
        }
        env.delete("Namespace", "", name).await;
        eventually(
            Duration::from_mins(3),
            &format!("namespace {name} is gone"),
            async || {
                let object = env.get("Namespace", "", name).await;
                if object.is_null() {
                    Ok(())
                } else {
                    Err(object["status"].to_string())
                }
            },
        )
        .await;
    }
}

/// Returns all keys in etcd with the revision of their last change; None if etcd is unreachable. Omits leases
/// and events, which change all the time.
fn etcd_versions(env: &TestEnv) -> Option<BTreeMap<String, String>> {
    let address = env
        .cluster
        .etcd_url()?
        .strip_prefix("http://")?
        .trim_end_matches('/');
    let body = json!({
        "key": ByteString(b"/registry/".to_vec()),
        "range_end": ByteString(b"/registry0".to_vec()),
        "keys_only": true,
    })
    .to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    // HTTP 1.0 has no chunked encoding.
    write!(
        stream,
        "POST /v3/kv/range HTTP/1.0\r\nHost: etcd\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let pairs = body["kvs"].as_array().unwrap().iter().map(|pair| {
        let key: ByteString = serde_json::from_value(pair["key"].clone()).unwrap();
        (
            String::from_utf8(key.0).unwrap(),
            text(&pair["mod_revision"]).to_owned(),
        )
    });
    let quiet = |key: &str| {
        let noise = ["leases", "events", "masterleases", "peerserverleases"];
        !noise
            .iter()
            .any(|&kind| key.split('/').nth(2) == Some(kind))
    };
    Some(pairs.filter(|(key, _)| quiet(key)).collect())
}

/// Returns the keys that were added, changed or deleted.
fn changed_keys(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let keys = before.keys().chain(after.keys());
    let mut changed: Vec<String> = keys
        .filter(|key| before.get(*key) != after.get(*key))
        .cloned()
        .collect();
    changed.sort();
    changed.dedup();
    changed
}
