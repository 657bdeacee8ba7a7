//! The operator comes and goes: nothing is written without need, nothing is lost, nothing hangs.
#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do; counters are whole numbers"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use k8s_openapi::ByteString;
use serde_json::{Value, json};
use support::{Lab, RECORDS, eventually, from_secret, own, pause, record, section, text, workflow};

const KINDS: [&str; 6] = [
    "ClusterExtension",
    "Extension",
    "Workflow",
    "ExtensionProjection",
    "Pipeline",
    "Secret",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_comes_and_goes() {
    let mut lab = Lab::start("restart", &["--unused-grace-seconds", "600"]).await;
    crash_while_binding_loses_nothing(&mut lab).await;
    restart_writes_nothing(&mut lab).await;
    namespace_goes_with_and_without_the_operator(&mut lab).await;
    lab.stop().await;
}

async fn crash_while_binding_loses_nothing(lab: &mut Lab) {
    section("a crash while workflows are bound loses nothing");
    lab.namespace("crash");
    lab.source(RECORDS, "crash", "x").await;
    let names: Vec<String> = (0..30).map(|number| format!("crash-{number}")).collect();
    for name in &names {
        lab.apply(&workflow("crash", name, &json!({"extension": name})))
            .await;
        lab.refused("crash", name, "NotFound").await;
    }
    for name in &names {
        lab.apply(&record(name, &from_secret("crash"))).await;
    }
    lab.kill_operator();
    let mut ready = 0;
    for name in &names {
        let object = lab.get("Workflow", "crash", name).await;
        ready += usize::from(support::condition(&object, "Ready")["status"] == "True");
    }
    println!("{ready} of 30 were ready when the operator was killed");
    lab.start_operator();
    for name in &names {
        lab.ready("crash", name).await;
    }
    for kind in ["Pipeline", "ExtensionProjection"] {
        assert_eq!(lab.list(kind, "crash").await.len(), 30, "{kind}");
    }
    let secrets = lab.list("Secret", "crash").await;
    let ours = secrets
        .iter()
        .filter(|secret| text(&secret["metadata"]["name"]).starts_with("ext-"));
    assert_eq!(ours.count(), 30);
}

async fn restart_writes_nothing(lab: &mut Lab) {
    section("a restart writes nothing");
    lab.namespace("idle");
    // One of each kind of outcome.
    lab.apply(&record("idle", &from_secret("crash"))).await;
    lab.apply(&own(record("idle-own", &from_secret("missing")), "idle"))
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
        lab.apply(&workflow("idle", name, &selectors)).await;
    }
    lab.ready("idle", "bound").await;
    lab.refused("idle", "missing", "SecretMissing").await;
    lab.refused("idle", "nothing", "NotFound").await;
    lab.refused("idle", "ranged", "InvalidRange").await;
    // A Secret that is kept though nothing uses it: it too has to stay as it is.
    lab.apply(&record("idle-unused", &from_secret("crash")))
        .await;
    lab.apply(&workflow(
        "idle",
        "gone",
        &json!({"product": "idle-unused"}),
    ))
    .await;
    lab.ready("idle", "gone").await;
    lab.delete("Workflow", "idle", "gone").await;
    lab.gone("Pipeline", "idle", "gone").await;
    pause(3.0).await;

    let before = lab.settled(&KINDS).await;
    lab.stop_operator();
    let stored = etcd_versions(lab);
    lab.start_operator();
    pause(15.0).await;
    assert_eq!(before, lab.resource_versions(&KINDS, "").await);
    if let (Some(before), Some(after)) = (stored, etcd_versions(lab)) {
        assert_eq!(
            changed(&before, &after),
            Vec::<String>::new(),
            "keys in etcd"
        );
    }
    let written = lab
        .operator()
        .metric("extension_registry_writes_total", &[])
        .unwrap();
    assert_eq!(
        written,
        0.0,
        "requests that write: {}",
        lab.operator().metrics().unwrap()
    );
}

async fn namespace_goes_with_and_without_the_operator(lab: &mut Lab) {
    section("a namespace goes with all that is in it, also without the operator");
    for stopped in [false, true] {
        let name = if stopped { "going-alone" } else { "going" };
        lab.namespace(name);
        lab.source(name, "own", "x").await;
        lab.apply(&own(record("own", &from_secret("own")), name))
            .await;
        lab.apply(&workflow(name, "one", &json!({"product": "own"})))
            .await;
        lab.apply(&workflow(name, "two", &json!({"product": "idle"})))
            .await;
        lab.ready(name, "one").await;
        lab.ready(name, "two").await;
        if stopped {
            lab.stop_operator();
        }
        lab.delete("Namespace", "", name).await;
        eventually(
            Duration::from_secs(40),
            &format!("namespace {name} is gone"),
            async || {
                let object = lab.get("Namespace", "", name).await;
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

/// Every key in etcd with the revision of its last change; nothing where etcd is out of reach.
/// Leases and events are left out: they change while nothing happens.
fn etcd_versions(lab: &Lab) -> Option<BTreeMap<String, String>> {
    let address = lab
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
    // Version 1.0 has no chunks.
    write!(
        stream,
        "POST /v3/kv/range HTTP/1.0\r\nHost: etcd\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
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

/// Keys that came, changed or went.
fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let keys = before.keys().chain(after.keys());
    let mut changed: Vec<String> = keys
        .filter(|key| before.get(*key) != after.get(*key))
        .cloned()
        .collect();
    changed.sort();
    changed.dedup();
    changed
}
