//! `kubectl ext bind` and `rebind`, and what the other commands say of bindings on a cluster.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/ext.rs"]
mod ext;
#[path = "support/fixture.rs"]
mod fixture;

use std::path::Path;

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::{Options, cluster};
use serde_json::{Value, json};

use ext::{CommandOutput, ext, viewer};
use fixture::{Fixture, condition, text};

const OBJECTS: &str = r#"
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: store
  services:
    - name: s3
      resource: s3
      credentials:
        - name: all
          configuration: [{name: KEY, value: canary-93b1}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: alpha}
spec:
  replicas: 0
  selector: {matchLabels: {app: app}}
  template:
    metadata:
      labels: {app: app}
      annotations: {registry.fuseml.io/bind: other}
    spec: {containers: [{name: main, image: "app:1"}, {name: proxy, image: "proxy:1"}]}
"#;

const BETTER: &str = r"
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: better}
spec: {product: store, default: true, services: [{name: s3, resource: s3}]}
";

fn run(kubeconfig: &Path, command: &str) -> CommandOutput {
    let arguments: Vec<&str> = command.split(' ').collect();
    ext(kubeconfig, &arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn workload_is_bound_and_rebound() {
    let options = Options {
        node: Node::None,
        ..cluster::Options::default()
    };
    let fixture = Fixture::start("bind", options).await;
    fixture.cluster.create_namespace("alpha").unwrap();
    let viewer = viewer(&fixture.cluster);
    let admin = fixture.cluster.kubeconfig();
    fixture.apply(OBJECTS);
    fixture
        .wait_until_ready("ClusterExtension", "", "store")
        .await;

    let bind =
        "bind deploy/app --to product=store,resource=s3 --name storage --container main -n alpha";
    let output = run(admin, &format!("{bind} --dry-run"));
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(
        output.stdout.contains("registry.fuseml.io/bind: storage"),
        "{}",
        output.stdout
    );
    assert!(
        fixture
            .get("ExtensionBinding", "alpha", "storage")
            .await
            .is_null()
    );
    let output = run(admin, bind);
    assert!(
        output.stderr.contains("hint: pass --yes"),
        "{}",
        output.stderr
    );

    // A user without the permission changes nothing.
    let output = run(&viewer, &format!("{bind} --yes"));
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("forbidden"), "{}", output.stderr);
    let output = run(admin, "bind deploy/ap --name storage -n alpha --yes");
    assert!(
        output
            .stderr
            .contains("Deployment ap not found in namespace alpha"),
        "{}",
        output.stderr
    );
    let output = run(admin, "bind deploy/app --name storage -n alpha --yes");
    assert!(
        output.stderr.contains("binding `storage` not found"),
        "{}",
        output.stderr
    );

    for expected in [
        "Deployment app bound to storage\n",
        "Deployment app already bound to storage\n",
    ] {
        let output = run(admin, &format!("{bind} --yes"));
        assert_eq!(
            (output.code, &*output.stdout),
            (0, expected),
            "{}",
            output.stderr
        );
    }
    let bound = fixture
        .wait_until_ready("ExtensionBinding", "alpha", "storage")
        .await;
    assert_eq!(bound["status"]["choice"]["record"], "store");
    let app = fixture.get("Deployment", "alpha", "app").await;
    let annotations = &app["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["registry.fuseml.io/bind"], "other,storage");
    assert_eq!(annotations["registry.fuseml.io/bind-containers"], "main");

    // Another field manager owns the selectors.
    fixture.apply(
        "apiVersion: registry.fuseml.io/v1alpha1\nkind: ExtensionBinding\nmetadata: {name: foreign, namespace: alpha}\nspec: {product: store}\n",
    );
    let foreign = "bind deploy/app --to product=other --name foreign -n alpha --yes";
    let output = run(admin, foreign);
    assert!(
        output.stderr.contains("another field manager owns"),
        "{}",
        output.stderr
    );

    for who in [admin, &*viewer] {
        let output = run(who, "describe store");
        assert!(
            output.stdout.contains("alpha      storage  s3"),
            "{}",
            output.stdout
        );
        assert!(!output.stdout.contains("canary"));
        let output = run(who, "status storage -n alpha");
        assert_eq!(output.code, 0, "{}", output.stdout);
        assert!(output.stdout.contains("ext-storage"), "{}", output.stdout);
        let output = run(who, "resolve storage -n alpha");
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
    check_rebind(&fixture, admin).await;
    check_doctor(admin);
    fixture.stop().await;
}

async fn check_rebind(fixture: &Fixture, admin: &Path) {
    fixture.apply(BETTER);
    let superseded = |binding: &Value| condition(binding, "Superseded")["status"] == "True";
    fixture
        .wait_until(
            ("ExtensionBinding", "alpha", "storage"),
            "is superseded",
            superseded,
        )
        .await;
    let output = run(admin, "explain storage -n alpha");
    assert!(output.stdout.contains("superseded: "), "{}", output.stdout);
    let output = run(admin, "rebind storag -n alpha");
    assert!(
        output
            .stderr
            .contains("binding `storag` not found in namespace alpha"),
        "{}",
        output.stderr
    );
    let output = run(admin, "rebind storage -n alpha");
    assert_eq!(output.code, 0, "{}", output.stderr);
    let moved = fixture
        .wait_until(
            ("ExtensionBinding", "alpha", "storage"),
            "has moved",
            |binding| binding["status"]["choice"]["record"] == "better",
        )
        .await;
    assert_eq!(text(&condition(&moved, "Ready")["status"]), "True");
    // The next better record does not move it again: the request was handled.
    assert_eq!(
        moved["status"]["lastRebind"],
        moved["metadata"]["annotations"]["registry.fuseml.io/rebind"]
    );
    assert_eq!(moved["status"]["binding"], json!({"name": "ext-storage"}));
}

fn check_doctor(admin: &Path) {
    let output = run(admin, "doctor -n alpha -o json");
    let checks: Value = serde_json::from_str(&output.stdout).unwrap();
    let check = |name: &str| {
        let mut checks = checks["checks"].as_array().unwrap().iter();
        checks.find(|check| check["name"] == name).unwrap().clone()
    };
    assert_eq!(check("bindings in alpha")["verdict"], "ok");
    assert_eq!(
        check("may create extensionbindings in alpha")["verdict"],
        "ok"
    );
    let injection = check("injection");
    assert!(
        ["ok", "unknown"].contains(&text(&injection["verdict"])),
        "{injection}"
    );
}
