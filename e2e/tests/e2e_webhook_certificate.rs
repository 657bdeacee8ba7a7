//! The certificate of the webhook, issued with the command line and the `ServiceAccount` of the chart's hook
//! Job, but from this machine.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod support;
#[path = "support/webhook.rs"]
mod webhook;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use extension_registry_e2e::chart::{RELEASE, WEBHOOKS, folder};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::helm::helm;
use extension_registry_e2e::operator::program;
use extension_registry_e2e::setup::NAMESPACE;
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::ByteString;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use support::{TestEnv, eventually, section, text, version, workflow};

const PROJECT: &str = "door";
const SECRET: &str = "extension-registry-webhook-certificate";
const LEGACY_SECRET: &str = "extension-registry-webhook-ca";
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];
const EXPIRY: &str = "extension_registry_webhook_certificate_expiry_timestamp_seconds";
const YEAR: f64 = 365.0 * 24.0 * 3600.0;

/// The hook Job of an installation, as the chart renders it.
struct Hook {
    arguments: Vec<String>,
    kubeconfig: PathBuf,
}

impl Hook {
    /// Creates the `ServiceAccount` of the hook and its roles in the cluster.
    fn new(cluster: &Cluster, url: &str) -> Self {
        let chart = folder();
        let url = format!("webhook.url={url}");
        let rendered = helm(&[
            "template",
            RELEASE,
            chart.to_str().unwrap(),
            "--namespace",
            NAMESPACE,
            "--set",
            &url,
            "--show-only",
            "templates/certificate-job.yaml",
        ])
        .unwrap();
        let mut arguments: Vec<String> = Vec::new();
        for text in rendered.split("\n---") {
            let object: Value = serde_saphyr::from_str(text).unwrap();
            if object["kind"] == "Job" {
                let container = &object["spec"]["template"]["spec"]["containers"][0];
                arguments = serde_json::from_value(container["args"].clone()).unwrap();
            } else if object.is_object() {
                cluster.apply(&object.to_string()).unwrap();
            }
        }
        assert_eq!(arguments[0], "issue-certificate");
        // Each test chooses whether to wait.
        arguments.retain(|argument| !argument.starts_with("--wait-seconds"));
        Self {
            arguments,
            kubeconfig: cluster
                .kubeconfig_of(NAMESPACE, "extension-registry-certificate")
                .unwrap(),
        }
    }

    /// Runs the Job's command, and returns its log; an error if it failed.
    fn run(&self, more: &[&str]) -> Result<String, String> {
        let output = Command::new(program().unwrap())
            .args(&self.arguments)
            .args(more)
            .env("KUBECONFIG", &self.kubeconfig)
            .output()
            .unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        println!("{log}");
        if output.status.success() {
            Ok(log)
        } else {
            Err(log)
        }
    }
}

fn kubectl(cluster: &Cluster, arguments: &[&str]) -> String {
    webhook::kubectl(cluster, arguments, "").unwrap()
}

/// Returns both webhook configurations.
fn configurations(cluster: &Cluster) -> [Value; 2] {
    CONFIGURATIONS.map(|kind| {
        let stored = kubectl(cluster, &["get", kind, RELEASE, "-o", "json"]);
        serde_json::from_str(&stored).unwrap()
    })
}

/// Returns the `caBundle`, which must be the same for all webhooks.
fn ca_bundle(cluster: &Cluster) -> Value {
    let configurations = configurations(cluster);
    let mut bundles: Vec<&Value> = configurations
        .iter()
        .flat_map(|configuration| configuration["webhooks"].as_array().unwrap())
        .map(|webhook| &webhook["clientConfig"]["caBundle"])
        .collect();
    assert_eq!(bundles.len(), CONFIGURATIONS.len() * WEBHOOKS.len());
    bundles.dedup();
    assert_eq!(bundles.len(), 1, "{bundles:#?}");
    bundles[0].clone()
}

fn secret(cluster: &Cluster) -> Value {
    let arguments = ["get", "secret", SECRET, "-n", NAMESPACE, "-o", "json"];
    serde_json::from_str(&kubectl(cluster, &arguments)).unwrap()
}

/// Returns an entry of the Secret as text.
fn entry(secret: &Value, name: &str) -> String {
    let bytes: ByteString = serde_json::from_value(secret["data"][name].clone()).unwrap();
    String::from_utf8(bytes.0).unwrap()
}

fn certificates(pem: &str) -> usize {
    pem.matches("BEGIN CERTIFICATE").count()
}

/// Writes the files of a mounted Secret, like the kubelet.
fn write_mounted_files(secret: &Value, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for name in ["tls.key", "tls.crt"] {
        fs::write(folder.join(name), entry(secret, name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_issues_renews_and_repairs_the_certificate() {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await
    .unwrap();
    let installed = Installed::with_webhook(&cluster, &[]).unwrap();
    let url = format!("https://{}", installed.webhook().unwrap());
    // From here on, the hook issues the certificate.
    cluster.install_chart(&[("webhook.url", &url)]).unwrap();
    let hook = Hook::new(&cluster, &url);
    let mounted = installed.certificate().unwrap().to_owned();

    section("the first run creates a Secret and sets caBundle");
    hook.run(&[]).unwrap();
    let first = secret(&cluster);
    assert_eq!(first["type"], "kubernetes.io/tls");
    let names: Vec<&String> = first["data"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["ca.crt", "tls.crt", "tls.key"]);
    assert_eq!(ca_bundle(&cluster), first["data"]["ca.crt"]);
    assert_eq!(certificates(&entry(&first, "ca.crt")), 1);
    write_mounted_files(&first, &mounted);

    section("a second run changes nothing");
    let before = configurations(&cluster).map(|stored| version(&stored).to_owned());
    hook.run(&[]).unwrap();
    assert_eq!(secret(&cluster), first);
    let after = configurations(&cluster).map(|stored| version(&stored).to_owned());
    assert_eq!(before, after);

    section("waiting fails without the operator");
    let log = hook.run(&["--wait-seconds=10"]).unwrap_err();
    assert!(log.contains("failed calling webhook"), "{log}");

    let env = TestEnv::new(cluster, installed, "door-certificate", &[]);
    env.namespace(PROJECT);
    hook.run(&["--wait-seconds=120"]).unwrap();
    let expiry = env.operator().metric(EXPIRY, &[]).unwrap();
    let remaining = expiry - now();
    assert!(
        remaining > 9.9 * YEAR && remaining < 10.1 * YEAR,
        "{remaining}"
    );

    renewal_keeps_old_ca_until_reload(&env, &hook, &mounted).await;
    restores_removed_ca_bundle(&env, &hook).await;
    migrates_certificate_of_version_0_1(&env, &hook);
    removed_webhook_is_not_retained(&env, &hook, &url);
    warns_before_expiry(&env, &mounted).await;
    env.stop().await;
}

async fn apply_workflow(env: &TestEnv, count: u32) {
    env.apply(&workflow(
        PROJECT,
        "flow",
        &json!({"product": format!("p{count}")}),
    ))
    .await;
}

async fn renewal_keeps_old_ca_until_reload(env: &TestEnv, hook: &Hook, mounted: &Path) {
    section(
        "a renewal keeps the old CA trusted until the replicas have loaded the new certificate",
    );
    apply_workflow(env, 0).await;
    let first = secret(&env.cluster);
    // A Secret of this type must have a key, so the damage is an empty key.
    let patch = r#"{"data": {"tls.key": ""}}"#;
    let arguments = ["patch", "secret", SECRET, "-n", NAMESPACE, "-p", patch];
    kubectl(&env.cluster, &arguments);
    hook.run(&[]).unwrap();
    let second = secret(&env.cluster);
    let (old, new) = (entry(&first, "ca.crt"), entry(&second, "ca.crt"));
    assert_ne!(entry(&first, "tls.crt"), entry(&second, "tls.crt"));
    assert_eq!(certificates(&new), 2);
    assert!(new.ends_with(&old), "{new}");
    assert_eq!(ca_bundle(&env.cluster), second["data"]["ca.crt"]);
    // The API server still trusts the old certificate on new connections.
    for count in 1..10 {
        apply_workflow(env, count).await;
    }
    hook.run(&["--wait-seconds=60"]).unwrap();
    write_mounted_files(&second, mounted);
    eventually(Duration::from_mins(2), "it is loaded", async || {
        let log = env.operator().log();
        let is_loaded = log.contains("serving certificate reloaded");
        is_loaded.then_some(()).ok_or(log)
    })
    .await;
    apply_workflow(env, 10).await;

    section("another host requires another certificate");
    let other: Vec<String> = hook
        .arguments
        .iter()
        .map(|argument| match argument.split_once('=') {
            Some(("--host", _)) => "--host=elsewhere.example.com".to_owned(),
            _ => argument.clone(),
        })
        .collect();
    let other = Hook {
        arguments: other,
        kubeconfig: hook.kubeconfig.clone(),
    };
    other.run(&[]).unwrap();
    let third = secret(&env.cluster);
    assert_ne!(entry(&second, "tls.crt"), entry(&third, "tls.crt"));
    hook.run(&[]).unwrap();
    write_mounted_files(&secret(&env.cluster), mounted);
}

async fn restores_removed_ca_bundle(env: &TestEnv, hook: &Hook) {
    section("the next run restores a removed caBundle");
    for kind in CONFIGURATIONS {
        for index in 0..WEBHOOKS.len() {
            let field = format!("/webhooks/{index}/clientConfig/caBundle");
            let patch = json!([{"op": "remove", "path": field}]).to_string();
            let arguments = ["patch", kind, RELEASE, "--type=json", "-p", &patch];
            kubectl(&env.cluster, &arguments);
        }
    }
    assert!(ca_bundle(&env.cluster).is_null());
    hook.run(&["--wait-seconds=120"]).unwrap();
    assert_eq!(
        ca_bundle(&env.cluster),
        secret(&env.cluster)["data"]["ca.crt"]
    );
    apply_workflow(env, 11).await;
}

/// Up to version 0.1 the operator stored CAs with their keys in a Secret, and set `caBundle` itself.
fn migrates_certificate_of_version_0_1(env: &TestEnv, hook: &Hook) {
    section(
        "the CAs of an operator that issued the certificate stay trusted, and their keys are deleted",
    );
    let authority = create_ca().pem();
    let data = json!({
        "ca.crt": ByteString(authority.clone().into_bytes()),
        "authorities.json": ByteString(b"[]".to_vec()),
    });
    let legacy = json!({
        "apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"namespace": NAMESPACE, "name": LEGACY_SECRET},
    });
    env.cluster.apply(&legacy.to_string()).unwrap();
    let issued = secret(&env.cluster);
    kubectl(&env.cluster, &["delete", "secret", SECRET, "-n", NAMESPACE]);
    hook.run(&[]).unwrap();
    let bundle = entry(&secret(&env.cluster), "ca.crt");
    assert_eq!(certificates(&bundle), 2);
    assert!(bundle.ends_with(&authority), "{bundle}");
    let remaining = [
        "get",
        "secret",
        LEGACY_SECRET,
        "-n",
        NAMESPACE,
        "--ignore-not-found",
    ];
    assert_eq!(kubectl(&env.cluster, &remaining), "");

    section("a certificate whose Secret is deleted is replaced, and its CA is no longer trusted");
    kubectl(&env.cluster, &["delete", "secret", SECRET, "-n", NAMESPACE]);
    hook.run(&[]).unwrap();
    let bundle = entry(&secret(&env.cluster), "ca.crt");
    assert_eq!(certificates(&bundle), 1);
    assert!(!entry(&issued, "ca.crt").contains(bundle.trim()));
}

/// `caBundle` has a separate field manager, which must not retain a webhook that the chart removes.
fn removed_webhook_is_not_retained(env: &TestEnv, hook: &Hook, url: &str) {
    section("a webhook that the next chart omits is removed");
    let chart = env.cluster.folder().unwrap().join("next-chart");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(folder())
        .arg(&chart)
        .status();
    assert!(copied.unwrap().success());
    let helper = chart.join("templates/_webhook.tpl");
    let text = fs::read_to_string(&helper).unwrap();
    let without = text.replacen("  workflows: [workflows]\n", "", 1);
    assert_ne!(text, without);
    fs::write(&helper, without).unwrap();
    let names = |argument: &String| argument.replace("mutate-workflows.registry.fuseml.io,", "");
    let next = Hook {
        arguments: hook.arguments.iter().map(names).collect(),
        kubeconfig: hook.kubeconfig.clone(),
    };
    assert_ne!(next.arguments, hook.arguments);
    next.run(&[]).unwrap();
    let values = [("replicas", "0"), ("webhook.url", url)];
    env.cluster
        .helm_upgrade(&chart, &values, &["--no-hooks"])
        .unwrap();
    next.run(&[]).unwrap();
    let [mutating, validating] = configurations(&env.cluster);
    let names = |configuration: &Value| -> Vec<String> {
        let webhooks = configuration["webhooks"].as_array().unwrap();
        webhooks
            .iter()
            .map(|webhook| text_field(webhook, "name"))
            .collect()
    };
    let left = WEBHOOKS.iter().filter(|name| **name != "workflows");
    let left: Vec<String> = left
        .map(|name| format!("mutate-{name}.registry.fuseml.io"))
        .collect();
    assert_eq!(names(&mutating), left);
    assert_eq!(names(&validating).len(), WEBHOOKS.len());
    let bundle = &secret(&env.cluster)["data"]["ca.crt"];
    assert_eq!(&mutating["webhooks"][0]["clientConfig"]["caBundle"], bundle);
}

fn text_field(value: &Value, field: &str) -> String {
    text(&value[field]).to_owned()
}

async fn warns_before_expiry(env: &TestEnv, mounted: &Path) {
    section("a certificate that expires soon causes a warning and a metric");
    let authority = create_ca();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let days = Duration::from_hours(240);
    leaf.not_after = (SystemTime::now() + days).into();
    let end = now() + days.as_secs_f64();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    fs::write(mounted.join("tls.key"), key.serialize_pem()).unwrap();
    fs::write(mounted.join("tls.crt"), leaf.pem()).unwrap();
    eventually(Duration::from_mins(2), "it warns", async || {
        let log = env.operator().log();
        let warns = log.contains("webhook serving certificate expires soon");
        warns.then_some(()).ok_or(log)
    })
    .await;
    let expiry = env.operator().metric(EXPIRY, &[]).unwrap();
    assert!((expiry - end).abs() < 60.0, "{expiry} instead of {end}");
}

fn create_ca() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}
