//! The examples of bindings: a real API server accepts them, and a workload that mounts the Secrets by name starts bound.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_e2e::setup::repository;
use extension_registry_e2e::{BUSYBOX_IMAGE, Cluster, Installed, Options, skip_part};
use serde_json::{Value, json};
use support::{TIMEOUT, TestEnv, eventually, section, text};

const PROJECT: &str = "alpha";

const KEY: &str = "24oT0SfbJPEu6kUbUKsH";

/// Kinds of objects in the examples whose CRDs the cluster lacks.
const UNKNOWN: [&str; 1] = ["argoproj.io/v1alpha1"];

fn read(path: &str) -> Value {
    let text = fs::read_to_string(repository("examples").join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Returns the paths below `examples` of all files of a folder.
fn files(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(repository("examples").join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_bindings_work() {
    let options = Options::default();
    let cluster = Cluster::from_environment_or_start(options).await.unwrap();
    let installed = Installed::without_webhook(&cluster).unwrap();
    let env = TestEnv::new(cluster, installed, "binding-examples", &[]);
    env.namespace(PROJECT);
    env.apply(&read("records/mlflow-0001.yaml")).await;
    objects_are_accepted(&env).await;
    chart_finds_its_keys(&env).await;
    deployment_by_name_starts_bound(&env).await;
    env.stop().await;
}

async fn objects_are_accepted(env: &TestEnv) {
    section("the API server accepts all objects, and all bindings become ready");
    let mut bindings = BTreeSet::new();
    let mut named = BTreeSet::new();
    for path in files("bindings") {
        let object = read(&path);
        named.extend(bindings_of(&object));
        if UNKNOWN.contains(&text(&object["apiVersion"])) {
            continue;
        }
        let file = repository("examples").join(&path);
        let file = Path::to_str(&file).unwrap();
        let dry = ["--dry-run=server", "--validate=strict"];
        let apply = ["apply", "-n", PROJECT, "-f", file];
        if object["kind"] != "ExtensionBinding" {
            env.cluster
                .kubectl_run(&[&apply[..], &dry].concat())
                .unwrap();
            continue;
        }
        env.cluster.kubectl_run(&apply).unwrap();
        let name = text(&object["metadata"]["name"]).to_owned();
        env.wait_until_bound(PROJECT, &name).await;
        bindings.insert(name);
    }
    assert_eq!(
        bindings,
        ["artifacts", "storage", "tracker"]
            .map(str::to_owned)
            .into()
    );
    assert_eq!(named, ["storage", "tracker"].map(str::to_owned).into());
}

/// Returns the bindings that an object requests, wherever its annotations are.
fn bindings_of(object: &Value) -> BTreeSet<String> {
    match object {
        Value::Object(fields) => {
            let names = text(
                fields
                    .get("registry.fuseml.io/bind")
                    .unwrap_or(&Value::Null),
            );
            let names = names.split(',').filter(|name| !name.is_empty());
            let inner = fields.values().flat_map(bindings_of);
            names.map(str::to_owned).chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(bindings_of).collect(),
        _ => BTreeSet::new(),
    }
}

async fn chart_finds_its_keys(env: &TestEnv) {
    section("the Secret in the values of the chart has the keys in the values");
    let values = &read("charts/existing-secret-values.yaml")["externalS3"];
    let secret = env
        .get("Secret", PROJECT, text(&values["existingSecret"]))
        .await;
    let value = |field: &str| {
        let bytes = STANDARD
            .decode(text(&secret["data"][text(&values[field])]))
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(value("existingSecretAccessKeyIDKey"), KEY);
    assert_eq!(
        value("existingSecretKeySecretKey"),
        "cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf"
    );
}

async fn deployment_by_name_starts_bound(env: &TestEnv) {
    section("a Deployment that names the Secrets starts with files and variables");
    if let Some(why) = env.cluster.node_missing() {
        return skip_part("the Deployment by name", why);
    }
    let mut deployment = read("bindings/deployment-by-name.yaml");
    deployment["metadata"]["namespace"] = json!(PROJECT);
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    container["image"] = json!(BUSYBOX_IMAGE);
    let print = "echo \"$AWS_ACCESS_KEY_ID $(cat $SERVICE_BINDING_ROOT/storage/AWS_ACCESS_KEY_ID) $(cat $SERVICE_BINDING_ROOT/storage/uri)\"; sleep 3600";
    container["command"] = json!(["sh", "-c", print]);
    let file = env.cluster.folder().unwrap().join("deployment.json");
    fs::write(&file, deployment.to_string()).unwrap();
    let apply = ["apply", "-f", file.to_str().unwrap()];
    env.cluster.kubectl_run(&apply).unwrap();
    let expected = format!("{KEY} {KEY} http://mlflow-minio:9000\n");
    let logs = ["logs", "-n", PROJECT, "deployment/predictor-by-name"];
    eventually(
        TIMEOUT,
        "the Deployment prints its values",
        async || match env.cluster.kubectl_run(&logs) {
            Ok(printed) if printed == expected => Ok(()),
            Ok(printed) => Err(printed),
            Err(error) => Err(error.to_string()),
        },
    )
    .await;
}
