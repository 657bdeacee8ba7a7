//! Tests of the commands over bindings in files.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use serde_json::Value;
use support::{Output, ext, ext_with};

/// Two records that match the same binding, which has the service of the first, and a workflow.
const WORLD: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: minio
  services:
  - name: s3
    resource: s3
    endpoints: [{name: main, url: http://store.example.org:9000}]
    credentials:
    - name: dev
      scope: global
      configuration:
      - {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: store, key: id}}}
      - {name: LD_PRELOAD, valueFrom: {secretKeyRef: {name: store, key: id}}}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: ExtensionBinding
metadata: {name: storage, namespace: dev}
spec:
  product: minio
  files: [{name: root-user, configuration: AWS_ACCESS_KEY_ID}]
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: fit, image: i, extensions: [{name: data, product: minio}]}]}
";

/// A record that matches better.
const BETTER: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: better}
spec:
  product: minio
  default: true
  services: [{name: s3, resource: s3}]
";

fn over_world(arguments: &[&str]) -> Output {
    ext_with(&[arguments, &["-f", "-"]].concat(), WORLD)
}

#[test]
fn resolve_prints_table_per_kind() {
    let output = over_world(&["resolve"]);
    assert_eq!((output.code, &*output.err), (0, ""));
    insta::assert_snapshot!(output.out, @r"
    NAMESPACE  WORKFLOW  STEP  REQUIREMENT  RECORD  SERVICE  ENDPOINT  CREDENTIALS
    dev        train     fit   data         store   s3       main      dev

    NAMESPACE  BINDING  RECORD  SERVICE  ENDPOINT  CREDENTIALS
    dev        storage  store   s3       main      dev
    ");
    let output = over_world(&["resolve", "storage", "-o", "json"]);
    let answers: Value = serde_json::from_str(&output.out).unwrap();
    let answer = &answers["answers"][0];
    assert_eq!(
        (&answer["binding"], &answer["bound"]["record"]),
        (&"storage".into(), &"store".into())
    );
    let output = over_world(&["resolve", "storge"]);
    insta::assert_snapshot!(output.err, @r"
    error: workflow or binding `storge` not found
      hint: did you mean `storage`?
    ");
}

#[test]
fn explain_names_service_that_would_be_selected() {
    let kept = "
status:
  choice: {kind: ClusterExtension, record: store, recordUid: '', recordGeneration: 1, service: s3, endpoint: main, credentials: dev}
";
    let world = WORLD.replace(
        "configuration: AWS_ACCESS_KEY_ID}]\n---",
        &format!("configuration: AWS_ACCESS_KEY_ID}}]{kept}---"),
    );
    let world = format!("{world}---{BETTER}");
    let output = ext_with(&["explain", "dev/storage", "-f", "-"], &world);
    insta::assert_snapshot!(output.out, @r"
    binding dev/storage
    bound to ClusterExtension `store`, service `s3`, endpoint main, credentials dev
    superseded: the requirement now selects service `s3` of ClusterExtension better
      hint: to move the binding, run `kubectl ext rebind storage`

    KIND              RECORD  SERVICE  VERDICT
    ClusterExtension  better  s3       chosen
    ClusterExtension  store   s3       matches, but another record has `default: true`
    ");
    let output = ext_with(&["explain", "storage/fit", "-f", "-"], &world);
    insta::assert_snapshot!(output.err, @r"
    error: binding dev/storage has no steps
      hint: use `dev/storage`
    ");
}

#[test]
fn whatif_keeps_service_unless_binding_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let world = WORLD.split("---\napiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow");
    let world = world.into_iter().next().unwrap();
    std::fs::write(path("world.yaml"), world).unwrap();
    let follows = world.replace(
        "product: minio\n  files",
        "product: minio\n  follow: true\n  files",
    );
    std::fs::write(path("follows.yaml"), follows).unwrap();
    std::fs::write(path("better.yaml"), BETTER).unwrap();
    let whatif = |base: &str, change: &[&str]| {
        let base = path(base);
        ext(&[&["whatif", "--base", &base], change].concat())
    };
    let change = path("better.yaml");
    let output = whatif("world.yaml", &["-f", &change]);
    assert_eq!(
        (output.code, &*output.out),
        (0, "no workflows or bindings affected\n")
    );
    let output = whatif("follows.yaml", &["-f", &change]);
    assert_eq!(output.code, 3);
    insta::assert_snapshot!(output.out, @r"
    NAMESPACE  BINDING  EFFECT   BEFORE               AFTER
    dev        storage  changes  store/s3, main, dev  better/s3
    ");
    let output = whatif("world.yaml", &["--delete", "store"]);
    assert_eq!(output.code, 4);
    assert!(
        output.out.contains("binding dev/storage stops resolving: "),
        "{}",
        output.out
    );
}

#[test]
fn describe_lists_bindings_as_consumers() {
    let output = over_world(&["describe", "store"]);
    let table = "NAMESPACE  BINDING  SERVICE\ndev        storage  s3\n";
    assert!(output.out.ends_with(table), "{}", output.out);
}

#[test]
fn render_prints_both_secrets() {
    let output = over_world(&["render"]);
    assert_eq!((output.code, &*output.err), (0, ""));
    let secrets = output
        .out
        .split("---\n")
        .filter(|text| text.contains("name: ext-storage"));
    let names = |text: &str| {
        let (_, data) = text.split_once("stringData:\n").unwrap();
        let lines = data.lines().take_while(|line| line.starts_with("  "));
        let keys = lines.filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
        keys.collect::<Vec<_>>().join(" ")
    };
    let keys: Vec<String> = secrets.map(names).collect();
    insta::assert_snapshot!(keys.join("\n"), @r"
    AWS_ACCESS_KEY_ID LD_PRELOAD extension.yaml host port provider root-user type uri
    AWS_ACCESS_KEY_ID
    ");
}

#[test]
fn unavailable_credentials_name_who_has_access() {
    let world = WORLD.replace("scope: global", "scope: user\n      user: [ann]");
    let output = ext_with(&["resolve", "storage", "-f", "-"], &world);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    NAMESPACE  BINDING  RECORD    SERVICE  ENDPOINT  CREDENTIALS
    dev        storage  NoAccess  -        -         -

    NoAccess binding dev/storage: requirement `storage` (product `minio`) matches `store/s3`, but project `dev` has no access to its credentials; a binding has no user, so credentials of scope `user` are not available to it
      hint: use credentials of scope `project` or `global`, or a step of a Workflow, which has an author
    ");
}
