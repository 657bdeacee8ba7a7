//! Planted values appear only in the Secrets for them, even after errors and crashes.
//!
//! Secrets are encrypted in this cluster's etcd, so its files, including the history and the write-ahead log,
//! must not contain any planted value.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use support::{RECORDS, TestEnv, binding, own, record, section, text, workflow};
use webhook::kubectl;

const PROJECT: &str = "canary";

/// Substring of each planted value; long enough to be unique.
const CANARY: &str = "Kanarienvogel7f3e";

/// Like [`CANARY`], for values of the wrong type.
const MISTYPED: &str = "Wellensittich9a0b";

/// Audit policy: only metadata of objects with values, as SECURITY.md recommends.
const AUDIT: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: Metadata
    resources: [{group: registry.fuseml.io}, {group: '', resources: [secrets]}]
  - level: RequestResponse
";

#[tokio::test(flavor = "multi_thread")]
async fn planted_values_appear_only_in_secrets() {
    let folder = std::env::temp_dir().join(format!("canary-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let options = Options {
        node: Node::None,
        apiserver_extra_args: apiserver_arguments(&folder),
        ..Options::default()
    };
    let mut env = TestEnv::with_log_level("canary", options, "trace").await;
    env.namespace(PROJECT);
    let mut output = String::new();
    write_rotate_and_refuse_values(&env, &mut output).await;
    apply_invalid_expressions(&env, &mut output).await;
    crash_operator_repeatedly(&mut env, &mut output).await;
    let rendered = env.list("Secret", PROJECT).await;
    assert!(
        rendered
            .iter()
            .any(|secret| find_value(&secret.to_string()).is_some()),
        "the search finds rendered values"
    );
    search_all_outputs(&env, &folder, &output).await;
    env.stop().await;
    fs::remove_dir_all(&folder).unwrap();
}

fn apiserver_arguments(folder: &Path) -> Vec<String> {
    let key = json!(ByteString(vec![7; 32]));
    let encryption = json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [
            {"secretbox": {"keys": [{"name": "one", "secret": key}]}}, {"identity": {}},
        ]}],
    });
    fs::write(folder.join("encryption.json"), encryption.to_string()).unwrap();
    fs::write(folder.join("audit.yaml"), AUDIT).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--encryption-provider-config={}", path("encryption.json")),
        format!("--audit-policy-file={}", path("audit.yaml")),
        format!("--audit-log-path={}", path("audit.log")),
    ]
}

/// Returns a planted value.
fn planted_value(what: &str) -> String {
    format!("{CANARY}-{what}")
}

fn with_values(name: &str, what: &str) -> Value {
    record(
        name,
        &json!([{"name": "main", "configuration": [
            {"name": "PASSWORD", "value": planted_value(what)},
            {"name": "NUMBER", "value": format!("12345{}", planted_value(what))},
        ]}]),
    )
}

/// Runs kubectl apply, collects its output, and returns whether it succeeded.
fn apply(env: &TestEnv, output: &mut String, arguments: &[&str], object: &Value) -> bool {
    let arguments = [&["apply", "-f", "-"], arguments].concat();
    match kubectl(&env.cluster, &arguments, &object.to_string()) {
        Ok(text) => {
            output.push_str(&text);
            true
        }
        Err(text) => {
            output.push_str(&text);
            false
        }
    }
}

async fn write_rotate_and_refuse_values(env: &TestEnv, output: &mut String) {
    section("values are written, rotated, dry-run and refused");
    for (name, arguments) in [
        ("client-side", vec![]),
        ("server-side", vec!["--server-side"]),
    ] {
        let dry = [arguments.as_slice(), &["--dry-run=server", "-o", "name"]].concat();
        assert!(apply(env, output, &dry, &with_values(name, "dry")));
        assert!(apply(env, output, &arguments, &with_values(name, "first")));
        assert!(apply(
            env,
            output,
            &arguments,
            &workflow(PROJECT, name, &json!({"product": name}))
        ));
        env.wait_until_ready(PROJECT, name).await;
        let bound = binding(PROJECT, name, &json!({"product": name}));
        assert!(apply(env, output, &arguments, &bound));
        env.wait_until_bound(PROJECT, name).await;
        assert!(apply(env, output, &arguments, &with_values(name, "second")));
        let mut bad = with_values(name, "refused");
        bad["spec"]["services"][0]["endpoints"] =
            json!([{"name": "e", "url": "http://user:secret@host"}]);
        assert!(!apply(env, output, &arguments, &bad));
        let mut mistyped = with_values(name, "mistyped");
        mistyped["spec"]["services"][0]["credentials"][0]["configuration"][1]["value"] =
            json!([MISTYPED]);
        // Before admission, the API server itself quotes values of a wrong type in its response and its log.
        // The operator does not.
        assert!(!apply(env, output, &[], &mistyped));
        let mut large = with_values(name, "large");
        large["spec"]["services"][0]["credentials"][0]["configuration"][1]["value"] =
            json!(planted_value("large").repeat(60_000));
        assert!(!apply(env, output, &["--server-side"], &large));
    }
    assert!(apply(
        env,
        output,
        &[],
        &own(with_values("own", "own"), PROJECT)
    ));
    // Values from a source Secret, which are not in a record.
    let source = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": RECORDS, "name": "source"},
        "stringData": {"PASSWORD": planted_value("source")}});
    env.apply(&source).await;
    env.apply(&record(
        "referring",
        &json!([{"name": "main", "secretRef": {"name": "source"}}]),
    ))
    .await;
    env.apply(&workflow(
        PROJECT,
        "referring",
        &json!({"product": "referring"}),
    ))
    .await;
    env.wait_until_ready(PROJECT, "referring").await;
    // Too large to render.
    let mut huge = source;
    huge["metadata"]["name"] = json!("huge");
    huge["stringData"] = json!({"A": planted_value("huge").repeat(20_000), "B": planted_value("huge").repeat(20_000)});
    env.apply(&huge).await;
    let twice = json!([{"name": "main", "secretRef": {"name": "huge"}, "configuration": [
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "huge", "key": "A"}}},
    ]}]);
    env.apply(&record("huge", &twice)).await;
    env.apply(&workflow(PROJECT, "huge", &json!({"product": "huge"})))
        .await;
    env.wait_until_refused(PROJECT, "huge", "TooLarge").await;
    env.apply(&binding(PROJECT, "huge", &json!({"product": "huge"})))
        .await;
    env.wait_until_unbound(PROJECT, "huge", "TooLarge").await;
}

async fn apply_invalid_expressions(env: &TestEnv, output: &mut String) {
    section("an expression is invalid");
    let mut wrong = workflow(PROJECT, "wrong", &json!({"product": "referring"}));
    wrong["spec"]["steps"][0]["env"] =
        json!([{"name": "A", "value": "{{ extensions.data.PASSWORT }}"}]);
    assert!(apply(env, output, &[], &wrong));
    env.wait_until_refused(PROJECT, "wrong", "UnknownKey").await;
    wrong["spec"]["steps"][0]["env"][0]["value"] = json!("x{{ extensions.data.PASSWORD }}y");
    assert!(apply(env, output, &[], &wrong));
    env.wait_until_ready(PROJECT, "wrong").await;
    let unknown = json!([{"name": "a", "configuration": "PASSWORT"}]);
    let mut wrong = binding(
        PROJECT,
        "wrong",
        &json!({"product": "referring", "files": unknown}),
    );
    assert!(apply(env, output, &[], &wrong));
    env.wait_until_unbound(PROJECT, "wrong", "UnknownKey").await;
    wrong["spec"]["files"][0]["configuration"] = json!("PASSWORD");
    assert!(apply(env, output, &[], &wrong));
    env.wait_until_bound(PROJECT, "wrong").await;
}

async fn crash_operator_repeatedly(env: &mut TestEnv, output: &mut String) {
    section("the operator is killed at every step");
    for round in 0..12_u64 {
        let object = with_values("crashing", &format!("crash-{round}"));
        assert!(apply(env, output, &[], &object));
        let name = format!("crashing-{round}");
        assert!(apply(
            env,
            output,
            &[],
            &workflow(PROJECT, &name, &json!({"product": "crashing"}))
        ));
        let bound = binding(PROJECT, &name, &json!({"product": "crashing"}));
        assert!(apply(env, output, &[], &bound));
        tokio::time::sleep(Duration::from_millis(round * 4)).await;
        env.kill_operator();
        env.start_operator();
        env.wait_until_ready(PROJECT, &name).await;
        env.wait_until_bound(PROJECT, &name).await;
    }
    // Counters and events are written with a delay.
    env.wait_until_settled(&[
        "ClusterExtension",
        "Extension",
        "Workflow",
        "ExtensionBinding",
        "ExtensionProjection",
        "Event",
        "CoreEvent",
    ])
    .await;
}

/// Returns the planted substring as text, and in base64 at each offset.
fn encodings() -> Vec<String> {
    let mut forms = vec![CANARY.to_owned()];
    for offset in 0..3_usize {
        let bytes = [vec![0; offset], CANARY.as_bytes().to_vec()].concat();
        let encoded = json!(ByteString(bytes));
        let encoded = text(&encoded).trim_end_matches('=').to_owned();
        // The first and last characters depend on the neighboring bytes.
        forms.push(encoded[offset.div_ceil(1) + 1..encoded.len() - 2].to_owned());
    }
    forms
}

fn find_value(text: &str) -> Option<String> {
    encodings()
        .into_iter()
        .find(|form| text.contains(form.as_str()))
}

fn find_value_in_file(path: &Path) -> Option<String> {
    let bytes = fs::read(path).unwrap();
    encodings().into_iter().find_map(|form| {
        let mut windows = bytes.windows(form.len());
        let position = windows.position(|window| window == form.as_bytes())?;
        let context = &bytes[position.saturating_sub(300)..(position + 60).min(bytes.len())];
        Some(String::from_utf8_lossy(context).into_owned())
    })
}

async fn search_all_outputs(env: &TestEnv, folder: &Path, output: &str) {
    section("all outputs are searched");
    for line in output.lines() {
        assert_eq!(find_value(line), None, "an answer: {line}");
    }
    for kind in [
        "ClusterExtension",
        "Extension",
        "Workflow",
        "ExtensionBinding",
        "ExtensionProjection",
        "Pipeline",
        "Event",
        "CoreEvent",
    ] {
        let objects = env.list(kind, "").await;
        assert!(!objects.is_empty(), "{kind}");
        for object in objects {
            assert_eq!(
                find_value(&object.to_string()),
                None,
                "{kind} {}",
                object["metadata"]["name"]
            );
        }
    }
    assert_eq!(
        find_value(&env.operator().metrics().unwrap()),
        None,
        "metrics"
    );
    let logs = env.logs();
    assert!(logs.contains("\"TRACE\""), "the operator logs everything");
    assert_eq!(find_value(&logs), None, "log of the operator");
    assert!(!logs.contains(MISTYPED), "log of the operator");
    let audit = folder.join("audit.log");
    assert!(fs::metadata(&audit).unwrap().len() > 10_000);
    assert_eq!(find_value_in_file(&audit), None, "audit log");
    let cluster = env.cluster.folder().unwrap();
    let files = files(cluster);
    let is_etcd_file =
        |path: &&PathBuf| path.extension().is_some_and(|end| end == "wal") || path.ends_with("db");
    assert!(files.iter().filter(is_etcd_file).count() >= 2, "{files:?}");
    let mut size = 0;
    for file in &files {
        size += fs::metadata(file).unwrap().len();
        assert_eq!(find_value_in_file(file), None, "{}", file.display());
    }
    println!(
        "{} files of the cluster, {} MiB, and {} MiB of log were searched",
        files.len(),
        size >> 20,
        logs.len() >> 20
    );
}

/// Returns all files: the database and write-ahead log of etcd, and the logs of the programs.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}
