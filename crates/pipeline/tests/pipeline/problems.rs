//! Problems that require no resolution.

use extension_registry_pipeline::check;

use crate::support::{format_problems, same, workflow};

fn found(yaml: &str) -> String {
    format_problems(&check(&workflow(yaml)))
}

#[test]
fn checks_names() {
    let names =
        "
inputs:
  - {name: a.b}
  - {name: a-b}
  - {name: a_b}
  - {name: a-b}
  - {name: code, type: codeset}
  - {name: code-url}
outputs:
  - {name: x}
  - {name: x}
  - {name: -y}
steps:
  - name: Trainer
    image: ' '
    inputs:
      - {name: a-b, value: x}
      - {name: A_B, value: x}
      - {name: env-workflow-name, value: x}
      - {name: a}
      - {name: 1a, value: x}
    outputs: [{name: a.b}]
    env:
      - {name: A=B, value: x}
      - {name: C, value: x}
      - {name: C, value: x}
      - {name: D, value: x, valueFrom: {fieldRef: {fieldPath: a}}}
    extensions:
      - {name: a.b, resource: x}
      - {name: a, resource: x}
      - {name: a, resource: x, environment: [{name: FUSEML_A, configuration: b}, {name: 'é', configuration: b}, {name: X, configuration: b}, {name: X, configuration: c}]}
  - {name: b, image: 'b:1'}
  - {name: b, image: 'b:1'}
";
    same("names", &found(names));
    same("no_steps", &found("steps: []"));
}

#[test]
fn checks_resources() {
    let resources = "
steps:
  - name: a
    image: a:1
    resources:
      limits: {cpu: '1', memory: 1Gi, gpu: '1', nvidia.com/gpu: 500m, hugepages-2Mi: 4Mi}
      requests: {cpu: 1500m, memory: 1073741825, ephemeral-storage: many, hugepages-2Mi: 2Mi, example.org/fpga: '1'}
  - name: b
    image: b:1
    resources:
      limits: {cpu: '1', memory: 1Gi, nvidia.com/gpu: '1'}
      requests: {cpu: 1e0, memory: 1024Mi, ephemeral-storage: 1.5G, nvidia.com/gpu: 1}
";
    same("resources", &found(resources));
}

#[test]
fn checks_places_of_expressions() {
    let places = "
inputs:
  - {name: in, default: 'x {{ inputs.in }} {{ .other }}'}
  - {name: code, type: codeset}
outputs:
  - {name: a, value: 'x {{ steps.a.outputs.out }}'}
  - {name: b, value: '{{ inputs.in }}'}
  - {name: c, value: '{{ steps.a.outputs.otu }}'}
steps:
  - name: a
    image: 'a:{{ inputs.in }}{{ extension.s.version }}'
    command: [sh, '{{ extension.s.uri }}', '{{ inputs.in }}']
    args: ['{{ inputs.inn }}', '{{ extension.sss.uri }}', '{{ extension.s }}', '{{ extnsion.s.uri }}', '{{ inputs.code }}']
    inputs:
      - codeset: {name: code, path: /code}
      - codeset: {name: '{{ inputs.in }}', path: project}
      - codeset: {name: '{{ inputs.code }}', path: '/{{ inputs.in }}'}
      - codeset: {name: '{{ inputs.code }} ', path: /tekton/x}
      - codeset: {name: '{{inputs.code}}', path: /code/}
    outputs: [{name: out}]
    extensions: [{name: s, resource: x}]
";
    same("places_of_expressions", &found(places));
}

#[test]
fn binding_root_must_be_literal_absolute_path() {
    for (value, is_fine) in [
        ("value: /bindings", true),
        ("value: //var/run/bindings/", true),
        ("value: /tekton/home/bindings", true),
        ("value: bindings", false),
        ("value: ''", false),
        ("value: /a/../b", false),
        ("value: '/a/$(B)'", false),
        ("value: '/a/$$(B)'", false),
        ("value: '/a/{{ inputs.in }}'", false),
        ("value: '{{ extension.s.uri }}'", false),
        ("value: /tekton/bindings", false),
        ("value: '/a:b'", false),
        ("valueFrom: {fieldRef: {fieldPath: spec.nodeName}}", false),
    ] {
        let problems = check(&workflow(&format!(
            "
inputs: [{{name: in}}]
steps:
  - name: a
    image: a:1
    env: [{{name: SERVICE_BINDING_ROOT, {value}}}]
    extensions: [{{name: s, resource: x}}]
"
        )));
        assert_eq!(
            problems.is_empty(),
            is_fine,
            "{value}: {}",
            format_problems(&problems)
        );
    }
}

#[test]
fn rejects_rendered_and_templated_secret_names() {
    let secrets = "
steps:
  - name: a
    image: a:1
    env:
      - {name: OWN, valueFrom: {secretKeyRef: {name: text-1.x, key: k}}}
      - {name: OTHER, valueFrom: {configMapKeyRef: {name: ext-a, key: k}}}
      - {name: A, valueFrom: {secretKeyRef: {name: ext-u-mlflow-0123456789abcdef, key: k}}}
      - {name: B, valueFrom: {secretKeyRef: {name: ext-, key: k}}}
      - {name: C, valueFrom: {secretKeyRef: {name: $(params.name), key: k}}}
      - {name: D, valueFrom: {secretKeyRef: {name: 'ext$(params.name)', key: k}}}
      - {name: E, valueFrom: {secretKeyRef: {name: Ext-u, key: k}}}
      - {name: F, valueFrom: {secretKeyRef: {name: '', key: k}}}
";
    same("names_of_secrets", &found(secrets));
}

#[test]
fn valid_workflow_has_no_problems() {
    let own = "steps: [{name: a, image: 'a:1', args: ['{{ .a }} {{ \"{{\" }} $(params.x)']}]";
    assert_eq!(found(own), "");
}

#[test]
fn output_of_workflow_requires_one_source() {
    let outputs = "
outputs:
  - {name: one}
  - {name: two}
  - {name: both}
  - {name: named, value: '{{ steps.a.outputs.both }}'}
  - {name: othr}
  - {name: missing}
steps:
  - {name: a, image: 'a:1', outputs: [{name: one}, {name: both}, {name: other}]}
  - {name: b, image: 'b:1', outputs: [{name: two}, {name: both}]}
";
    same("outputs", &found(outputs));
}
