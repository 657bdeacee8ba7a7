//! What `lint` finds, where, and how it says so.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use support::{ext, ext_with, planted};

const MISTAKES: &str = "tests/data/mistakes";

#[test]
fn every_planted_mistake_is_found_at_its_line_and_nothing_else() {
    let mut wanted = BTreeSet::new();
    planted(Path::new(MISTAKES), &mut wanted);
    // The line of the file's own explanation.
    wanted.retain(|(_, _, rule)| !rule.starts_with('`'));
    assert!(wanted.len() >= 30, "{} are planted", wanted.len());

    let output = ext(&["lint", MISTAKES, "-o", "json"]);
    assert_eq!(output.code, 1);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    let found: Vec<(String, u64, String)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |field: &str| finding[field].as_str().unwrap().to_owned();
            assert!(finding["column"].as_u64().unwrap() > 0);
            assert!(!text("message").is_empty());
            (
                text("file"),
                finding["line"].as_u64().unwrap(),
                text("rule"),
            )
        })
        .collect();
    let once: BTreeSet<_> = found.iter().cloned().collect();
    assert_eq!(found.len(), once.len(), "something is found twice");
    let missed: Vec<_> = wanted.difference(&once).collect();
    let surplus: Vec<_> = once.difference(&wanted).collect();
    assert!(
        missed.is_empty() && surplus.is_empty(),
        "missed: {missed:#?}\nsurplus: {surplus:#?}"
    );
}

#[test]
fn each_form_says_the_same_and_no_value() {
    for form in ["human", "json", "sarif", "github"] {
        let output = ext(&["lint", MISTAKES, "-o", form]);
        assert_eq!(output.code, 1, "{form}");
        assert!(!output.out.contains("secret-canary"), "{form}");
        insta::assert_snapshot!(format!("mistakes_{form}"), output.out);
    }
}

#[test]
fn what_is_sound_says_nothing() {
    let output = ext(&["lint", "../../examples/records/kfserving-local.yaml"]);
    assert_eq!((output.code, &*output.out, &*output.err), (0, "", ""));
}

#[test]
fn warnings_are_errors_where_that_is_asked_for() {
    let file = "../../examples/records/minio-s3-storage.yaml";
    assert_eq!(ext(&["lint", file]).code, 0);
    assert_eq!(ext(&["lint", file, "--strict"]).code, 1);
}

#[test]
fn standard_input_is_a_file_like_others() {
    let text = "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: x}\nspec: {prodct: x}\n";
    let output = ext_with(&["lint", "-f", "-"], text);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    -:4:8: error[unknown-field]: ClusterExtension x: spec.prodct: unknown field
      hint: did you mean `product`?
    ");
}

#[test]
fn what_is_not_there_is_an_error_with_its_name() {
    let output = ext(&["lint", "no/such/file.yaml"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("no/such/file.yaml"), "{}", output.err);
    let output = ext(&["lint"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("hint:"), "{}", output.err);
}

/// One file that is no text does not keep the others from being looked at.
#[test]
fn what_is_no_text_has_its_place() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.yaml"), b"kind: a\nb: \xc3\xa9\xff\n").unwrap();
    std::fs::write(folder.path().join("b.yaml"), "a: 1\n").unwrap();
    let output = ext(&["lint", folder.path().to_str().unwrap()]);
    assert_eq!(output.code, 1);
    for place in [
        "a.yaml:2:5: error[syntax]: no text",
        "b.yaml:1:1: warning[no-object]",
    ] {
        assert!(output.out.contains(place), "{}", output.out);
    }
}

/// A check that looked at nothing has to be heard.
#[test]
fn a_folder_without_files_is_an_error_with_the_way_out() {
    let output = ext(&["lint", "tests/data/mistakes/base"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    insta::assert_snapshot!(output.err, @r"
    error: nothing to read: tests/data/mistakes/base is built by kustomize
      hint: kubectl kustomize tests/data/mistakes/base | kubectl ext lint -f -
    ");
}

/// Only the cluster has the Secret, so nobody here can tell whether the key is in it.
#[test]
fn a_key_of_a_secret_that_is_not_among_the_files_is_no_error() {
    let objects = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store, services: [{name: s3, credentials: [{name: all, secretRef: {name: keys}}]}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec:
  steps:
    - name: a
      image: i
      env: [{name: X, value: '{{ extensions.store.cfg.TOKEN }}'}]
      extensions: [{name: store, product: store}]
";
    let output = ext_with(&["lint", "-f", "-"], objects);
    assert_eq!(output.code, 0, "{}", output.out);
    assert!(output.out.contains("warning[UnknownKey]"), "{}", output.out);
    assert!(
        output
            .out
            .contains("Secret extension-registry-records/keys")
    );
    let secret = |key: &str| {
        format!(
            "{objects}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: keys, namespace: extension-registry-records}}\nstringData: {{{key}: canary-77}}\n"
        )
    };
    let output = ext_with(&["lint", "-f", "-"], &secret("TOKEN"));
    assert_eq!((output.code, &*output.out), (0, ""));
    let output = ext_with(&["lint", "-f", "-"], &secret("OTHER"));
    assert_eq!(output.code, 1);
    assert!(!output.out.contains("canary"));

    // The other verbs take it in the same way.
    assert_eq!(ext_with(&["resolve", "-f", "-"], objects).code, 0);
    let resolve = |key| ext_with(&["resolve", "-f", "-"], &secret(key)).code;
    assert_eq!((resolve("TOKEN"), resolve("OTHER")), (0, 1));
    let output = ext_with(&["render", "-f", "-"], objects);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(
        output.err.contains("hint: it may be a key of Secret"),
        "{}",
        output.err
    );
}

/// The operator would write more than can be seen here: that is said.
#[test]
fn render_says_which_secrets_it_would_need() {
    let objects = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {product: store, services: [{name: s3, credentials: [{name: all, secretRef: {name: keys}}]}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: a, image: i, extensions: [{name: store, product: store}]}]}
";
    let output = ext_with(&["render", "-f", "-"], objects);
    assert_eq!(output.code, 0);
    let warning = "takes every key from Secret extension-registry-records/keys";
    assert!(output.err.contains(warning), "{}", output.err);
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: extension-registry-records}\nstringData: {K: v}\n";
    let output = ext_with(&["render", "-f", "-"], &format!("{objects}{secret}"));
    assert_eq!((output.code, &*output.err), (0, ""));
}

/// Whoever sees a record sees them: they are a warning, also in the minimal form.
#[test]
fn credentials_among_plain_configuration_are_warned_of() {
    let output = ext(&["lint", "../../examples/records/minimal"]);
    assert_eq!(output.code, 0);
    assert!(!output.out.contains("cMGiZff8"), "{}", output.out);
    insta::assert_snapshot!(output.out);
}

/// A document of a workflow, with other words in the place of two.
fn workflow(old: &str, new: &str) -> String {
    "apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata:
  name: train
  namespace: dev
spec: {steps: [{name: a, image: i}]}
"
    .replace(old, new)
}

/// What looks like an object of ours and is none is dropped by every verb: it has to be heard of.
#[test]
fn what_no_server_would_take_as_ours_is_said_with_what_was_meant() {
    let group = "registry.fuseml.io";
    for (old, new, said) in [
        (
            "kind: Workflow",
            "kind: Worklfow",
            "did you mean `Workflow`?",
        ),
        (
            "kind: Workflow",
            "kind: workflow",
            "did you mean `Workflow`?",
        ),
        (
            "kind: Workflow",
            "kind: Recipe",
            "known are `ClusterExtension`, `Extension`",
        ),
        ("kind: Workflow\n", "", "kind: is missing"),
        (
            "v1alpha1",
            "v1",
            "did you mean `registry.fuseml.io/v1alpha1`?",
        ),
        ("/v1alpha1", "", "has no version"),
        (
            "apiVersion: registry.fuseml.io/v1alpha1\n",
            "",
            "add `apiVersion: registry.fuseml.io/v1alpha1`",
        ),
        ("name: train", "name: Odd_3", "DNS subdomain"),
        ("name: train", "name: 7", "metadata.name: is no text"),
        ("namespace: dev", "namespace: Bad NS", "DNS label"),
        ("namespace: dev", "namespace: a.b", "DNS label"),
    ] {
        let text = workflow(old, new);
        assert_ne!(text, workflow("", ""), "{old}");
        let output = ext_with(&["lint", "-f", "-"], &text);
        assert_eq!(output.code, 1, "{new}: {}", output.out);
        assert!(output.out.contains(said), "{new}: {}", output.out);
        assert_eq!(output.out.matches("error[").count(), 1, "{}", output.out);
        // Nothing is made of it either.
        let output = ext_with(&["render", "-f", "-"], &text);
        assert_eq!((output.code, &*output.out), (1, ""), "{new}");
        assert!(output.err.contains(said), "{new}: {}", output.err);
    }
    // Whose group is nearly ours may mean theirs.
    let output = ext_with(&["lint", "-f", "-"], &workflow(group, "registry.fusml.io"));
    assert_eq!(output.code, 0, "{}", output.out);
    assert!(
        output.out.contains("warning[unknown-group]"),
        "{}",
        output.out
    );
}

#[test]
fn objects_of_others_are_nobodys_business() {
    for (old, new) in [
        ("registry.fuseml.io/v1alpha1", "argoproj.io/v1alpha1"),
        (
            "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow",
            "kind: Pod",
        ),
        (
            "registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: train",
            "v1\nkind: Pod\nmetadata:\n  name: Odd_3",
        ),
    ] {
        let text = workflow(old, new);
        assert_ne!(text, workflow("", ""), "{old}");
        let output = ext_with(&["lint", "--strict", "-f", "-"], &text);
        assert_eq!((output.code, &*output.out), (0, ""), "{new}");
    }
}

/// Kustomize writes its namespace into every kind that it does not know, and the API server drops it.
#[test]
fn a_namespace_of_a_cluster_record_stops_nothing() {
    let record = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store, namespace: alpha}
spec: {product: store}
";
    let output = ext_with(&["lint", "-f", "-"], record);
    assert_eq!(output.code, 0, "{}", output.out);
    assert!(
        output.out.contains("warning[ignored-namespace]"),
        "{}",
        output.out
    );
    let output = ext_with(&["list", "-f", "-", "-o", "name"], record);
    assert_eq!((output.code, &*output.out), (0, "store/store\n"));
}

/// Code scanning looks for the file under that name.
#[test]
fn a_path_with_a_space_is_a_reference_in_sarif() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("my record.yaml");
    std::fs::write(&path, "a: 1\n").unwrap();
    let output = ext(&["lint", path.to_str().unwrap(), "-o", "sarif"]);
    let log: Value = serde_json::from_str(&output.out).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.ends_with("/my%20record.yaml"), "{uri}");
}

/// Objects that name no namespace get that of `-n`: it has to be one.
#[test]
fn a_namespace_that_no_server_takes_is_not_taken_here() {
    for verb in ["lint", "render", "resolve"] {
        let text = workflow("  namespace: dev\n", "");
        let output = ext_with(&[verb, "-n", "Bad NS", "-f", "-"], &text);
        assert_eq!((output.code, &*output.out), (2, ""), "{verb}");
        assert!(output.err.contains("lower-case letters"), "{}", output.err);
    }
}
