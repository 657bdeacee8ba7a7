//! `kubectl ext` on a cluster, as an administrator and as a user with only the view role.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/ext.rs"]
mod ext;
#[path = "support/fixture.rs"]
mod fixture;

use std::path::Path;
use std::process::{Command, Stdio};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::operator::built;
use extension_registry_e2e::{Options, cluster};
use serde_json::{Value, json};

use ext::{ext, viewer, wait_until_allowed};
use fixture::{Fixture, list, text};

const OBJECTS: &str = r#"
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: store
  version: "1.2.0"
  services:
    - name: s3
      resource: s3
      credentials:
        - name: all
          configuration: [{name: KEY, value: canary-93b1}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: fine, namespace: alpha}
spec:
  steps: [{name: train, image: "train:1", extensions: [{name: data, product: store}]}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: wanting, namespace: alpha}
spec:
  steps: [{name: train, image: "train:1", extensions: [{name: data, product: stroe}]}]
"#;

/// Returns the verdict of a check of `doctor`.
fn verdict(checks: &Value, name: &str) -> String {
    let mut found = list(&checks["checks"])
        .iter()
        .filter(|check| text(&check["name"]).starts_with(name));
    text(&found.next().unwrap()["verdict"]).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_on_a_cluster() {
    let options = Options {
        node: Node::None,
        ..cluster::Options::default()
    };
    let fixture = Fixture::start("cli", options).await;
    fixture.cluster.create_namespace("alpha").unwrap();
    let viewer = viewer(&fixture.cluster);
    let admin = fixture.cluster.kubeconfig();
    fixture.apply(OBJECTS);
    fixture.wait_until_ready("Workflow", "alpha", "fine").await;
    // The suggestion follows once the operator has observed the record.
    let suggestion = ["did you mean `product: store`?"];
    fixture
        .wait_until_refused_with("alpha", "wanting", "NotFound", &suggestion)
        .await;

    for who in [admin, &*viewer] {
        let output = ext(who, &["status", "-A"]);
        assert_eq!(output.code, 1, "{}", output.stderr);
        let line = |name: &str| output.stdout.lines().find(|line| line.contains(name));
        assert!(line("fine").unwrap().contains("True"));
        assert!(line("wanting").unwrap().contains("NotFound"));
        assert!(output.stdout.contains("did you mean `product: store`?"));
        assert_eq!(ext(who, &["status", "fine", "-n", "alpha"]).code, 0);

        let output = ext(who, &["list", "-o", "wide"]);
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert!(output.stdout.contains("all (global)"));
        let output = ext(who, &["describe", "store"]);
        assert!(output.stdout.contains("KEY (sealed)"), "{}", output.stdout);
        assert!(output.stdout.contains("fine"));
        assert!(!output.stdout.contains("canary"));
        let output = ext(who, &["explain", "wanting", "-n", "alpha"]);
        assert_eq!(output.code, 1);
        assert!(
            output
                .stdout
                .contains("product is `store` (requested `stroe`)")
        );

        let output = ext(who, &["doctor", "-n", "alpha", "-o", "json"]);
        let checks: Value = serde_json::from_str(&output.stdout).unwrap();
        for sound in [
            "API server",
            "clock",
            "kinds",
            "engine",
            "may list workflows",
        ] {
            assert_eq!(verdict(&checks, sound), "ok", "{sound}");
        }
        let is_admin = who == admin;
        let expected = if is_admin { "ok" } else { "unknown" };
        assert_eq!(verdict(&checks, "may create clusterextensions"), expected);
        if fixture.cluster.is_owned() {
            assert_eq!(verdict(&checks, "webhook"), expected);
            // The cluster has no node for the Deployment: the tests run the operator themselves.
            let operator = if is_admin { "bad" } else { "unknown" };
            assert_eq!(verdict(&checks, "operator"), operator);
            assert_eq!(output.code, i32::from(is_admin), "{}", output.stdout);
        }
    }
    check_access_to_one_project(&fixture);
    check_run(&fixture, admin).await;
    check_register(&fixture, admin).await;
    check_update(&fixture, admin).await;
    check_register_from_service(&fixture, admin).await;
    check_convert(&fixture, admin).await;
    fixture.stop().await;
}

/// Checks a user with access to one project only.
fn check_access_to_one_project(fixture: &Fixture) {
    let kubectl = |arguments: &[&str]| fixture.cluster.kubectl_run(arguments).unwrap();
    kubectl(&["create", "serviceaccount", "author", "-n", "alpha"]);
    let role = "--clusterrole=extension-registry-view";
    let subject = "--serviceaccount=alpha:author";
    kubectl(&[
        "create",
        "rolebinding",
        "author",
        "-n",
        "alpha",
        role,
        subject,
    ]);
    wait_until_allowed(&fixture.cluster, "author");
    let author = fixture.cluster.kubeconfig_of("alpha", "author").unwrap();
    assert_eq!(ext(&author, &["status", "fine", "-n", "alpha"]).code, 0);
    for arguments in [&["status", "-A"][..], &["list", "-n", "alpha"]] {
        let output = ext(&author, arguments);
        assert_eq!(output.code, 1, "{arguments:?}");
        let hint = "hint: ask a cluster administrator to grant you the ClusterRole extension-registry-view";
        assert!(output.stderr.contains(hint), "{}", output.stderr);
    }
}

async fn check_run(fixture: &Fixture, admin: &Path) {
    let output = ext(admin, &["run", "alpha/fine", "--input", "no=1"]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("unknown input `no`"),
        "{}",
        output.stderr
    );
    let output = ext(admin, &["run", "alpha/wanting"]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("did you mean"), "{}", output.stderr);
    let output = ext(admin, &["run", "alpha/fine", "--dry-run"]);
    assert!(
        output.stdout.contains("generateName: fine-"),
        "{}",
        output.stdout
    );

    let (config, program) = (admin.to_owned(), built("kubectl-ext").unwrap());
    for (status, code) in [("True", 0), ("False", 1)] {
        let child = Command::new(&program)
            .args(["run", "fine", "-n", "alpha", "--follow", "--kubeconfig"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // No engine runs, so the test writes the status of the run.
        let name = wait_for_run(fixture).await;
        let patch = serde_json::json!({"status": {
            "conditions": [{"type": "Succeeded", "status": status, "reason": "Ended", "message": "so"}],
            "results": [{"name": "url", "value": "http://model"}],
        }});
        let run = format!("pipelinerun/{name}");
        let patch = patch.to_string();
        let arguments = [
            "patch",
            "-n",
            "alpha",
            &run,
            "--type=merge",
            "--subresource=status",
            "--as=system:serviceaccount:tekton-pipelines:tekton-pipelines-controller",
            "--as-group=system:masters",
            "-p",
            &patch,
        ];
        fixture.cluster.kubectl_run(&arguments).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert!(String::from_utf8_lossy(&output.stderr).contains("Ended: so"));
        let has_result = String::from_utf8_lossy(&output.stdout).contains("url: http://model");
        assert_eq!(has_result, code == 0);
        fixture
            .cluster
            .kubectl_run(&["delete", "-n", "alpha", &run])
            .unwrap();
    }
}

async fn check_register(fixture: &Fixture, admin: &Path) {
    let url = ["--url", "http://stroe:9000", "--yes"];
    let register = |arguments: &[&str]| {
        ext(
            admin,
            &[&["register", "stroe"], &url[..], arguments].concat(),
        )
    };
    let output = register(&["--credential", "KEY=env:PATH"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    // The workflow becomes ready, and the value is sealed if the webhook is registered.
    fixture
        .wait_until_ready("Workflow", "alpha", "wanting")
        .await;
    let record = fixture.get("ClusterExtension", "", "stroe").await;
    let entry = &record["spec"]["services"][0]["credentials"][0]["configuration"][0];
    assert_eq!(
        entry["valueFrom"]["sealed"].is_string(),
        fixture.cluster.is_owned()
    );
    // Applying again changes nothing.
    assert_eq!(register(&["--credential", "KEY=env:PATH"]).code, 0);
    let output = ext(admin, &["unregister", "stroe"]);
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("hint: pass --yes"),
        "{}",
        output.stderr
    );
    let output = ext(admin, &["unregister", "stro", "--yes"]);
    assert!(
        output.stderr.contains("did you mean `stroe`?"),
        "{}",
        output.stderr
    );
    let output = ext(admin, &["unregister", "stroe", "--yes", "-o", "json"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let data: Value = serde_json::from_str(&output.stdout).unwrap();
    let consumer = json!({
        "namespace": "alpha", "workflow": "wanting", "step": "train", "requirement": "data",
        "service": "stroe",
    });
    assert_eq!(data, json!({"name": "stroe", "consumers": [consumer]}));
    assert!(fixture.get("ClusterExtension", "", "stroe").await.is_null());
}

/// Checks that single fields change.
async fn check_update(fixture: &Fixture, admin: &Path) {
    let update = |arguments: &[&str]| ext(admin, &[&["update", "store"], arguments].concat());
    let output = update(&["--version", "1.3.0", "--dry-run"]);
    let change = "spec.version: \"1.2.0\" -> \"1.3.0\"\n";
    assert_eq!((output.code, &*output.stdout), (0, change));
    let output = update(&["--version", "1.2.0", "--yes"]);
    assert!(
        output.stdout.contains("store unchanged"),
        "{}",
        output.stdout
    );
    let output = update(&["--version", "1.3.0"]);
    assert!(
        output.stderr.contains("hint: pass --yes"),
        "{}",
        output.stderr
    );
    let output = update(&["--url", "http://store:9000", "--yes"]);
    assert!(
        output.stderr.contains("no endpoint found"),
        "{}",
        output.stderr
    );
    assert_eq!(update(&[]).code, 1);

    let before = fixture.get("ClusterExtension", "", "store").await;
    let output = update(&[
        "--version",
        "1.3.0",
        "--credential",
        "KEY=env:HOME",
        "--yes",
    ]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let after = fixture.get("ClusterExtension", "", "store").await;
    assert_eq!(after["spec"]["version"], "1.3.0");
    let entry = |record: &Value| {
        record["spec"]["services"][0]["credentials"][0]["configuration"][0].clone()
    };
    // A new value has a new sealed text.
    assert_eq!(
        entry(&after)["valueFrom"]["sealed"].is_string(),
        fixture.cluster.is_owned()
    );
    assert_ne!(entry(&before), entry(&after));
    let output = ext(admin, &["update", "nowhere", "--version", "1", "--yes"]);
    assert!(
        output.stderr.contains("record `nowhere` not found"),
        "{}",
        output.stderr
    );
}

const TOOL: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: tracker
  namespace: alpha
  labels: {app.kubernetes.io/name: mlflow, app.kubernetes.io/version: "2.9.2"}
spec:
  ports: [{name: http, port: 5000}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: tracker, namespace: alpha}
spec:
  tls: [{hosts: [mlflow.example.org]}]
  rules:
    - host: mlflow.example.org
      http:
        paths: [{path: /tracking/, pathType: Prefix, backend: {service: {name: tracker, port: {name: http}}}}]
    - host: other.example.org
      http:
        paths: [{path: /, pathType: Prefix, backend: {service: {name: other, port: {number: 80}}}}]
"#;

/// Registers a Service of the cluster.
async fn check_register_from_service(fixture: &Fixture, admin: &Path) {
    fixture.apply(TOOL);
    let from = [
        "--from-service",
        "alpha/tracker",
        "--resource",
        "mlflow-tracking",
    ];
    let output = ext(admin, &[&["register"], &from[..], &["--yes"]].concat());
    assert_eq!(output.code, 0, "{}", output.stderr);
    let record = fixture.get("ClusterExtension", "", "tracker").await;
    let wanted = serde_json::json!({
        "product": "mlflow",
        "version": "2.9.2",
        "services": [{"name": "mlflow-tracking", "resource": "mlflow-tracking", "endpoints": [
            {"name": "cluster", "type": "internal", "url": "http://tracker.alpha.svc:5000"},
            {"name": "external", "type": "external", "url": "https://mlflow.example.org/tracking"},
        ]}],
    });
    assert_eq!(record["spec"], wanted);
    let output = ext(admin, &["register", "--from-service", "alpha/trakcer"]);
    let hint = "hint: list Services with `kubectl get services -n alpha`";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
}

const CONVERTED: &str = r"
name: Converted
steps:
  - name: train
    image: train:1
    extensions: [{name: data, extension_id: mlflow-0001, service_id: mlflow-store}]
    env: [{name: ID, value: '{{ extension.data.cfg.AWS_ACCESS_KEY_ID }}'}]
";

/// Checks that the cluster accepts the output of `convert`, including Secrets.
async fn check_convert(fixture: &Fixture, admin: &Path) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cli/tests/data/fuseml");
    let secrets = std::env::temp_dir().join(format!("secrets-{}.yaml", std::process::id()));
    let workflow = std::env::temp_dir().join(format!("converted-{}.yaml", std::process::id()));
    std::fs::write(&workflow, CONVERTED).unwrap();
    let arguments = [
        "convert",
        &*data.join("plain/mlflow-0001.yaml").display().to_string(),
        &*workflow.display().to_string(),
        &*data.join("released").display().to_string(),
        "-n",
        "alpha",
        "--secrets",
        &*secrets.display().to_string(),
    ];
    let output = Command::new(built("kubectl-ext").unwrap())
        .args(arguments)
        .output()
        .unwrap();
    std::fs::remove_file(&workflow).unwrap();
    let converted = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{converted}");
    let values = std::fs::read_to_string(&secrets).unwrap();
    std::fs::remove_file(&secrets).unwrap();
    fixture.apply(&values);
    let file = std::env::temp_dir().join(format!("records-{}.yaml", std::process::id()));
    let (records, workflows): (Vec<&str>, Vec<&str>) = converted
        .split("---\n")
        .skip(1)
        .partition(|document| document.contains("kind: ClusterExtension"));
    assert_eq!((records.len(), workflows.len()), (3, 2));
    std::fs::write(&file, records.join("---\n")).unwrap();
    let path = file.display().to_string();
    let output = ext(admin, &["register", "-f", &path, "--yes"]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout.lines().count(), 3);
    fixture.apply(&workflows.join("---\n"));
    fixture
        .wait_until_ready("Workflow", "alpha", "converted")
        .await;
    fixture
        .wait_until_refused("alpha", "mlflow-e2e", "NotFound")
        .await;
}

/// Waits for a run, and returns its name.
async fn wait_for_run(fixture: &Fixture) -> String {
    for _ in 0..600 {
        let arguments = ["get", "pipelineruns", "-n", "alpha", "-o", "name"];
        let names = fixture.cluster.kubectl_run(&arguments).unwrap();
        if let Some((_, name)) = names.trim().split_once('/') {
            return name.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    unreachable!("no run was started");
}
