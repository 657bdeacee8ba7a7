//! Tests of the conversion of FuseML files.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::{ext, ext_with, planted};
use tempfile::TempDir;

const DATA: &str = "tests/data/fuseml";

fn text(file: impl AsRef<Path>) -> String {
    fs::read_to_string(file).unwrap()
}

fn list(json: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(json).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// Returns the path of a file in a temporary folder.
fn in_folder(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// Replaces references to Secrets by their values.
fn with_values(record: &mut Value, secrets: &BTreeMap<String, Value>) {
    match record {
        Value::Object(fields) => {
            if let Some(source) = fields.remove("valueFrom") {
                let reference = &source["secretKeyRef"];
                let secret = &secrets[reference["name"].as_str().unwrap()];
                let key = reference["key"].as_str().unwrap();
                let value = secret["stringData"][key].clone();
                fields.insert("value".to_owned(), value);
            }
            for value in fields.values_mut() {
                with_values(value, secrets);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| with_values(item, secrets)),
        _ => {}
    }
}

#[test]
fn converts_fuseml_records_to_examples() {
    let folder = TempDir::new().unwrap();
    let mut count = 0;
    for (examples, names) in [
        (
            "../../examples/records",
            &[
                "aws-object-storage",
                "gitea-devel-rd",
                "minio-s3-storage",
                "mlflow-0001",
                "mlflow-model-store-0001",
                "seldon-core-production",
            ][..],
        ),
        (
            "../../examples/records/minimal",
            &["kfserving-local-cluster", "mlflow-global"],
        ),
    ] {
        for name in names {
            let secrets = in_folder(&folder, name);
            let file = format!("{DATA}/plain/{name}.yaml");
            let output = ext(&["convert", &file, "-o", "json", "--secrets", &secrets]);
            assert_eq!(output.code, 0, "{}", output.err);
            let secrets: BTreeMap<String, Value> = text(&secrets)
                .split("---\n")
                .skip(1)
                .map(|document| {
                    let secret = yaml(document);
                    let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
                    (name, secret)
                })
                .collect();
            let objects = list(&output.out);
            assert_eq!(objects.len(), 1);
            let mut record = objects[0].clone();
            with_values(&mut record, &secrets);
            let example = yaml(&text(format!("{examples}/{name}.yaml")));
            assert_eq!(record, example, "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn rejects_duplicate_key_in_fuseml_record() {
    let output = ext(&["convert", &format!("{DATA}/plain/kfserving-local.yaml")]);
    assert_eq!((output.code, &*output.out), (1, ""));
    let place = "kfserving-local.yaml:15:5: error[duplicate-key]";
    assert!(output.err.contains(place), "{}", output.err);
}

#[test]
fn converts_fuseml_workflows() {
    for number in 1..=5 {
        let file = format!("{DATA}/plain/workflow-{number}.yaml");
        let output = ext(&["convert", &file, "-n", "alpha"]);
        assert_eq!((output.code, &*output.err), (0, ""));
        insta::assert_snapshot!(format!("convert_workflow_{number}"), output.out);
        let lint = ext_with(&["lint", "-f", "-"], &output.out);
        assert_eq!((lint.code, &*lint.out), (0, ""));
    }
    // It has a duplicate input.
    let output = ext(&["convert", &format!("{DATA}/plain/workflow-6.yaml")]);
    assert_eq!((output.code, &*output.out), (1, ""));
    let place = "workflow-6.yaml:22:9: error[Invalid]";
    assert!(output.err.contains(place), "{}", output.err);
    assert!(
        output.err.contains("hint: remove one of them"),
        "{}",
        output.err
    );
}

/// FuseML's own test data has these fields.
#[test]
fn converts_compute_resources_of_steps() {
    let workflow = "name: train\nsteps:\n  - name: trainer\n    image: trainer:1\n    resources:\n      limits: {cpu: 1, memory: 1Gi, nvidia.com/gpu: \"1\", gone: }\n      requests:\n        cpu: 0.5\n    extensions:\n      - name: store\n        product: minio\n        extensionAccess: {extension: {id: minio}}\n";
    let output = ext_with(&["convert", "-", "-o", "json"], workflow);
    assert_eq!(output.code, 0, "{}", output.err);
    let step = &list(&output.out)[0]["spec"]["steps"][0];
    let expected = serde_json::json!({
        "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"},
        "requests": {"cpu": "0.5"},
    });
    assert_eq!(step["resources"], expected);
    assert!(
        output
            .err
            .contains("extensionAccess: ignored: set by the FuseML server"),
        "{}",
        output.err
    );
    for (wrong, message) in [
        (
            "resources: {limit: {cpu: 1}}",
            "resources.limit: unknown field\n  hint: did you mean `limits`?",
        ),
        ("resources: 4", "steps[0].resources: must be a mapping"),
        (
            "resources: {limits: [cpu]}",
            "steps[0].resources.limits: must be a mapping",
        ),
    ] {
        let text =
            format!("name: train\nsteps:\n  - name: trainer\n    image: trainer:1\n    {wrong}\n");
        let output = ext_with(&["convert", "-"], &text);
        assert_eq!(output.code, 1, "{wrong}: {}", output.err);
        assert!(output.err.contains(message), "{wrong}: {}", output.err);
    }
}

#[test]
fn converts_released_form() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder, "secrets");
    let output = ext(&["convert", &format!("{DATA}/released"), "--secrets", &file]);
    assert_eq!(output.code, 0);
    insta::assert_snapshot!("convert_released", output.out);
    insta::assert_snapshot!("convert_released_findings", output.err);
    insta::assert_snapshot!("convert_released_secrets", text(&file));
    let lint = ext_with(&["lint", "-f", "-"], &output.out);
    let errors = lint.out.lines().filter(|line| line.contains("error["));
    // The workflow requires tools that are not in the files.
    let errors: Vec<&str> = errors.filter(|line| !line.contains("[NotFound]")).collect();
    assert_eq!(errors, Vec::<&str>::new());
}

#[test]
fn converts_to_records_of_project() {
    let file = format!("{DATA}/released/record.yaml");
    let output = ext(&["convert", &file, "--project", "alpha", "-o", "json"]);
    assert_eq!(output.code, 0);
    let record = &list(&output.out)[0];
    assert_eq!(record["kind"], "Extension");
    assert_eq!(record["metadata"]["namespace"], "alpha");
    let secret = "Secret alpha/seldon-production.api.everyone";
    assert!(output.err.contains(secret), "{}", output.err);
}

#[test]
fn writes_values_only_to_file_of_secrets() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder, "secrets.yaml");
    let record = format!("{DATA}/released/record.yaml");
    let output = ext(&["convert", &record, "--secrets", &file]);
    assert_eq!(output.code, 0);
    assert!(!format!("{}{}", output.out, output.err).contains("canary"));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(text(&file).matches("canary-7c31").count(), 2);

    // An existing file is not overwritten.
    fs::write(&file, "precious").unwrap();
    let output = ext(&["convert", &record, "--secrets", &file]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(output.err.contains("secrets.yaml"), "{}", output.err);
    assert_eq!(text(&file), "precious");
}

/// Otherwise credentials would be mixed.
#[test]
fn secret_names_are_unique() {
    let record = |record: &str, service: &str| {
        format!(
            "id: {record}\nservices: [{{id: {service}, credentials: [{{id: d, scope: global, configuration: {{K: v}}}}]}}]\n---\n"
        )
    };
    let records = [record("a-b", "c"), record("a", "b-c"), record("a-c", "b+c")].concat();
    let output = ext_with(&["convert", "-f", "-", "-o", "json"], &records);
    assert_eq!(output.code, 0, "{}", output.err);
    let of = "/spec/services/0/credentials/0/configuration/0/valueFrom/secretKeyRef/name";
    let names: BTreeSet<String> = list(&output.out)
        .iter()
        .map(|record| record.pointer(of).unwrap().as_str().unwrap().to_owned())
        .collect();
    let expected = ["a-b.c.d", "a-c.b-c.d", "a.b-c.d"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn reports_broken_files_without_output() {
    let folder = format!("{DATA}/broken");
    let mut expected = BTreeSet::new();
    planted(Path::new(&folder), &mut expected);
    let expected: BTreeSet<(String, u64, String)> = expected
        .into_iter()
        .flat_map(|(file, line, rules)| {
            let rules: Vec<String> = rules.split(" !").map(str::to_owned).collect();
            rules
                .into_iter()
                .map(move |rule| (file.clone(), line, rule))
        })
        .collect();
    assert!(expected.len() >= 25, "{} are planted", expected.len());
    let output = ext(&["convert", &folder]);
    assert_eq!((output.code, &*output.out), (1, ""));
    assert!(!output.err.contains("canary"));
    let found: BTreeSet<(String, u64, String)> = output
        .err
        .lines()
        .filter(|line| !line.starts_with("  hint: "))
        .map(|line| {
            let parts: Vec<&str> = line.splitn(4, ':').collect();
            let (_, rule) = parts[3].split_once('[').unwrap();
            let (rule, _) = rule.split_once(']').unwrap();
            assert!(parts[2].parse::<u64>().unwrap() > 0);
            (
                parts[0].to_owned(),
                parts[1].parse().unwrap(),
                rule.to_owned(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn converts_lists_and_skips_kubernetes_objects() {
    let records = "- id: one\n  services: []\n- id: two\n  product: two\n";
    let output = ext_with(&["convert", "-f", "-", "-o", "json"], records);
    assert_eq!((output.code, &*output.err), (0, ""));
    assert_eq!(list(&output.out).len(), 2);

    let object = "apiVersion: v1\nkind: ConfigMap\n";
    let output = ext_with(&["convert", "-f", "-"], object);
    assert_eq!((output.code, &*output.out), (0, ""));
    assert!(output.err.contains("warning[no-form]"), "{}", output.err);
}

/// Keys are strings in FuseML. YAML 1.1 would convert these.
#[test]
fn keeps_keys_as_written() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder, "secrets");
    let entries = "{N: a, Y: b, TRUE: c, 007: d, 1.20: e, 0x1F: f, 1e3: g}";
    let record = format!(
        "id: one\nconfiguration: {entries}\nservices:\n- id: s\n  credentials: [{{id: d, scope: global, configuration: {entries}}}]\n"
    );
    let arguments = ["convert", "-f", "-", "-o", "json", "--secrets", &file];
    let output = ext_with(&arguments, &record);
    assert_eq!((output.code, &*output.err), (0, ""));
    let record = &list(&output.out)[0];
    let names = |of: &str| {
        let entries = record.pointer(of).unwrap().as_array().unwrap().iter();
        let names = entries.map(|entry| entry["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let written = ["N", "Y", "TRUE", "007", "1.20", "0x1F", "1e3"];
    assert_eq!(names("/spec/configuration"), written);
    let of_credentials = "/spec/services/0/credentials/0/configuration";
    assert_eq!(names(of_credentials), written);
    let secrets = yaml(text(&file).trim_start_matches("---\n"));
    let keys: BTreeSet<&str> = secrets["stringData"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, BTreeSet::from(written));
}

#[test]
fn warns_of_empty_values() {
    let record = "id: one\nproduct: one\nconfiguration:\n  HOST: ~\n  PORT: \"\"\n";
    let output = ext_with(&["convert", "-f", "-", "-o", "json"], record);
    assert_eq!(output.code, 0);
    assert_eq!(
        list(&output.out)[0]["spec"]["configuration"][0]["value"],
        ""
    );
    insta::assert_snapshot!(output.err, @r#"
    -:4:3: warning[empty-value]: ClusterExtension one: configuration.HOST: `HOST` has no value and is converted to an empty string
      hint: write `""` if this is intended
    "#);
}

#[test]
fn suggests_fix_for_duplicate_keys() {
    let output = ext(&["convert", &format!("{DATA}/plain/kfserving-local.yaml")]);
    assert!(
        output.err.contains("hint: merge the two lists"),
        "{}",
        output.err
    );
    let output = ext_with(&["convert", "-f", "-"], "id: a\nproduct: b\nproduct: c\n");
    assert!(
        output.err.contains("hint: remove one of them"),
        "{}",
        output.err
    );
}

#[test]
fn ignores_fields_of_fuseml_server() {
    let files = "id: one\nproduct: one\ncreated: 2022-01-01T00:00:00Z\nstatus: {a: b}\n---\nname: train\ncreated: 2022-01-01T00:00:00Z\nstatus: {a: b}\nsteps: [{name: a, image: b}]\n";
    let output = ext_with(&["convert", "-f", "-", "-o", "json"], files);
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(list(&output.out).len(), 2);
    assert_eq!(
        output.err.matches("warning[no-place]").count(),
        4,
        "{}",
        output.err
    );
}

/// The minimal form has no other field for them.
#[test]
fn warns_of_credentials_in_plain_configuration() {
    let record = "id: one\nconfiguration:\n  PASSWORD: canary-7c31\n  HOST: store\n  STORE: http://user:canary-7c31@host/x\n";
    let output = ext_with(&["convert", "-f", "-"], record);
    assert_eq!(output.code, 0);
    insta::assert_snapshot!(output.err);
}

#[test]
fn rejects_invalid_project_and_namespace() {
    let file = format!("{DATA}/released/record.yaml");
    for arguments in [["--project", "P_1"], ["-n", "Bad NS"]] {
        let output = ext(&[&["convert", &file][..], &arguments].concat());
        assert_eq!((output.code, &*output.out), (2, ""), "{arguments:?}");
        assert!(output.err.contains(arguments[1]), "{}", output.err);
        assert!(output.err.contains("letters"), "{}", output.err);
    }
}

#[test]
fn secrets_are_not_written_to_standard_output() {
    let file = format!("{DATA}/released/record.yaml");
    let output = ext(&["convert", &file, "--secrets", "-"]);
    let exists = fs::remove_file("-").is_ok();
    assert!(!exists, "created a file named `-`");
    assert_eq!((output.code, &*output.out), (2, ""));
    assert!(
        output.err.contains("not written to standard output"),
        "{}",
        output.err
    );
}

#[test]
fn warns_of_credentials_for_no_one() {
    let record = "id: one\nservices: [{id: s, credentials: [{id: d, scope: user, users: [], configuration: {K: v}}]}]\n";
    let output = ext_with(&["convert", "-f", "-"], record);
    assert_eq!(output.code, 0);
    assert!(
        output.err.contains("warning[admits-nobody]"),
        "{}",
        output.err
    );
}
