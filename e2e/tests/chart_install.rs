//! Installs, upgrades and uninstalls the chart on a real cluster.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use extension_registry_e2e::chart::{
    RELEASE, WEBHOOKS, WITHOUT_WEBHOOK, folder, permission_errors,
};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::operator_image::OPERATOR_IMAGE;
use extension_registry_e2e::setup::{NAMESPACE, RECORDS_NAMESPACE, repository};
use extension_registry_e2e::{Cluster, Options, skip};
use k8s_openapi::ByteString;
use serde_json::{Value, json};

/// Arguments of kubectl that print the certificate of the hook.
const CERTIFICATE: &str =
    r"get secret -n extension-registry extension-registry-webhook-certificate -o jsonpath={.data}";

/// The image of `helm test`.
const TEST_IMAGE: &str = "busybox:1.37";

#[tokio::test(flavor = "multi_thread")]
async fn installs_upgrades_and_uninstalls() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    if let Some(why) = cluster.services_missing() {
        skip("the installation of the chart", why).unwrap();
        return cluster.stop().await.unwrap();
    }
    cluster.install_engine().unwrap();
    cluster.import_operator().await.unwrap();
    cluster.image_alias(TEST_IMAGE).await.unwrap();

    install(&cluster);
    upgrade_to_current_chart(&cluster);
    reinstall(&cluster);
    apply_with_kubectl(&cluster);
    uninstall_completely(&cluster);
    cluster.stop().await.unwrap();
}

const VALUES: [(&str, &str); 5] = [
    ("image.repository", OPERATOR_IMAGE.0),
    ("image.tag", OPERATOR_IMAGE.1),
    ("test.image", TEST_IMAGE),
    // The wait for the release includes its Pod.
    ("web.enabled", "true"),
    // At other levels, events that the operator is not allowed to write are not logged.
    ("log.level", r"info\,extension_registry_operator=debug"),
];

fn helm_upgrade(cluster: &Cluster, chart: &Path) {
    let start = Instant::now();
    let wait = ["--wait", "--timeout", "300s"];
    if let Err(error) = cluster.helm_upgrade(chart, &VALUES, &wait) {
        let pods = kubectl(cluster, "describe pods -n extension-registry");
        let logs_command = "logs -n extension-registry deployment/extension-registry";
        let arguments: Vec<&str> = logs_command.split(' ').collect();
        // There are no logs if a hook failed before the operator started.
        let log = cluster.kubectl_run(&arguments);
        panic!("{error:#}\n{pods}\n{log:?}");
    }
    print_duration("helm upgrade --install --wait", start);
}

fn install(cluster: &Cluster) {
    helm_upgrade(cluster, &previous_chart(cluster));
    assert_eq!(ready_replicas(cluster), 2);
    assert_no_hook_objects(cluster);

    // No delay: the webhook must be available when the installation reports success.
    cluster.create_namespace("alpha").unwrap();
    apply(cluster, "examples/records/mlflow-0001.yaml");
    apply(cluster, "examples/workflows/explicit.yaml");
    wait_until_ready(cluster, "train-explicit");
    assert_ca_bundles(cluster);
    let start = Instant::now();
    cluster.helm(&["test", RELEASE, "-n", NAMESPACE]).unwrap();
    print_duration("helm test", start);
}

fn upgrade_to_current_chart(cluster: &Cluster) {
    let uids = "get secrets,pipelines.tekton.dev -n alpha -o jsonpath={.items[*].metadata.uid}";
    let before = kubectl(cluster, uids);
    assert!(!before.is_empty());
    let certificate = kubectl(cluster, CERTIFICATE);
    helm_upgrade(cluster, &folder());
    assert_eq!(ready_replicas(cluster), 2);
    assert_no_hook_objects(cluster);
    wait_until_ready(cluster, "train-explicit");
    assert_ca_bundles(cluster);
    assert_eq!(certificate, kubectl(cluster, CERTIFICATE));
    assert_eq!(before, kubectl(cluster, uids), "nothing is recreated");
    // The new replicas lead, and serve the webhook.
    apply(cluster, "examples/workflows/mapped-environment.yaml");
    wait_until_ready(cluster, "train-mapped");
    let holder =
        "get lease -n extension-registry extension-registry -o jsonpath={.spec.holderIdentity}";
    // Released while the last replica of the previous release ends.
    eventually(|| match kubectl(cluster, holder).as_str() {
        "" => Err("no replica leads".to_owned()),
        _ => Ok(()),
    });
    let log = logs(cluster);
    assert_eq!(permission_errors(&log), Vec::<&str>::new());
}

/// The certificate survives an uninstall, and the next release uses it.
fn reinstall(cluster: &Cluster) {
    let certificate = kubectl(cluster, CERTIFICATE);
    uninstall(cluster);
    assert_eq!(certificate, kubectl(cluster, CERTIFICATE));
    helm_upgrade(cluster, &folder());
    assert_eq!(ready_replicas(cluster), 2);
    assert_no_hook_objects(cluster);
    assert_ca_bundles(cluster);
    assert_eq!(certificate, kubectl(cluster, CERTIFICATE));
    apply(cluster, "examples/workflows/explicit.yaml");
    wait_until_ready(cluster, "train-explicit");
}

/// kubectl creates all hooks at once, and deletes none of them.
fn apply_with_kubectl(cluster: &Cluster) {
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
        "rollout status deployment/extension-registry -n extension-registry --timeout=300s",
        "wait --for=condition=Complete job --all -n extension-registry --timeout=300s",
    ] {
        kubectl(cluster, wait);
    }
    print_duration("kubectl apply", start);
    assert_ca_bundles(cluster);
    apply(cluster, "examples/workflows/explicit.yaml");
    kubectl(
        cluster,
        "delete serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,jobs -A -l app.kubernetes.io/component=certificate",
    );
    assert_no_hook_objects(cluster);
    // Helm adopts the objects that kubectl applied.
    helm_upgrade(cluster, &folder());
    assert_no_hook_objects(cluster);
}

fn uninstall(cluster: &Cluster) {
    let start = Instant::now();
    let arguments = "uninstall extension-registry -n extension-registry --wait --timeout 300s";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    cluster.helm(&arguments).unwrap();
    print_duration("helm uninstall --wait", start);
}

fn uninstall_completely(cluster: &Cluster) {
    uninstall(cluster);
    let crds = kubectl(cluster, "get crd -o name");
    let files = fs::read_dir(folder().join("files/crds")).unwrap();
    assert_eq!(
        crds.matches(".registry.fuseml.io").count(),
        files.count(),
        "{crds}"
    );
    kubectl(cluster, &format!("get namespace {RECORDS_NAMESPACE}"));
    let remaining = kubectl(
        cluster,
        "get clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations -o name -l app.kubernetes.io/instance=extension-registry",
    );
    assert_eq!(remaining, "");
    // No deletion waits for the removed operator.
    kubectl(
        cluster,
        "delete workflow.registry.fuseml.io -n alpha --all --timeout=120s",
    );
    kubectl(cluster, "delete clusterextensions --all --timeout=120s");
    kubectl(cluster, "delete namespace alpha --timeout=240s");
    kubectl(
        cluster,
        &format!("delete namespace {NAMESPACE} --timeout=240s"),
    );
    // The kept objects do not block the next installation.
    cluster.install_chart(WITHOUT_WEBHOOK).unwrap();
}

/// An upgrade and a change of values keep the `caBundle` that the hook set.
#[tokio::test(flavor = "multi_thread")]
async fn upgrade_keeps_ca_bundle() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let address = ("webhook.url", "https://127.0.0.1:9443");
    cluster.install_chart(&[address]).unwrap();
    let bundle = ca_certificate();
    let kinds = [
        ("MutatingWebhookConfiguration", "mutate"),
        ("ValidatingWebhookConfiguration", "validate"),
    ];
    for (kind, webhooks) in kinds {
        let names = WEBHOOKS.map(|name| format!("{webhooks}-{name}.registry.fuseml.io"));
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
        let stored = kubectl(&cluster, &format!("get {kind} {RELEASE} -o json"));
        let stored: Value = serde_json::from_str(&stored).unwrap();
        let webhooks = stored["webhooks"].as_array().unwrap();
        assert_eq!(webhooks.len(), WEBHOOKS.len());
        for webhook in webhooks {
            assert_eq!(webhook["clientConfig"]["caBundle"], bundle);
            assert_eq!(webhook["timeoutSeconds"], 7);
        }
    }
    cluster.stop().await.unwrap();
}

/// Returns a CA certificate in base64, as `caBundle` contains it.
fn ca_certificate() -> Value {
    let certified = rcgen::generate_simple_self_signed(["authority".to_owned()]).unwrap();
    serde_json::to_value(ByteString(certified.cert.pem().into_bytes())).unwrap()
}

/// Packages the current chart under a lower version, as the previous chart.
fn previous_chart(cluster: &Cluster) -> PathBuf {
    let packages = cluster.folder().unwrap().join("previous-chart");
    let (chart, target) = (folder(), packages.to_str().unwrap());
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
    packages.join(format!("{RELEASE}-0.0.1.tgz"))
}

fn apply(cluster: &Cluster, path: &str) {
    let path = repository(path);
    cluster
        .kubectl_run(&["apply", "-f", path.to_str().unwrap()])
        .unwrap();
}

fn wait_until_ready(cluster: &Cluster, workflow: &str) {
    kubectl(
        cluster,
        &format!(
            "wait --for=condition=Ready workflow.registry.fuseml.io/{workflow} -n alpha --timeout=180s"
        ),
    );
}

/// Asserts that the `ServiceAccount` of the hook, its roles and its Jobs do not exist any more.
fn assert_no_hook_objects(cluster: &Cluster) {
    // The garbage collector deletes the Pods of a deleted Job.
    let hook_objects = "get serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,jobs,pods -A -o name -l app.kubernetes.io/component=certificate";
    eventually(|| match kubectl(cluster, hook_objects).as_str() {
        "" => Ok(()),
        remaining => Err(remaining.to_owned()),
    });
    let may = |account: &str, verb: &str, what: &str| {
        let user = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
        // The answer `no` has exit code 1.
        let result = cluster.kubectl_run(&["auth", "can-i", verb, what, &user, "-n", NAMESPACE]);
        result.is_ok()
    };
    let key = "secrets/extension-registry-digest-key";
    assert!(may("extension-registry", "get", key));
    // The authorizer observes deleted bindings with a delay.
    let own = format!("mutatingwebhookconfigurations/{RELEASE}");
    eventually(|| {
        if may("extension-registry-certificate", "patch", &own) {
            Err(format!("the hook may still patch {own}"))
        } else {
            Ok(())
        }
    });
    for account in ["extension-registry", "extension-registry-certificate"] {
        for kind in ["mutating", "validating"] {
            let what = format!("{kind}webhookconfigurations/{RELEASE}");
            for verb in ["get", "update", "patch", "delete"] {
                assert!(!may(account, verb, &what), "{account} may {verb} {what}");
            }
        }
    }
}

/// Asserts that every webhook has a `caBundle`.
fn assert_ca_bundles(cluster: &Cluster) {
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        let get =
            format!("get {kind} {RELEASE} -o jsonpath={{.webhooks[*].clientConfig.caBundle}}");
        let bundles = kubectl(cluster, &get);
        assert_eq!(bundles.split(' ').count(), WEBHOOKS.len(), "{kind}");
    }
}

/// Returns the number of ready Pods of the operator. Asserts that none has restarted.
fn ready_replicas(cluster: &Cluster) -> usize {
    let pods = kubectl(
        cluster,
        "get pods -n extension-registry -l app.kubernetes.io/component=operator -o json",
    );
    let pods: Value = serde_json::from_str(&pods).unwrap();
    pods["items"]
        .as_array()
        .unwrap()
        .iter()
        // A Pod of the previous release may still be terminating after an upgrade.
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

/// Returns the logs of the operator's Pods. Retries, because an old Pod may be deleted meanwhile.
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
            Err(error) => assert!(start.elapsed() < Duration::from_mins(2), "{error:#}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Retries until the check succeeds.
fn eventually(mut check: impl FnMut() -> Result<(), String>) {
    let start = Instant::now();
    while let Err(seen) = check() {
        assert!(start.elapsed() < Duration::from_mins(2), "{seen}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn print_duration(what: &str, start: Instant) {
    let seconds: Duration = start.elapsed();
    println!("{what}: {:.1} s", seconds.as_secs_f64());
}
