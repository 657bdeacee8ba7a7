//! Conflicting variables, mounts and volumes.

use extension_registry_core::diagnostic::Explain;
use serde_json::json;

use crate::support::{
    build_with, built, container, format_problems, record, refused, same, seed_records, task,
    variable, variables, workflow,
};

const TWO_STORES: &str = "
steps:
  - name: copy
    image: copy:1.0
    extensions:
      - {name: from, resource: s3}
      - {name: to, resource: mlflow-storage}
";

#[test]
fn reports_every_conflict_with_both_requirements() {
    same("clashes", &refused(TWO_STORES));
}

#[test]
fn variable_of_step_resolves_conflict() {
    let output = built(&format!(
        "{TWO_STORES}
    env:
      - {{name: AWS_ACCESS_KEY_ID, value: own}}
      - {{name: AWS_SECRET_ACCESS_KEY, value: '{{{{ extension.to.AWS_SECRET_ACCESS_KEY }}}}'}}
"
    ));
    let container = container(&output.pipeline, "copy");
    assert_eq!(
        variable(container, "AWS_ACCESS_KEY_ID"),
        &json!({"name": "AWS_ACCESS_KEY_ID", "value": "own"})
    );
    assert_eq!(
        variable(container, "AWS_SECRET_ACCESS_KEY")["valueFrom"],
        json!({"secretKeyRef": {"name": "ext-mlflow-0001-mlflow-storage", "key": "AWS_SECRET_ACCESS_KEY"}})
    );
    assert_eq!(
        variables(container)
            .iter()
            .filter(|name| name.starts_with("AWS"))
            .count(),
        2
    );
}

#[test]
fn mapping_resolves_conflict() {
    let output = built(
        "
steps:
  - name: copy
    image: copy:1.0
    extensions:
      - {name: from, resource: s3}
      - {name: to, resource: mlflow-storage, environment: [{name: TO_ID, configuration: AWS_ACCESS_KEY_ID}]}
      - {name: files, resource: mlflow-storage, environment: []}
",
    );
    assert_eq!(
        variables(container(&output.pipeline, "copy")),
        [
            "SERVICE_BINDING_ROOT",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "TO_ID",
            "FUSEML_ENV_WORKFLOW_NAMESPACE",
            "FUSEML_ENV_WORKFLOW_NAME"
        ]
    );
}

#[test]
fn same_secret_and_key_is_no_conflict() {
    let output = built(
        "
steps:
  - name: copy
    image: copy:1.0
    extensions:
      - {name: a, resource: mlflow-storage}
      - {name: b, resource: mlflow-storage}
",
    );
    let spec = &task(&output.pipeline, "copy")["taskSpec"];
    let mounts = spec["steps"][0]["volumeMounts"].as_array().expect("mounts");
    let paths: Vec<_> = mounts.iter().map(|mount| &mount["mountPath"]).collect();
    assert_eq!(paths, ["/bindings/a", "/bindings/b"]);
}

#[test]
fn record_configuration_is_one_source_for_all_services() {
    let output = built(
        "
steps:
  - name: a
    image: a:1.0
    extensions:
      - {name: tracker, resource: mlflow-tracker}
      - {name: storage, resource: mlflow-storage}
",
    );
    let source = &variable(container(&output.pipeline, "a"), "MLFLOW_TRACKING_URI")["valueFrom"];
    assert_eq!(
        source["secretKeyRef"]["name"],
        "ext-mlflow-0001-mlflow-tracker"
    );
}

#[test]
fn configuration_of_two_records_conflicts() {
    let mut records = seed_records();
    records.push(record(
        "mlflow-0003",
        "mlflow",
        "ui",
        &["MLFLOW_TRACKING_URI"],
        &[],
    ));
    let spec = workflow(
        "
steps:
  - name: a
    image: a:1.0
    extensions:
      - {name: tracker, resource: mlflow-tracker}
      - {name: ui, resource: ui}
",
    );
    let problems = build_with(&records, &spec).expect_err("a clash");
    assert!(
        format_problems(&problems).contains("`tracker` and `ui` set `MLFLOW_TRACKING_URI`"),
        "{problems:?}"
    );
}

#[test]
fn skips_dangerous_variables_unless_mapped() {
    let output = built(
        "
steps:
  - name: a
    image: a:1.0
    extensions: [{name: store, resource: s3}]
  - name: b
    image: b:1.0
    extensions: [{name: store, resource: s3, environment: [{name: PYTHONPATH, configuration: LD_PRELOAD}]}]
  - name: c
    image: c:1.0
    env: [{name: LD_PRELOAD, value: own}]
    extensions: [{name: store, resource: s3}]
",
    );
    same("notes_of_dangerous_names", &output.notes.join("\n"));
    assert!(!variables(container(&output.pipeline, "a")).contains(&"LD_PRELOAD"));
    assert_eq!(
        variable(container(&output.pipeline, "b"), "PYTHONPATH")["valueFrom"]["secretKeyRef"]["key"],
        "LD_PRELOAD"
    );
}

#[test]
fn rejects_codeset_at_path_of_binding() {
    same(
        "codeset_at_a_binding",
        &refused(
            "
inputs:
  - {name: code, type: codeset}
steps:
  - name: a
    image: a:1.0
    inputs: [{codeset: {name: '{{ inputs.code }}', path: /bindings//store/}}]
    extensions: [{name: store, resource: s3}]
",
        ),
    );
}

#[test]
fn truncates_volume_names_uniquely() {
    let first = format!("{}a", "x".repeat(62));
    let second = format!("{}b", "x".repeat(62));
    let output = built(&format!(
        "
steps:
  - name: a
    image: a:1.0
    extensions:
      - {{name: {first}, resource: s3, environment: []}}
      - {{name: {second}, resource: mlflow-storage, environment: []}}
"
    ));
    let volumes = task(&output.pipeline, "a")["taskSpec"]["volumes"]
        .as_array()
        .expect("volumes");
    let names: Vec<&str> = volumes
        .iter()
        .filter_map(|volume| volume["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            format!("ext-{}", "x".repeat(59)),
            format!("ext-{}-2", "x".repeat(57))
        ]
    );
}

#[test]
fn reports_problems_of_all_steps() {
    let mut records = seed_records();
    records.push(record(
        "other",
        "other",
        "other",
        &["AWS_ACCESS_KEY_ID"],
        &[],
    ));
    let spec = workflow(
        "
inputs: [{name: a.b}]
steps:
  - name: A
    image: '{{ extension.s.uri }}'
    args: ['{{ inptus.x }}', '{{ extension.s.cfg.uri }}', '{{ extension.t.uri }}']
    extensions: [{name: s, resource: s3}, {name: u, resource: other}, {name: nowhere, resource: nothing}]
    runAfter: [b]
  - name: b
    image: b:1.0
    env: [{name: SERVICE_BINDING_ROOT, value: bindings}]
    extensions: [{name: s, resource: s3, environment: [{name: X, configuration: urk}, {name: TASK_RESULT, configuration: url}]}]
",
    );
    let problems = build_with(&records, &spec).expect_err("problems");
    same("problems_of_all_steps", &format_problems(&problems));
}

/// Problems of two requirements that map `SAME` from these keys.
fn mapped(first: &str, second: &str, more: &str) -> Vec<String> {
    let spec = format!(
        "
steps:
  - name: copy
    image: copy:1.0
    extensions:
      - {{name: from, product: p, environment: [{{name: SAME, configuration: {first}}}]}}
      - {{name: to, product: p, environment: [{{name: SAME, configuration: {second}}}]}}
{more}"
    );
    extension_registry_pipeline::check(&workflow(&spec))
        .iter()
        .map(Explain::explained)
        .collect()
}

#[test]
fn reports_conflicting_mappings_before_resolution() {
    assert_eq!(
        mapped("A", "B", ""),
        [
            "step `copy`, spec.steps[0].extensions: requirements `from` and `to` set `SAME` from different sources; hint: rename it with `environment` in all but one of them, or set `SAME` in `env`"
        ]
    );
    for (first, second, more) in [
        ("A", "A", ""),
        ("uri", "url", ""),
        ("A", "B", "    env: [{name: SAME, value: own}]"),
    ] {
        assert_eq!(mapped(first, second, more), Vec::<String>::new());
    }
}
