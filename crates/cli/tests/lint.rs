//! Tests of the findings of `lint`, their positions and report formats.
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
fn finds_all_planted_mistakes() {
    let mut expected = BTreeSet::new();
    planted(Path::new(MISTAKES), &mut expected);
    // The explanation in the file itself.
    expected.retain(|(_, _, rule)| !rule.starts_with('`'));
    assert!(expected.len() >= 30, "{} are planted", expected.len());

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
    let missed: Vec<_> = expected.difference(&once).collect();
    let surplus: Vec<_> = once.difference(&expected).collect();
    assert!(
        missed.is_empty() && surplus.is_empty(),
        "missed: {missed:#?}\nsurplus: {surplus:#?}"
    );
}

#[test]
fn report_formats_contain_no_values() {
    for form in ["human", "json", "sarif", "github"] {
        let output = ext(&["lint", MISTAKES, "-o", form]);
        assert_eq!(output.code, 1, "{form}");
        assert!(!output.out.contains("secret-canary"), "{form}");
        // Code hosts get paths from the root of the repository, if the source is in one.
        let text = output.out.replace("crates/cli/tests/data/", "tests/data/");
        insta::assert_snapshot!(format!("mistakes_{form}"), text);
    }
}

#[test]
fn valid_file_has_no_findings() {
    let output = ext(&["lint", "../../examples/records/kfserving-local.yaml"]);
    assert_eq!((output.code, &*output.out, &*output.err), (0, "", ""));
}

#[test]
fn strict_treats_warnings_as_errors() {
    let file = "../../examples/records/minio-s3-storage.yaml";
    assert_eq!(ext(&["lint", file]).code, 0);
    assert_eq!(ext(&["lint", file, "--strict"]).code, 1);
}

#[test]
fn lints_standard_input() {
    let text = "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: x}\nspec: {prodct: x}\n";
    let output = ext_with(&["lint", "-f", "-"], text);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.out, @r"
    -:4:8: error[unknown-field]: ClusterExtension x: spec.prodct: unknown field
      hint: did you mean `product`?
    ");
}

#[test]
fn missing_file_is_error() {
    let output = ext(&["lint", "no/such/file.yaml"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("no/such/file.yaml"), "{}", output.err);
    let output = ext(&["lint"]);
    assert_eq!(output.code, 1);
    assert!(output.err.contains("hint:"), "{}", output.err);
}

/// A binary file does not prevent checks of others.
#[test]
fn reports_position_of_invalid_utf8() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.yaml"), b"kind: a\nb: \xc3\xa9\xff\n").unwrap();
    std::fs::write(folder.path().join("b.yaml"), "a: 1\n").unwrap();
    let output = ext(&["lint", folder.path().to_str().unwrap()]);
    assert_eq!(output.code, 1);
    for place in [
        "a.yaml:2:5: error[syntax]: not valid UTF-8",
        "b.yaml:1:1: warning[no-object]",
    ] {
        assert!(output.out.contains(place), "{}", output.out);
    }
}

#[test]
fn reads_utf16_with_byte_order_mark() {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, unit) in [
        ("a.yaml", u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ("b.yaml", u16::to_be_bytes),
    ] {
        let text = "\u{feff}kind: a\n---\nb: ä\n".encode_utf16();
        let bytes: Vec<u8> = text.flat_map(unit).collect();
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let output = ext(&["lint", folder.path().to_str().unwrap()]);
    for place in [
        "a.yaml:3:1: warning[no-object]",
        "b.yaml:3:1: warning[no-object]",
    ] {
        assert!(output.out.contains(place), "{}", output.out);
    }
}

/// A check without input must fail.
#[test]
fn rejects_folder_without_objects() {
    let output = ext(&["lint", "tests/data/mistakes/base"]);
    assert_eq!((output.code, &*output.out), (1, ""));
    insta::assert_snapshot!(output.err, @r"
    error: no objects found: tests/data/mistakes/base is built by kustomize
      hint: run `kubectl kustomize tests/data/mistakes/base | kubectl ext lint -f -`
    ");
}

/// The Secret exists only in the cluster, so the key may exist.
#[test]
fn unknown_key_of_unread_secret_is_warning() {
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

    // Other commands handle it the same way.
    assert_eq!(ext_with(&["resolve", "-f", "-"], objects).code, 0);
    let resolve = |key| ext_with(&["resolve", "-f", "-"], &secret(key)).code;
    assert_eq!((resolve("TOKEN"), resolve("OTHER")), (0, 1));
    let output = ext_with(&["render", "-f", "-"], objects);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("hint: add Secret"), "{}", output.err);
}

/// The operator would write keys that are unknown here.
#[test]
fn render_names_missing_secrets() {
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
    let warning = "copies all keys from Secret extension-registry-records/keys";
    assert!(output.err.contains(warning), "{}", output.err);
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: extension-registry-records}\nstringData: {K: v}\n";
    let output = ext_with(&["render", "-f", "-"], &format!("{objects}{secret}"));
    assert_eq!((output.code, &*output.err), (0, ""));
}

/// Everyone who can read a record can read them, so they are warned of, even in the minimal form.
#[test]
fn warns_of_credentials_in_plain_configuration() {
    let output = ext(&["lint", "../../examples/records/minimal"]);
    assert_eq!(output.code, 0);
    assert!(!output.out.contains("cMGiZff8"), "{}", output.out);
    insta::assert_snapshot!(output.out);
}

/// Returns a workflow with one replacement.
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

/// Every command ignores such objects, so they must be reported.
#[test]
fn reports_invalid_kinds_versions_and_names() {
    let group = "registry.fuseml.io";
    for (old, new, expected) in [
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
            "use one of `ClusterExtension`, `Extension`",
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
        ("name: train", "name: 7", "metadata.name: must be a string"),
        ("name: train", "name: 8", "error[wrong-type]"),
        ("namespace: dev", "namespace: Bad NS", "DNS label"),
        ("namespace: dev", "namespace: a.b", "DNS label"),
    ] {
        let text = workflow(old, new);
        assert_ne!(text, workflow("", ""), "{old}");
        let output = ext_with(&["lint", "-f", "-"], &text);
        assert_eq!(output.code, 1, "{new}: {}", output.out);
        assert!(output.out.contains(expected), "{new}: {}", output.out);
        assert_eq!(output.out.matches("error[").count(), 1, "{}", output.out);
        // It is not rendered either.
        let output = ext_with(&["render", "-f", "-"], &text);
        assert_eq!((output.code, &*output.out), (1, ""), "{new}");
        assert!(output.err.contains(expected), "{new}: {}", output.err);
    }
    // A similar group may be intended.
    let output = ext_with(&["lint", "-f", "-"], &workflow(group, "registry.fusml.io"));
    assert_eq!(output.code, 0, "{}", output.out);
    assert!(
        output.out.contains("warning[unknown-group]"),
        "{}",
        output.out
    );
}

#[test]
fn ignores_other_kinds() {
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

/// Kustomize sets the namespace of kinds that it does not know, and the API server ignores it.
#[test]
fn namespace_of_cluster_record_is_warning() {
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

/// `-n` sets the namespace of objects, so it must be valid.
#[test]
fn rejects_invalid_namespace_flag() {
    for verb in ["lint", "render", "resolve"] {
        let text = workflow("  namespace: dev\n", "");
        let output = ext_with(&[verb, "-n", "Bad NS", "-f", "-"], &text);
        assert_eq!((output.code, &*output.out), (2, ""), "{verb}");
        assert!(output.err.contains("letters"), "{}", output.err);
    }
}
