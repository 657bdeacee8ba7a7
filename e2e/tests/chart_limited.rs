//! The chart for chosen namespaces: the operator works there, and has no power elsewhere.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use extension_registry_e2e::chart::{RELEASE, missing_powers};
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::NAMESPACE;
use extension_registry_e2e::{Cluster, Installed, Options};

const RECORD: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store, services: [{name: s3, resource: s3, credentials: [{name: main, configuration: [{name: PASSWORD, value: one}]}]}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn powers_end_with_the_chosen_namespaces() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    for namespace in ["chosen", "other"] {
        cluster.create_namespace(namespace).unwrap();
    }
    let installed = Installed::with_webhook(&cluster, &[("namespaces", "{chosen}")]).unwrap();
    let log = std::env::temp_dir().join(format!("chart-limited-{}.log", std::process::id()));
    let operator = installed.start(&log, &["--namespaces", "chosen"]).unwrap();

    cluster.apply(RECORD).unwrap();
    for namespace in ["other", "chosen"] {
        cluster
            .apply(&format!(
                "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {{name: train, namespace: {namespace}}}\nspec:\n  steps:\n    - {{name: train, image: 'example.org/train:1', extensions: [{{name: data, product: store}}]}}\n"
            ))
            .unwrap();
    }
    kubectl(
        &cluster,
        "wait --for=condition=Ready workflow.registry.fuseml.io/train -n chosen --timeout=30s",
    );
    let status =
        "get workflow.registry.fuseml.io train -n other -o jsonpath={.status.observedGeneration}";
    assert_eq!(kubectl(&cluster, status), "");

    for (verb, resource, chosen) in [
        ("create", "secrets", true),
        ("update", "secrets", true),
        ("get", "secrets", false),
        ("patch", "secrets", false),
        ("list", "workflows.registry.fuseml.io", true),
        ("create", "pipelines.tekton.dev", true),
        ("create", "events.events.k8s.io", true),
    ] {
        assert_eq!(
            may(&cluster, verb, resource, "chosen"),
            chosen,
            "{verb} {resource}"
        );
        assert!(!may(&cluster, verb, resource, "other"), "{verb} {resource}");
    }
    assert!(may(&cluster, "create", "events.events.k8s.io", "default"));

    assert_eq!(missing_powers(&operator.log()), Vec::<&str>::new());
    operator.stop().unwrap();
    let _ = std::fs::remove_file(log);
    cluster.stop().await.unwrap();
}

fn may(cluster: &Cluster, verb: &str, resource: &str, namespace: &str) -> bool {
    let account = format!("system:serviceaccount:{NAMESPACE}:{RELEASE}");
    // It fails where the answer is no.
    cluster
        .kubectl_run(&[
            "auth", "can-i", verb, resource, "-n", namespace, "--as", &account,
        ])
        .is_ok()
}

fn kubectl(cluster: &Cluster, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    cluster.kubectl_run(&arguments).unwrap()
}
