//! The chart on a real cluster: installed, upgraded and removed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests may do what tests may do"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use extension_registry_e2e::chart::{RELEASE, WITHOUT_WEBHOOK, folder, missing_powers};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::operator_image::OPERATOR_IMAGE;
use extension_registry_e2e::setup::{NAMESPACE, RECORDS_NAMESPACE, repository};
use extension_registry_e2e::{Cluster, Options, skip};
use k8s_openapi::ByteString;
use serde_json::{Value, json};

/// What the hook issued.
const CERTIFICATE: &str =
    r"get secret -n extension-registry extension-registry-webhook-certificate -o jsonpath={.data}";

/// The image that `helm test` asks for.
const TEST_IMAGE: &str = "busybox:1.37";

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_is_installed_upgraded_and_removed() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    if let Some(why) = cluster.services_missing() {
        skip("the installation of the chart", why).unwrap();
        return cluster.stop().await.unwrap();
    }
    cluster.install_engine().unwrap();
    cluster.import_operator().await.unwrap();
    cluster.image_alias(TEST_IMAGE).await.unwrap();

    installed_and_at_work(&cluster);
    upgraded(&cluster);
    installed_again(&cluster);
    applied_without_helm(&cluster);
    removed(&cluster);
    cluster.stop().await.unwrap();
}

const VALUES: [(&str, &str); 4] = [
    ("image.repository", OPERATOR_IMAGE.0),
    ("image.tag", OPERATOR_IMAGE.1),
    ("test.image", TEST_IMAGE),
    // Otherwise an event that may not be written leaves no trace.
    ("log.level", r"info\,extension_registry_operator=debug"),
];

fn upgrade(cluster: &Cluster, chart: &Path) {
    let start = Instant::now();
    let wait = ["--wait", "--timeout", "120s"];
    if let Err(error) = cluster.helm_upgrade(chart, &VALUES, &wait) {
        let pods = kubectl(cluster, "describe pods -n extension-registry");
        let of_operator = "logs -n extension-registry deployment/extension-registry";
        let arguments: Vec<&str> = of_operator.split(' ').collect();
        // A hook that fails before the operator starts leaves none.
        let log = cluster.kubectl_run(&arguments);
        panic!("{error:#}\n{pods}\n{log:?}");
    }
    took("helm upgrade --install --wait", start);
}

fn installed_and_at_work(cluster: &Cluster) {
    upgrade(cluster, &previous_chart(cluster));
    assert_eq!(replicas_at_work(cluster), 2);
    no_hook_is_left(cluster);

    // At once: whatever answers the API server has to be there when the installation says so.
    cluster.create_namespace("alpha").unwrap();
    apply(cluster, "examples/records/mlflow-0001.yaml");
    apply(cluster, "examples/workflows/explicit.yaml");
    ready(cluster, "train-explicit");
    trusted(cluster);
    let start = Instant::now();
    cluster.helm(&["test", RELEASE, "-n", NAMESPACE]).unwrap();
    took("helm test", start);
}

fn upgraded(cluster: &Cluster) {
    let uids = "get secrets,pipelines.tekton.dev -n alpha -o jsonpath={.items[*].metadata.uid}";
    let before = kubectl(cluster, uids);
    assert!(!before.is_empty());
    let certificate = kubectl(cluster, CERTIFICATE);
    upgrade(cluster, &folder());
    assert_eq!(replicas_at_work(cluster), 2);
    no_hook_is_left(cluster);
    ready(cluster, "train-explicit");
    trusted(cluster);
    assert_eq!(certificate, kubectl(cluster, CERTIFICATE));
    assert_eq!(before, kubectl(cluster, uids), "nothing is made anew");
    // The new replicas lead, and answer the API server.
    apply(cluster, "examples/workflows/mapped-environment.yaml");
    ready(cluster, "train-mapped");
    let holder =
        "get lease -n extension-registry extension-registry -o jsonpath={.spec.holderIdentity}";
    assert_ne!(kubectl(cluster, holder), "");
    let log = logs(cluster);
    assert_eq!(missing_powers(&log), Vec::<&str>::new());
}

/// The certificate outlives the release, and serves the next one.
fn installed_again(cluster: &Cluster) {
    let certificate = kubectl(cluster, CERTIFICATE);
    uninstall(cluster);
    assert_eq!(certificate, kubectl(cluster, CERTIFICATE));
    upgrade(cluster, &folder());
    assert_eq!(replicas_at_work(cluster), 2);
    no_hook_is_left(cluster);
    trusted(cluster);
    assert_eq!(certificate, kubectl(cluster, CERTIFICATE));
    apply(cluster, "examples/workflows/explicit.yaml");
    ready(cluster, "train-explicit");
}

/// kubectl runs all hooks at once, and removes none of them.
fn applied_without_helm(cluster: &Cluster) {
    uninstall(cluster);
    let chart = folder();
    let chart = chart.to_str().unwrap();
    let settings = VALUES.map(|(name, value)| format!("{name}={value}"));
    let mut arguments = vec!["template", RELEASE, chart, "-n", NAMESPACE, "--skip-tests"];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    let manifests = cluster.helm(&arguments).unwrap();
    let start = Instant::now();
    cluster.apply(&manifests).unwrap();
    for wait in [
        "rollout status deployment/extension-registry -n extension-registry --timeout=120s",
        "wait --for=condition=Complete job --all -n extension-registry --timeout=120s",
    ] {
        kubectl(cluster, wait);
    }
    took("kubectl apply", start);
    trusted(cluster);
    apply(cluster, "examples/workflows/explicit.yaml");
    kubectl(
        cluster,
        "delete serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,jobs -A -l app.kubernetes.io/component=certificate",
    );
    no_hook_is_left(cluster);
    // Helm takes over what kubectl has applied.
    upgrade(cluster, &folder());
    no_hook_is_left(cluster);
}

fn uninstall(cluster: &Cluster) {
    let start = Instant::now();
    let arguments = "uninstall extension-registry -n extension-registry --wait --timeout 60s";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    cluster.helm(&arguments).unwrap();
    took("helm uninstall --wait", start);
}

fn removed(cluster: &Cluster) {
    uninstall(cluster);
    let crds = kubectl(cluster, "get crd -o name");
    assert_eq!(crds.matches(".registry.fuseml.io").count(), 5, "{crds}");
    kubectl(cluster, &format!("get namespace {RECORDS_NAMESPACE}"));
    let left = kubectl(
        cluster,
        "get clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations -o name -l app.kubernetes.io/instance=extension-registry",
    );
    assert_eq!(left, "");
    // Nothing waits for an operator that is gone.
    kubectl(
        cluster,
        "delete workflow.registry.fuseml.io -n alpha --all --timeout=30s",
    );
    kubectl(cluster, "delete clusterextensions --all --timeout=30s");
    kubectl(cluster, "delete namespace alpha --timeout=60s");
    kubectl(
        cluster,
        &format!("delete namespace {NAMESPACE} --timeout=60s"),
    );
    // What was kept does not stand in the way of the next installation.
    cluster.install_chart(WITHOUT_WEBHOOK).unwrap();
}

/// An upgrade and a change of values leave caBundle as the hook set it.
#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_the_webhook_survives_an_upgrade() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let address = ("webhook.url", "https://127.0.0.1:9443");
    cluster.install_chart(&[address]).unwrap();
    let bundle = authority();
    let kinds = [
        ("MutatingWebhookConfiguration", "mutate"),
        ("ValidatingWebhookConfiguration", "validate"),
    ];
    for (kind, webhooks) in kinds {
        let names =
            ["workflows", "records"].map(|name| format!("{webhooks}-{name}.registry.fuseml.io"));
        let webhooks =
            names.map(|name| json!({"name": name, "clientConfig": {"caBundle": bundle}}));
        let patch = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": RELEASE}, "webhooks": webhooks,
        });
        let arguments = [
            "apply",
            "--server-side",
            "--field-manager=extension-registry-webhook",
            "-f",
            "-",
        ];
        cluster
            .kubectl_with(&arguments, &patch.to_string())
            .unwrap();
    }
    cluster
        .install_chart(&[address, ("webhook.timeoutSeconds", "7")])
        .unwrap();
    for (kind, _) in kinds {
        let shown = kubectl(&cluster, &format!("get {kind} {RELEASE} -o json"));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let webhooks = shown["webhooks"].as_array().unwrap();
        assert_eq!(webhooks.len(), 2);
        for webhook in webhooks {
            assert_eq!(webhook["clientConfig"]["caBundle"], bundle);
            assert_eq!(webhook["timeoutSeconds"], 7);
        }
    }
    cluster.stop().await.unwrap();
}

/// A certificate, in base64 as the API server takes it.
fn authority() -> Value {
    let made = rcgen::generate_simple_self_signed(["authority".to_owned()]).unwrap();
    serde_json::to_value(ByteString(made.cert.pem().into_bytes())).unwrap()
}

/// The chart as it was before: the present one under a lower version.
fn previous_chart(cluster: &Cluster) -> PathBuf {
    let place = cluster.folder().unwrap().join("previous-chart");
    let (chart, target) = (folder(), place.to_str().unwrap());
    cluster
        .helm(&[
            "package",
            chart.to_str().unwrap(),
            "--version",
            "0.0.1",
            "-d",
            target,
        ])
        .unwrap();
    place.join(format!("{RELEASE}-0.0.1.tgz"))
}

fn apply(cluster: &Cluster, path: &str) {
    let path = repository(path);
    cluster
        .kubectl_run(&["apply", "-f", path.to_str().unwrap()])
        .unwrap();
}

fn ready(cluster: &Cluster, workflow: &str) {
    kubectl(
        cluster,
        &format!(
            "wait --for=condition=Ready workflow.registry.fuseml.io/{workflow} -n alpha --timeout=30s"
        ),
    );
}

/// The account of the hook, its powers and its Jobs exist only while it runs.
fn no_hook_is_left(cluster: &Cluster) {
    let left = kubectl(
        cluster,
        "get serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,jobs,pods -A -o name -l app.kubernetes.io/component=certificate",
    );
    assert_eq!(left, "");
    let may = |account: &str, verb: &str, what: &str| {
        let user = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
        // The answer `no` is an exit status of 1.
        let answer = cluster.kubectl_run(&["auth", "can-i", verb, what, &user, "-n", NAMESPACE]);
        answer.is_ok()
    };
    let key = "secrets/extension-registry-digest-key";
    assert!(may("extension-registry", "get", key));
    for account in ["extension-registry", "extension-registry-certificate"] {
        for kind in ["mutating", "validating"] {
            let what = format!("{kind}webhookconfigurations/{RELEASE}");
            for verb in ["get", "update", "patch", "delete"] {
                assert!(!may(account, verb, &what), "{account} may {verb} {what}");
            }
        }
    }
}

/// The hook has written its authority into every webhook.
fn trusted(cluster: &Cluster) {
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        let get =
            format!("get {kind} {RELEASE} -o jsonpath={{.webhooks[*].clientConfig.caBundle}}");
        assert_eq!(kubectl(cluster, &get).split(' ').count(), 2, "{kind}");
    }
}

/// The number of Pods of the operator that are ready. None has failed on the way.
fn replicas_at_work(cluster: &Cluster) -> usize {
    let pods = kubectl(
        cluster,
        "get pods -n extension-registry -l app.kubernetes.io/component=operator -o json",
    );
    let pods: Value = serde_json::from_str(&pods).unwrap();
    pods["items"]
        .as_array()
        .unwrap()
        .iter()
        // An upgrade may not have seen the last one go.
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .map(|pod| &pod["status"]["containerStatuses"][0])
        .inspect(|container| assert_eq!(container["restartCount"], 0, "{container:#}"))
        .filter(|container| container["ready"] == true)
        .count()
}

fn kubectl(cluster: &Cluster, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    cluster.kubectl_run(&arguments).unwrap()
}

/// What the operator's Pods logged. One of the old ones may go while they are asked.
fn logs(cluster: &Cluster) -> String {
    let arguments = [
        "logs",
        "-n",
        NAMESPACE,
        "-l",
        "app.kubernetes.io/component=operator",
        "--tail=-1",
    ];
    let start = Instant::now();
    loop {
        match cluster.kubectl_run(&arguments) {
            Ok(log) => return log,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(30), "{error:#}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn took(what: &str, start: Instant) {
    let seconds: Duration = start.elapsed();
    println!("{what}: {:.1} s", seconds.as_secs_f64());
}
