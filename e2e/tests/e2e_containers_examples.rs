//! Variables and files of the steps of the examples, on a real kubelet.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/pods.rs"]
mod pods;

use std::collections::BTreeMap;
use std::fs;

use extension_registry_e2e::setup::repository;
use extension_registry_e2e::{Options, skip};

use fixture::{Fixture, list, text};
use pods::{pod, run};

/// All steps of the examples: workflow, step, a variable or file, and its value.
const EXAMPLES: &[(&str, &str, &str, Option<&str>)] = &[
    (
        "train-explicit",
        "trainer",
        "file mlflow-tracker/uri",
        Some("http://mlflow.10.110.120.130.nip.io"),
    ),
    (
        "train-explicit",
        "trainer",
        "file mlflow-storage/AWS_ACCESS_KEY_ID",
        Some("24oT0SfbJPEu6kUbUKsH"),
    ),
    (
        "train-explicit",
        "trainer",
        "AWS_SECRET_ACCESS_KEY",
        Some("cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf"),
    ),
    (
        "train-expressions",
        "trainer",
        "FUSEML_S3_ACCESS_KEY",
        Some("24oT0SfbJPEu6kUbUKsH"),
    ),
    (
        "train-expressions",
        "trainer",
        "FUSEML_S3_SECRET_KEY",
        Some("cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf"),
    ),
    (
        "train-expressions",
        "trainer",
        "file mlflow-tracker/uri",
        Some("http://mlflow"),
    ),
    (
        "train-mapped",
        "trainer",
        "S3_ACCESS_KEY_ID",
        Some("24oT0SfbJPEu6kUbUKsH"),
    ),
    ("train-mapped", "trainer", "AWS_ACCESS_KEY_ID", None),
    (
        "train-minimal",
        "trainer",
        "MLFLOW_TRACKING_URI",
        Some("http://mlflow"),
    ),
    (
        "train-minimal",
        "trainer",
        "AWS_SECRET_ACCESS_KEY",
        Some("cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf"),
    ),
    (
        "train-minimal",
        "trainer",
        "file mlflow/type",
        Some("mlflow-global"),
    ),
    ("train-minimal", "trainer", "file mlflow/uri", None),
    (
        "train-minimal",
        "predictor",
        "KFSERVING_UI_URL",
        Some("http://kfserving.10.120.130.140.nip.io/"),
    ),
    (
        "train-minimal",
        "predictor",
        "FUSEML_PREDICTOR",
        Some("auto"),
    ),
    (
        "train-minimal",
        "predictor",
        "FUSEML_MODEL",
        Some("s3://model"),
    ),
    (
        "serve-product",
        "predictor",
        "file kfserving/uri",
        Some("kubernetes.default.svc"),
    ),
    ("serve-product", "predictor", "file kfserving/port", None),
    (
        "train-resource",
        "trainer",
        "file mlflow-storage/category",
        Some("model-store"),
    ),
    ("train-resource", "builder", "SERVICE_BINDING_ROOT", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn example_steps_see_the_values_of_records() {
    let fixture = Fixture::start("containers-examples", Options::default()).await;
    if let Some(why) = fixture.cluster.node_missing() {
        skip("steps of the examples", why).unwrap();
        return fixture.stop().await;
    }
    for namespace in ["alpha", "beta"] {
        fixture.cluster.create_namespace(namespace).unwrap();
    }
    for folder in ["records", "records/minimal", "workflows"] {
        for entry in fs::read_dir(repository("examples").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fixture.apply(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let values = [
        ("mlflow-codeset-url", "https://git.example.org/code"),
        (
            "tasks.builder.results.mlflow-env",
            "registry.local/trained:1",
        ),
        ("tasks.trainer.results.mlflow-model-url", "s3://model"),
    ];
    let mut seen = BTreeMap::new();
    for (name, _, _, _) in EXAMPLES {
        if seen.keys().any(|(known, _)| known == name) {
            continue;
        }
        fixture.wait_until_ready("Workflow", "alpha", name).await;
        let pipeline = fixture.get("Pipeline", "alpha", name).await;
        let runs = list(&pipeline["spec"]["tasks"]).iter().filter_map(|task| {
            let step = text(&task["name"]);
            let pod = (!step.starts_with("clone-"))
                .then(|| pod(&pipeline, step, &format!("{name}-{step}"), &values))?;
            let cluster = &fixture.cluster;
            Some(async move { (task, run(cluster, pod).await) })
        });
        for (task, one) in futures::future::join_all(runs).await {
            assert_eq!(one.variable("FUSEML_ENV_WORKFLOW_NAME"), Some(*name));
            assert_eq!(one.variable("FUSEML_ENV_WORKFLOW_NAMESPACE"), Some("alpha"));
            let result = text(&task["taskSpec"]["results"][0]["name"]);
            assert_eq!(one.variable("TASK_RESULT"), Some(result));
            seen.insert(((*name).to_owned(), text(&task["name"]).to_owned()), one);
        }
    }
    for (workflow, step, what, expected) in EXAMPLES {
        let one = &seen[&((*workflow).to_owned(), (*step).to_owned())];
        let found = match what.strip_prefix("file ") {
            Some(file) => one.file(file),
            None => one.variable(what).map(str::to_owned),
        };
        assert_eq!(found.as_deref(), *expected, "{workflow} {step} {what}");
    }
    seldon_admits_the_listed_project(&fixture).await;
    fixture.stop().await;
}

/// The record has credentials for the project alpha, and others for one user of alpha and beta.
async fn seldon_admits_the_listed_project(fixture: &Fixture) {
    for namespace in ["alpha", "beta"] {
        fixture.apply(&format!(
            "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {{name: seldon, namespace: {namespace}}}\nspec:\n  steps:\n    - {{name: serve, image: 'registry.local/serve:1', extensions: [{{name: seldon, extension: seldon-core-production}}]}}\n"
        ));
    }
    fixture
        .wait_until_ready("Workflow", "alpha", "seldon")
        .await;
    let pipeline = fixture.get("Pipeline", "alpha", "seldon").await;
    let seen = run(&fixture.cluster, pod(&pipeline, "serve", "seldon", &[])).await;
    for (name, expected) in [
        ("CLIENT_KEY", "cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf"),
        ("namespace", "prj_xbs228"),
        ("INSECURE", "False"),
    ] {
        assert_eq!(seen.variable(name), Some(expected), "{name}");
        assert_eq!(
            seen.file(&format!("seldon/{name}")).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    let document = seen.file("seldon/extension.yaml").unwrap();
    assert!(
        !document.contains("prj_hys568") && !document.contains("alainturing2000"),
        "{document}"
    );
    let message = fixture
        .wait_until_refused("beta", "seldon", "NoAccess")
        .await;
    assert!(
        !message.contains("alainturing2000") && !message.contains("project-alpha"),
        "{message}"
    );
    assert!(fixture.get("Pipeline", "beta", "seldon").await.is_null());
}
