//! Planted values are found nowhere but in the Secrets meant for them, whatever happens on the way.
//!
//! Secrets are encrypted in this cluster's etcd. So in its files, history and log of writes included,
//! no planted value may stand at all.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

#[path = "support/door.rs"]
mod door;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use door::kubectl;
use extension_registry_e2e::Options;
use extension_registry_e2e::cluster::Node;
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use support::{Lab, RECORDS, own, pause, record, section, text, workflow};

const PROJECT: &str = "canary";

/// Stands in each planted value. Long enough not to be found by chance.
const CANARY: &str = "Kanarienvogel7f3e";

/// As [`CANARY`], where a list stands in the place of a text.
const MISTYPED: &str = "Wellensittich9a0b";

/// What is logged besides Secrets: metadata, as SECURITY.md asks for.
const AUDIT: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: Metadata
    resources: [{group: registry.fuseml.io}, {group: '', resources: [secrets]}]
  - level: RequestResponse
";

#[tokio::test(flavor = "multi_thread")]
async fn planted_values_stand_nowhere_else() {
    let folder = std::env::temp_dir().join(format!("canary-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let options = Options {
        node: Node::None,
        apiserver_extra_args: apiserver_arguments(&folder),
        ..Options::default()
    };
    let mut lab = Lab::with_log_level("canary", options, "trace").await;
    lab.namespace(PROJECT);
    let mut said = String::new();
    written_rotated_and_refused(&lab, &mut said).await;
    wrong_expressions(&lab, &mut said).await;
    crashes(&mut lab, &mut said).await;
    let rendered = lab.list("Secret", PROJECT).await;
    assert!(
        rendered
            .iter()
            .any(|secret| finds(&secret.to_string()).is_some()),
        "the search finds what is there"
    );
    searched(&lab, &folder, &said).await;
    lab.stop().await;
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

/// A planted value.
fn planted(what: &str) -> String {
    format!("{CANARY}-{what}")
}

fn with_values(name: &str, what: &str) -> Value {
    record(
        name,
        &json!([{"name": "main", "configuration": [
            {"name": "PASSWORD", "value": planted(what)},
            {"name": "NUMBER", "value": format!("12345{}", planted(what))},
        ]}]),
    )
}

/// Runs kubectl and keeps what it says, be it yes or no.
fn apply(lab: &Lab, said: &mut String, arguments: &[&str], object: &Value) -> bool {
    let arguments = [&["apply", "-f", "-"], arguments].concat();
    match kubectl(&lab.cluster, &arguments, &object.to_string()) {
        Ok(text) => {
            said.push_str(&text);
            true
        }
        Err(text) => {
            said.push_str(&text);
            false
        }
    }
}

async fn written_rotated_and_refused(lab: &Lab, said: &mut String) {
    section("values are written, rotated, dry, refused");
    for (name, arguments) in [
        ("client-side", vec![]),
        ("server-side", vec!["--server-side"]),
    ] {
        let dry = [arguments.as_slice(), &["--dry-run=server", "-o", "name"]].concat();
        assert!(apply(lab, said, &dry, &with_values(name, "dry")));
        assert!(apply(lab, said, &arguments, &with_values(name, "first")));
        assert!(apply(
            lab,
            said,
            &arguments,
            &workflow(PROJECT, name, &json!({"product": name}))
        ));
        lab.ready(PROJECT, name).await;
        assert!(apply(lab, said, &arguments, &with_values(name, "second")));
        let mut bad = with_values(name, "refused");
        bad["spec"]["services"][0]["endpoints"] =
            json!([{"name": "e", "url": "http://user:secret@host"}]);
        assert!(!apply(lab, said, &arguments, &bad));
        let mut mistyped = with_values(name, "mistyped");
        mistyped["spec"]["services"][0]["credentials"][0]["configuration"][1]["value"] =
            json!([MISTYPED]);
        // The API server itself quotes a value of a wrong type, before admission: to whoever sent it,
        // and in its own log. The operator does not.
        assert!(!apply(lab, said, &[], &mistyped));
        let mut large = with_values(name, "large");
        large["spec"]["services"][0]["credentials"][0]["configuration"][1]["value"] =
            json!(planted("large").repeat(60_000));
        assert!(!apply(lab, said, &["--server-side"], &large));
    }
    assert!(apply(
        lab,
        said,
        &[],
        &own(with_values("own", "own"), PROJECT)
    ));
    // Of a Secret, for which nobody writes a value into a record.
    let source = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": RECORDS, "name": "source"},
        "stringData": {"PASSWORD": planted("source")}});
    lab.apply(&source).await;
    lab.apply(&record(
        "referring",
        &json!([{"name": "main", "secretRef": {"name": "source"}}]),
    ))
    .await;
    lab.apply(&workflow(
        PROJECT,
        "referring",
        &json!({"product": "referring"}),
    ))
    .await;
    lab.ready(PROJECT, "referring").await;
    // Too large to render.
    let mut huge = source;
    huge["metadata"]["name"] = json!("huge");
    huge["stringData"] =
        json!({"A": planted("huge").repeat(20_000), "B": planted("huge").repeat(20_000)});
    lab.apply(&huge).await;
    let twice = json!([{"name": "main", "secretRef": {"name": "huge"}, "configuration": [
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "huge", "key": "A"}}},
    ]}]);
    lab.apply(&record("huge", &twice)).await;
    lab.apply(&workflow(PROJECT, "huge", &json!({"product": "huge"})))
        .await;
    lab.refused(PROJECT, "huge", "TooLarge").await;
}

async fn wrong_expressions(lab: &Lab, said: &mut String) {
    section("an expression is wrong");
    let mut wrong = workflow(PROJECT, "wrong", &json!({"product": "referring"}));
    wrong["spec"]["steps"][0]["env"] =
        json!([{"name": "A", "value": "{{ extensions.data.PASSWORT }}"}]);
    assert!(apply(lab, said, &[], &wrong));
    lab.refused(PROJECT, "wrong", "UnknownKey").await;
    wrong["spec"]["steps"][0]["env"][0]["value"] = json!("x{{ extensions.data.PASSWORD }}y");
    assert!(apply(lab, said, &[], &wrong));
    lab.ready(PROJECT, "wrong").await;
}

async fn crashes(lab: &mut Lab, said: &mut String) {
    section("the operator is killed at every step");
    for round in 0..12_u64 {
        let object = with_values("crashing", &format!("crash-{round}"));
        assert!(apply(lab, said, &[], &object));
        let name = format!("crashing-{round}");
        assert!(apply(
            lab,
            said,
            &[],
            &workflow(PROJECT, &name, &json!({"product": "crashing"}))
        ));
        tokio::time::sleep(Duration::from_millis(round * 4)).await;
        lab.kill_operator();
        lab.start_operator();
        lab.ready(PROJECT, &name).await;
    }
    // Counters and events are written late.
    pause(3.0).await;
}

/// How a planted value looks as it is, and in base64 at each offset.
fn forms() -> Vec<String> {
    let mut forms = vec![CANARY.to_owned()];
    for offset in 0..3_usize {
        let bytes = [vec![0; offset], CANARY.as_bytes().to_vec()].concat();
        let encoded = json!(ByteString(bytes));
        let encoded = text(&encoded).trim_end_matches('=').to_owned();
        // The ends also depend on what stands beside.
        forms.push(encoded[offset.div_ceil(1) + 1..encoded.len() - 2].to_owned());
    }
    forms
}

fn finds(text: &str) -> Option<String> {
    forms()
        .into_iter()
        .find(|form| text.contains(form.as_str()))
}

fn finds_in_file(path: &Path) -> Option<String> {
    let bytes = fs::read(path).unwrap();
    forms().into_iter().find_map(|form| {
        let mut windows = bytes.windows(form.len());
        let place = windows.position(|window| window == form.as_bytes())?;
        let around = &bytes[place.saturating_sub(300)..(place + 60).min(bytes.len())];
        Some(String::from_utf8_lossy(around).into_owned())
    })
}

async fn searched(lab: &Lab, folder: &Path, said: &str) {
    section("the places are searched");
    for line in said.lines() {
        assert_eq!(finds(line), None, "an answer: {line}");
    }
    for kind in [
        "ClusterExtension",
        "Extension",
        "Workflow",
        "ExtensionProjection",
        "Pipeline",
        "Event",
        "CoreEvent",
    ] {
        let objects = lab.list(kind, "").await;
        assert!(!objects.is_empty(), "{kind}");
        for object in objects {
            assert_eq!(
                finds(&object.to_string()),
                None,
                "{kind} {}",
                object["metadata"]["name"]
            );
        }
    }
    assert_eq!(finds(&lab.operator().metrics().unwrap()), None, "metrics");
    let logs = lab.logs();
    assert!(logs.contains("\"TRACE\""), "the operator logs everything");
    assert_eq!(finds(&logs), None, "log of the operator");
    assert!(!logs.contains(MISTYPED), "log of the operator");
    let audit = folder.join("audit.log");
    assert!(fs::metadata(&audit).unwrap().len() > 10_000);
    assert_eq!(finds_in_file(&audit), None, "audit log");
    let cluster = lab.cluster.folder().unwrap();
    let files = files(cluster);
    let of_etcd =
        |path: &&PathBuf| path.extension().is_some_and(|end| end == "wal") || path.ends_with("db");
    assert!(files.iter().filter(of_etcd).count() >= 2, "{files:?}");
    let mut size = 0;
    for file in &files {
        size += fs::metadata(file).unwrap().len();
        assert_eq!(finds_in_file(file), None, "{}", file.display());
    }
    println!(
        "{} files of the cluster, {} MiB, and {} MiB of log were searched",
        files.len(),
        size >> 20,
        logs.len() >> 20
    );
}

/// Every file: etcd's database and log of writes, and what the programs logged.
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
