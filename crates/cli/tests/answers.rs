//! Tests of the output of the other commands over files.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::fs;

use support::{Output, ext, ext_with};

const RECORDS: &str = "../../examples/records";
const WORKFLOWS: &str = "../../examples/workflows";
const AMBIGUOUS: &str = "../../examples/ambiguous/workflow.yaml";

/// Runs a command over the examples.
fn over_examples(arguments: &[&str]) -> Output {
    let files = ["-f", RECORDS, "-f", WORKFLOWS, "-f", AMBIGUOUS];
    ext(&[arguments, &files].concat())
}

/// Values of credentials in the examples.
const CANARIES: [&str; 2] = [
    "24oT0SfbJPEu6kUbUKsH",
    "cMGiZff8KqS5xWQ4eagRujh1tDcbQyRP0bEJSBOf",
];

#[test]
fn no_command_prints_credentials() {
    for verb in [
        &["list", "-o", "wide"][..],
        &["list", "-o", "json"],
        &["describe", "mlflow-0001"],
        &["describe", "mlflow-0001", "-o", "yaml"],
        &["describe", "mlflow-global", "-o", "json"],
        &["resolve", "-o", "yaml"],
        &["explain", "train-ambiguous", "--all"],
        &["render"],
        &["render", "-o", "json"],
    ] {
        let output = over_examples(verb);
        assert!(!output.out.is_empty(), "{verb:?}: {}", output.err);
        for canary in CANARIES {
            let all = format!("{}{}", output.out, output.err);
            assert!(!all.contains(canary), "{verb:?}");
            assert!(!all.contains(&base64(canary)), "{verb:?}");
        }
    }
    let revealed = over_examples(&["render", "--reveal"]);
    assert!(revealed.out.contains(&base64(CANARIES[0])));
}

/// A record as stored in a cluster, and a workflow that requires it.
const SEALED: &str = "
apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec:
  product: minio
  services:
  - name: s3
    credentials:
    - {name: main, configuration: [{name: KEY, valueFrom: {sealed: v1.0a1b2c3d.c2VhbGVk}}]}
---
apiVersion: registry.fuseml.io/v1alpha1
kind: Workflow
metadata: {name: train, namespace: dev}
spec: {steps: [{name: a, image: i, extensions: [{name: data, product: minio}]}]}
";

#[test]
fn sealed_values_show_only_keys() {
    for (verb, expected) in [
        (&["lint"][..], ""),
        (&["describe", "store"], "KEY (sealed)"),
        (&["describe", "store", "-o", "json"], "KEY (sealed)"),
        (&["resolve", "-o", "yaml"], "store"),
        (&["render"], "KEY:"),
    ] {
        let output = ext_with(&[verb, &["-f", "-"]].concat(), SEALED);
        assert_eq!((output.code, &*output.err), (0, ""), "{verb:?}");
        assert!(output.out.contains(expected), "{verb:?}: {}", output.out);
        assert!(!output.out.contains("c2VhbGVk"), "{verb:?}: {}", output.out);
    }
    let output = ext_with(&["render", "--reveal", "-f", "-"], SEALED);
    let warning = "contains sealed values, which only the operator can decrypt: `KEY`";
    assert!(output.err.contains(warning), "{}", output.err);
    assert!(output.out.contains(&base64("[not in the files]")));
    assert!(!output.out.contains("c2VhbGVk") && !output.out.contains(&base64("v1.0a1b2c3d")[..12]));
}

/// Encodes a value as in `data` of a Secret.
fn base64(text: &str) -> String {
    let bytes = k8s_openapi::ByteString(text.as_bytes().to_vec());
    serde_json::to_value(&bytes)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn list_supports_all_output_formats() {
    for form in ["table", "wide", "json", "yaml", "name"] {
        let output = over_examples(&["list", "-o", form]);
        assert_eq!((output.code, &*output.err), (0, ""), "{form}");
        insta::assert_snapshot!(format!("list_{form}"), output.out);
    }
}

#[test]
fn list_filters_services() {
    let names = |arguments: &[&str]| {
        let output = over_examples(&[&["list", "-o", "name"], arguments].concat());
        assert_eq!(output.code, 0);
        output.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&["--product", "minio"]),
        ["minio-s3-storage/s3", "mlflow-model-store-0001/s3"]
    );
    assert_eq!(
        names(&["--resource", "s3", "--category", "model-store"]),
        ["mlflow-0001/mlflow-store"]
    );
    assert_eq!(
        names(&["--in-zone", "rd-cloud"]),
        ["gitea-devel-rd/git+http"]
    );
    assert!(names(&["--product", "none"]).is_empty());
}

#[test]
fn describe_supports_text_and_json() {
    insta::assert_snapshot!(
        "describe",
        over_examples(&["describe", "seldon-core-production"]).out
    );
    insta::assert_snapshot!(
        "describe_json",
        over_examples(&["describe", "minio-s3-storage", "-o", "json"]).out
    );
    let output = over_examples(&["describe", "mlfow-0001"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    error: record `mlfow-0001` not found
      hint: did you mean `mlflow-0001`?
    ");
}

#[test]
fn resolve_and_explain_refusal() {
    let output = over_examples(&["resolve"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!("resolve", output.out);
    let output = over_examples(&["resolve", "train-explicit", "-o", "json"]);
    assert_eq!(output.code, 0);
    insta::assert_snapshot!("resolve_json", output.out);
    let output = over_examples(&["explain", "train-ambiguous"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!("explain", output.out);
    let output = over_examples(&["explain", "alpha/train-explicit/trainer/mlflow-storage"]);
    assert_eq!(output.code, 0);
    insta::assert_snapshot!("explain_bound", output.out);
    let output = over_examples(&["explain", "train-explicit/traner"]);
    assert_eq!(output.code, 1);
    insta::assert_snapshot!(output.err, @r"
    error: workflow alpha/train-explicit has no step `traner`
      hint: did you mean `trainer`?
    ");
}

/// Output formats of the commands without a test of their own.
#[test]
fn other_commands_support_all_output_formats() {
    let some = [
        "-f",
        "../../examples/records/mlflow-0001.yaml",
        "-f",
        "../../examples/workflows/explicit.yaml",
    ];
    let base = some.map(|word| if word == "-f" { "--base" } else { word });
    let explain = ["explain", "train-explicit/trainer/mlflow-storage"];
    let delete = ["whatif", "--delete", "mlflow-0001"];
    for (verb, files, forms) in [
        (
            &["describe", "mlflow-0001"][..],
            some,
            &["yaml", "name", "wide"][..],
        ),
        (&["resolve"], some, &["wide", "yaml", "name"]),
        (&explain, some, &["json", "yaml", "name"]),
        (&delete, base, &["yaml", "name", "wide"]),
        (&["render"], some, &["yaml", "json"]),
    ] {
        for form in forms {
            let output = ext(&[verb, &files, &["-o", form]].concat());
            assert_eq!(output.err, "", "{verb:?}");
            insta::assert_snapshot!(format!("{}_form_{form}", verb[0]), output.out);
        }
    }
    for form in ["table", "json", "yaml", "name"] {
        let output = ext(&["version", "-o", form]);
        let version = env!("CARGO_PKG_VERSION");
        let text = output.out.replace(version, "VERSION");
        insta::assert_snapshot!(format!("version_form_{form}"), text);
    }
}

#[test]
fn whatif_exit_code_reflects_severity() {
    let base = ["--base", RECORDS, "--base", WORKFLOWS, "--base", AMBIGUOUS];
    let whatif = |arguments: &[&str], change: &str| {
        ext_with(&[&["whatif"], arguments, &base[..]].concat(), change)
    };
    let output = whatif(&["--delete", "mlflow-0001"], "");
    assert_eq!(output.code, 4);
    insta::assert_snapshot!("whatif_delete", output.out);
    let output = whatif(&["--delete", "gitea-devel-rd"], "");
    assert_eq!(
        (output.code, &*output.out),
        (0, "no workflows or bindings affected\n")
    );
    // Deleting two of three candidates resolves the ambiguity.
    let output = whatif(
        &[
            "--delete",
            "aws-object-storage",
            "--delete",
            "minio-s3-storage",
            "-o",
            "json",
        ],
        "",
    );
    assert_eq!(output.code, 3);
    insta::assert_snapshot!("whatif_starts", output.out);
    let record = "apiVersion: registry.fuseml.io/v1alpha1\nkind: ClusterExtension\nmetadata: {name: own}\nspec: {product: mlflow, services: [{name: x, resource: s3}]}\n";
    let output = whatif(&["-f", "-"], record);
    assert_eq!(output.code, 4, "the match becomes ambiguous");
    let output = whatif(&["-f", "-"], &record.replace("product", "prodct"));
    assert_eq!(output.code, 1);
    let place = "-:4:8: error[unknown-field]: ClusterExtension own: spec.prodct";
    assert!(output.err.contains(place), "{}", output.err);
    // A skipped document is a warning only.
    let output = whatif(&["-f", "-"], &format!("{record}---\nx: 1\n"));
    assert_eq!(output.code, 4);
    assert!(output.err.contains("warning[no-object]"), "{}", output.err);
    let workflow = "apiVersion: registry.fuseml.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: {steps: [{name: a, image: i}]}\n";
    let output = whatif(&["-f", "-"], &format!("{record}---\n{workflow}"));
    assert!(
        output
            .err
            .contains("workflows and bindings in the change are ignored"),
        "{}",
        output.err
    );
    let output = whatif(&["--delete", "minio-s3-storag"], "");
    assert_eq!(output.code, 1);
    assert!(output.err.contains("did you mean `minio-s3-storage`?"));
}

/// Addresses are printed without credentials.
#[test]
fn describe_prints_address_without_password() {
    let record = "apiVersion: registry.fuseml.io/v1alpha1
kind: ClusterExtension
metadata: {name: store}
spec: {services: [{name: s, endpoints: [{name: main, url: 'https://store:9000/x?token=canary-41'}, {name: none}]}]}
";
    for form in ["table", "wide", "json", "yaml"] {
        let output = ext_with(&["describe", "store", "-f", "-", "-o", form], record);
        assert_eq!(output.code, 0, "{}", output.err);
        assert!(
            output.out.contains("https://store:9000/x"),
            "{}",
            output.out
        );
        assert!(!output.out.contains("canary"), "{}", output.out);
    }
}

/// `seldon-core-production` has credentials for two projects.
#[test]
fn list_for_project_shows_only_its_credentials() {
    let seen = |project: &str| {
        let arguments = ["list", "--project", project, "-o", "json"];
        let output = over_examples(&arguments);
        assert_eq!(output.code, 0);
        let list: serde_json::Value = serde_json::from_str(&output.out).unwrap();
        let services = list["services"].as_array().unwrap().iter();
        let seldon = services
            .filter(|row| row["record"] == "seldon-core-production")
            .flat_map(|row| row["credentials"].as_array().unwrap());
        seldon
            .map(|name| name.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen("alpha"),
        ["project-alpha (project)", "project-beta (user)"]
    );
    assert_eq!(seen("beta"), ["project-beta (user)"]);
    assert_eq!(seen("nope"), Vec::<String>::new());
}

/// The unreadable file may contain relevant objects.
#[test]
fn broken_file_fails_command_with_partial_output() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("broken.yaml"), "a: [").unwrap();
    let broken = folder.path().to_str().unwrap();
    for arguments in [
        &["describe", "mlflow-0001"][..],
        &["explain", "train-explicit"],
        &["list"],
        &["resolve", "train-explicit"],
        &["render"],
    ] {
        let output = over_examples(&[arguments, &["-f", broken]].concat());
        assert_eq!(output.code, 1, "{arguments:?}");
        assert!(!output.out.is_empty(), "{arguments:?}");
        assert!(output.err.contains("error[syntax]"), "{arguments:?}");
    }
    let bases = ["--base", RECORDS, "--base", WORKFLOWS, "--base", broken];
    // Without the broken file, the codes are 4 and 0.
    for record in ["mlflow-0001", "gitea-devel-rd"] {
        let output = ext(&[&["whatif", "--delete", record], &bases[..]].concat());
        assert_eq!(output.code, 1, "{record}");
        assert!(output.err.contains("error[syntax]"), "{record}");
    }
}

/// Without workflows the result has no meaning.
#[test]
fn whatif_notes_missing_workflows() {
    let arguments = ["whatif", "--delete", "mlflow-0001", "--base", RECORDS];
    let output = ext(&arguments);
    assert_eq!(output.code, 0);
    assert_eq!(output.out, "no workflows or bindings to check\n");
    let note = "note: no workflows or bindings found in ../../examples/records\n  hint: repeat --base to add files\n";
    assert_eq!(output.err, note);
    let output = ext(&[&arguments[..], &["-o", "json"]].concat());
    support::schema::fits("whatif", &output.out);
    assert_eq!(output.err, note);
}

#[test]
fn unknown_name_has_suggestions() {
    for (arguments, expected) in [
        (
            &["explain", "train-explicit/trainer/mlflow-stor"][..],
            "step `trainer` of workflow alpha/train-explicit has no requirement `mlflow-stor`\n  hint: did you mean `mlflow-storage`?",
        ),
        (
            &["explain", "train-explicit/builder"],
            "step `builder` of workflow alpha/train-explicit has no requirements\n",
        ),
        (
            &["explain", "train-explicit/nope"],
            "has no step `nope`\n  hint: available: `builder`, `trainer`\n",
        ),
        (
            &["describe", "mlflow"],
            "record `mlflow` not found\n  hint: did you mean one of `mlflow-0001`, `mlflow-global`, `mlflow-model-store-0001`?\n",
        ),
    ] {
        let output = over_examples(arguments);
        assert_eq!(output.code, 1);
        assert!(
            output.err.contains(expected),
            "{arguments:?}: {}",
            output.err
        );
    }
    let output = ext(&["explain", "nope", "-f", RECORDS, "-f", AMBIGUOUS]);
    assert!(
        output.err.ends_with("hint: available: `train-ambiguous`\n"),
        "{}",
        output.err
    );
}
