//! What the cluster has already, said with `--base`: workflows find it, and nobody judges it.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fs;
use std::path::PathBuf;

use support::ext_with;
use tempfile::TempDir;

const GITOPS: &str = "../../examples/gitops";

/// What kustomize makes of the shipped overlay, but for the namespace, which `-n` says here.
fn overlay() -> String {
    let read = |file: &str| fs::read_to_string(format!("{GITOPS}/base/{file}.yaml")).unwrap();
    ["role", "training-data", "workflow"]
        .map(read)
        .join("---\n")
}

fn lint(arguments: &[&str], text: &str) -> support::Output {
    ext_with(
        &[&["lint", "-n", "alpha", "-f", "-"], arguments].concat(),
        text,
    )
}

/// The record of the cluster is elsewhere, as the shipped example has it: that it is not here is no mistake.
#[test]
fn what_the_cluster_may_have_is_no_error() {
    let output = lint(&[], &overlay());
    assert_eq!(output.code, 0, "{}", output.out);
    insta::assert_snapshot!(output.out, @r"
    -:107:11: warning[NotFound]: Workflow alpha/train-and-serve: spec.steps[2].extensions[0]: no service matches requirement `seldon` (product `seldon`, resource `seldon-core-api`, version `>=1.10`)
      hint: run `kubectl ext list --project alpha` to list the services visible to this project; pass the records of the cluster with --base PATH
    ");
    // It is one where the records of the cluster are there, for a slip would pass otherwise.
    let record = "---\napiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: x}\nspec: {product: x}\n";
    let output = lint(&[], &(overlay() + record));
    assert_eq!(output.code, 1, "{}", output.out);
    assert!(
        output.out.contains("the cluster with --base PATH"),
        "{}",
        output.out
    );
}

#[test]
fn what_the_cluster_has_can_be_said() {
    let shared = format!("{GITOPS}/cluster/seldon-core-shared.yaml");
    let output = lint(&["--strict", "--base", &shared], &overlay());
    assert_eq!((output.code, &*output.out, &*output.err), (0, "", ""));
    let arguments = [
        "render", "-n", "alpha", "-f", "-", "--base", &shared, "-o", "json",
    ];
    let output = ext_with(&arguments, &overlay());
    assert_eq!(output.code, 0, "{}", output.err);
    let rendered: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    let kinds: Vec<&str> = rendered["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Pipeline", "Secret", "Secret"]);
    // Nothing else is there then.
    let slip = overlay().replace("product: seldon", "product: seldom");
    let output = lint(&["--base", &shared], &slip);
    assert_eq!(output.code, 1, "{}", output.out);
    assert!(output.out.contains("error[NotFound]"), "{}", output.out);
    assert!(!output.out.contains("--base"), "{}", output.out);
}

/// A file of a folder of its own.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("base.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

const STORE: &str = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store, services: [{name: s3, credentials: [{name: all, configuration: [{name: KEY, value: v}]}]}]}
";

const ASKS: &str = "---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: a, image: i, extensions: [{name: store, product: store}]}]}
";

/// What will be applied comes in the place of what there is.
#[test]
fn the_files_hold_against_the_base() {
    let (_folder, base) = file(STORE);
    let base = ["--base", base.to_str().unwrap()];
    // The password in the base is somebody else's matter.
    let output = lint(&[&base[..], &["--strict"]].concat(), ASKS);
    assert_eq!((output.code, &*output.out, &*output.err), (0, "", ""));
    let other = STORE.replace("product: store", "product: other");
    let output = lint(&base, &(other + ASKS));
    assert_eq!(output.code, 1, "{}", output.out);
    assert!(output.out.contains("error[NotFound]"), "{}", output.out);
}

#[test]
fn a_base_that_cannot_be_read_is_no_base() {
    let (_folder, base) = file("a: [");
    let output = lint(&["--base", base.to_str().unwrap()], ASKS);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("error[syntax]"), "{}", output.err);
}

/// Workflows alone resolve to nothing: that they were not looked up has to be heard.
#[test]
fn workflows_alone_are_not_looked_up_and_that_is_said() {
    let output = lint(&[], ASKS);
    assert_eq!((output.code, &*output.out), (0, ""));
    insta::assert_snapshot!(output.err, @"note: requirements were not checked, because the files contain no records
  hint: pass the records of the cluster with --base PATH");
    let output = lint(
        &[],
        &ASKS.replace(", extensions: [{name: store, product: store}]", ""),
    );
    assert_eq!((output.code, &*output.err), (0, ""));
}

/// What was found and lacks an endpoint will not be found elsewhere.
#[test]
fn an_endpoint_that_its_record_does_not_have_stays_an_error() {
    let record = "apiVersion: registry.fuseml.io/v1alpha1
kind: Extension
metadata: {name: store, namespace: dev}
spec: {product: store, services: [{name: s3, endpoints: [{name: one, url: 'http://a'}]}]}
";
    let asks = ASKS.replace("product: store}", "product: store, endpoint: other}");
    let output = lint(&[], &format!("{record}{asks}"));
    assert_eq!(output.code, 1, "{}", output.out);
    assert!(!output.out.contains("--base"), "{}", output.out);
}
