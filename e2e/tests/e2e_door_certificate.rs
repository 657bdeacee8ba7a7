//! The certificate of the webhook, as the chart's hook issues it: with the command line and the account of its Job, from
//! this machine.
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
use std::process::Command;
use std::time::{Duration, SystemTime};

use extension_registry_e2e::chart::{RELEASE, folder};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::helm::helm;
use extension_registry_e2e::operator::program;
use extension_registry_e2e::setup::NAMESPACE;
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::ByteString;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use support::{Lab, eventually, section, text, version, workflow};

const PROJECT: &str = "door";
const SECRET: &str = "extension-registry-webhook-certificate";
const FORMER: &str = "extension-registry-webhook-ca";
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];
const EXPIRY: &str = "extension_registry_webhook_certificate_expiry_timestamp_seconds";
const YEAR: f64 = 365.0 * 24.0 * 3600.0;

/// The Job that runs after an installation, as the chart makes it of these values.
struct Hook {
    arguments: Vec<String>,
    kubeconfig: PathBuf,
}

impl Hook {
    /// Puts the account of the hook and its roles into the cluster.
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
        // Each test decides for itself whether to wait.
        arguments.retain(|argument| !argument.starts_with("--wait-seconds"));
        Self {
            arguments,
            kubeconfig: cluster
                .kubeconfig_of(NAMESPACE, "extension-registry-certificate")
                .unwrap(),
        }
    }

    /// Runs it. What it logged; an error where it failed.
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
    door::kubectl(cluster, arguments, "").unwrap()
}

/// Both webhook configurations.
fn configurations(cluster: &Cluster) -> [Value; 2] {
    CONFIGURATIONS.map(|kind| {
        let stored = kubectl(cluster, &["get", kind, RELEASE, "-o", "json"]);
        serde_json::from_str(&stored).unwrap()
    })
}

/// What the API server trusts; the same of every webhook.
fn trusted(cluster: &Cluster) -> Value {
    let configurations = configurations(cluster);
    let mut bundles: Vec<&Value> = configurations
        .iter()
        .flat_map(|configuration| configuration["webhooks"].as_array().unwrap())
        .map(|webhook| &webhook["clientConfig"]["caBundle"])
        .collect();
    assert_eq!(bundles.len(), 4);
    bundles.dedup();
    assert_eq!(bundles.len(), 1, "{bundles:#?}");
    bundles[0].clone()
}

fn secret(cluster: &Cluster) -> Value {
    let arguments = ["get", "secret", SECRET, "-n", NAMESPACE, "-o", "json"];
    serde_json::from_str(&kubectl(cluster, &arguments)).unwrap()
}

/// The text of an entry of the Secret.
fn entry(secret: &Value, name: &str) -> String {
    let bytes: ByteString = serde_json::from_value(secret["data"][name].clone()).unwrap();
    String::from_utf8(bytes.0).unwrap()
}

fn certificates(pem: &str) -> usize {
    pem.matches("BEGIN CERTIFICATE").count()
}

/// As the kubelet does it for a mounted Secret.
fn mount(secret: &Value, folder: &Path) {
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
    // From now on the certificate comes from the hook.
    cluster.install_chart(&[("webhook.url", &url)]).unwrap();
    let hook = Hook::new(&cluster, &url);
    let mounted = installed.certificate().unwrap().to_owned();

    section("the first run makes a Secret and has its authority trusted");
    hook.run(&[]).unwrap();
    let first = secret(&cluster);
    assert_eq!(first["type"], "kubernetes.io/tls");
    let names: Vec<&String> = first["data"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["ca.crt", "tls.crt", "tls.key"]);
    assert_eq!(trusted(&cluster), first["data"]["ca.crt"]);
    assert_eq!(certificates(&entry(&first, "ca.crt")), 1);
    mount(&first, &mounted);

    section("another run changes nothing");
    let before = configurations(&cluster).map(|stored| version(&stored).to_owned());
    hook.run(&[]).unwrap();
    assert_eq!(secret(&cluster), first);
    let after = configurations(&cluster).map(|stored| version(&stored).to_owned());
    assert_eq!(before, after);

    section("waiting fails without the operator");
    let log = hook.run(&["--wait-seconds=2"]).unwrap_err();
    assert!(log.contains("failed calling webhook"), "{log}");

    let lab = Lab::begin(cluster, installed, "door-certificate", &[]);
    lab.namespace(PROJECT);
    hook.run(&["--wait-seconds=30"]).unwrap();
    let expiry = lab.operator().metric(EXPIRY, &[]).unwrap();
    let left = expiry - now();
    assert!(left > 9.9 * YEAR && left < 10.1 * YEAR, "{left}");

    renewed_while_it_serves(&lab, &hook, &mounted).await;
    repaired(&lab, &hook).await;
    taken_over_from_an_operator_that_issued_it(&lab, &hook);
    left_out_of_the_next_chart(&lab, &hook, &url);
    expires_soon(&lab, &mounted).await;
    lab.stop().await;
}

async fn applied(lab: &Lab, count: u32) {
    lab.apply(&workflow(
        PROJECT,
        "flow",
        &json!({"product": format!("p{count}")}),
    ))
    .await;
}

async fn renewed_while_it_serves(lab: &Lab, hook: &Hook, mounted: &Path) {
    section(
        "a renewal keeps the former authority trusted until the replicas have read the new certificate",
    );
    applied(lab, 0).await;
    let first = secret(&lab.cluster);
    // A Secret of this type has to have a key, so an empty one is the damage to repair.
    let patch = r#"{"data": {"tls.key": ""}}"#;
    let arguments = ["patch", "secret", SECRET, "-n", NAMESPACE, "-p", patch];
    kubectl(&lab.cluster, &arguments);
    hook.run(&[]).unwrap();
    let second = secret(&lab.cluster);
    let (old, new) = (entry(&first, "ca.crt"), entry(&second, "ca.crt"));
    assert_ne!(entry(&first, "tls.crt"), entry(&second, "tls.crt"));
    assert_eq!(certificates(&new), 2);
    assert!(new.ends_with(&old), "{new}");
    assert_eq!(trusted(&lab.cluster), second["data"]["ca.crt"]);
    // The API server trusts what is served still, on a new connection.
    for count in 1..10 {
        applied(lab, count).await;
    }
    hook.run(&["--wait-seconds=10"]).unwrap();
    mount(&second, mounted);
    eventually(Duration::from_secs(30), "it is loaded", async || {
        let log = lab.operator().log();
        let is_loaded = log.contains("serving certificate reloaded");
        is_loaded.then_some(()).ok_or(log)
    })
    .await;
    applied(lab, 10).await;

    section("another host needs another certificate");
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
    let third = secret(&lab.cluster);
    assert_ne!(entry(&second, "tls.crt"), entry(&third, "tls.crt"));
    hook.run(&[]).unwrap();
    mount(&secret(&lab.cluster), mounted);
}

async fn repaired(lab: &Lab, hook: &Hook) {
    section("a caBundle wiped by hand is back after the next run");
    for kind in CONFIGURATIONS {
        for index in 0..2 {
            let field = format!("/webhooks/{index}/clientConfig/caBundle");
            let patch = json!([{"op": "remove", "path": field}]).to_string();
            let arguments = ["patch", kind, RELEASE, "--type=json", "-p", &patch];
            kubectl(&lab.cluster, &arguments);
        }
    }
    assert!(trusted(&lab.cluster).is_null());
    hook.run(&["--wait-seconds=30"]).unwrap();
    assert_eq!(
        trusted(&lab.cluster),
        secret(&lab.cluster)["data"]["ca.crt"]
    );
    applied(lab, 11).await;
}

/// Up to version 0.1 the operator kept authorities with their keys in a Secret, and set caBundle itself.
fn taken_over_from_an_operator_that_issued_it(lab: &Lab, hook: &Hook) {
    section(
        "the authorities of an operator that issued the certificate stay trusted, and their keys are deleted",
    );
    let authority = authority().pem();
    let data = json!({
        "ca.crt": ByteString(authority.clone().into_bytes()),
        "authorities.json": ByteString(b"[]".to_vec()),
    });
    let former = json!({
        "apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"namespace": NAMESPACE, "name": FORMER},
    });
    lab.cluster.apply(&former.to_string()).unwrap();
    let issued = secret(&lab.cluster);
    kubectl(&lab.cluster, &["delete", "secret", SECRET, "-n", NAMESPACE]);
    hook.run(&[]).unwrap();
    let bundle = entry(&secret(&lab.cluster), "ca.crt");
    assert_eq!(certificates(&bundle), 2);
    assert!(bundle.ends_with(&authority), "{bundle}");
    let left = [
        "get",
        "secret",
        FORMER,
        "-n",
        NAMESPACE,
        "--ignore-not-found",
    ];
    assert_eq!(kubectl(&lab.cluster, &left), "");

    section(
        "a certificate whose Secret is deleted is replaced, and its authority is not trusted any more",
    );
    kubectl(&lab.cluster, &["delete", "secret", SECRET, "-n", NAMESPACE]);
    hook.run(&[]).unwrap();
    let bundle = entry(&secret(&lab.cluster), "ca.crt");
    assert_eq!(certificates(&bundle), 1);
    assert!(!entry(&issued, "ca.crt").contains(bundle.trim()));
}

/// caBundle has a field manager of its own. That one must not hold on to a webhook that the chart removes.
fn left_out_of_the_next_chart(lab: &Lab, hook: &Hook, url: &str) {
    section("a webhook that the next chart leaves out goes");
    let chart = lab.cluster.folder().unwrap().join("next-chart");
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
    lab.cluster
        .helm_upgrade(&chart, &values, &["--no-hooks"])
        .unwrap();
    next.run(&[]).unwrap();
    let [mutating, validating] = configurations(&lab.cluster);
    let names = |configuration: &Value| -> Vec<String> {
        let webhooks = configuration["webhooks"].as_array().unwrap();
        webhooks
            .iter()
            .map(|webhook| text_of(webhook, "name"))
            .collect()
    };
    assert_eq!(names(&mutating), ["mutate-records.registry.fuseml.io"]);
    assert_eq!(names(&validating).len(), 2);
    let bundle = &secret(&lab.cluster)["data"]["ca.crt"];
    assert_eq!(&mutating["webhooks"][0]["clientConfig"]["caBundle"], bundle);
}

fn text_of(value: &Value, field: &str) -> String {
    text(&value[field]).to_owned()
}

async fn expires_soon(lab: &Lab, mounted: &Path) {
    section("a certificate that expires soon is a warning and a metric");
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let days = Duration::from_hours(240);
    leaf.not_after = (SystemTime::now() + days).into();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    fs::write(mounted.join("tls.key"), key.serialize_pem()).unwrap();
    fs::write(mounted.join("tls.crt"), leaf.pem()).unwrap();
    eventually(Duration::from_secs(30), "it warns", async || {
        let log = lab.operator().log();
        let warns = log.contains("webhook serving certificate expires soon");
        warns.then_some(()).ok_or(log)
    })
    .await;
    let left = lab.operator().metric(EXPIRY, &[]).unwrap() - now();
    assert!((left - days.as_secs_f64()).abs() < 60.0, "{left}");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}
