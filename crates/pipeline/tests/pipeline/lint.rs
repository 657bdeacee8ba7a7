//! Lint warnings.

use extension_registry_pipeline::{check, lint};

use crate::support::{same, workflow};

fn found(yaml: &str) -> String {
    let spec = workflow(yaml);
    // Lint warnings do not prevent a pipeline.
    assert_eq!(check(&spec), []);
    let warnings = lint(&spec).into_iter();
    let lines = warnings.map(|one| {
        format!(
            "{}: {}: {}; hint: {}\n",
            one.rule, one.field, one.message, one.hint
        )
    });
    lines.collect()
}

#[test]
fn warns_about_shadowed_variables() {
    let text = "
inputs: [{name: x}]
steps:
  - name: a
    image: 'a:1'
    inputs: [{name: some-x, value: '{{ inputs.x }}'}]
    outputs: [{name: out}]
    env:
      - {name: FUSEML_SOME_X, value: a}
      - {name: TASK_RESULT, value: a}
      - {name: FUSEML_ENV_WORKFLOW_NAME, value: a}
      - {name: FUSEML_OTHER, value: a}
  - name: b
    image: 'b:1'
    env: [{name: TASK_RESULT, value: a}, {name: FUSEML_SOME_X, value: a}]
";
    same("lint_shadowed", &found(text));
}

#[test]
fn warns_about_undeclared_params() {
    let text = "
inputs: [{name: x, default: a}]
steps:
  - name: a
    image: 'a:$(params.x)'
    args: ['$(params.foo) $(params.foo) $(params.own) $$(params.bar) $(params.', '$(OTHER)']
    inputs: [{name: own, value: '$(params.x) $(params.baz)'}]
    env: [{name: E, value: '$(params.env.part)'}]
";
    same("lint_params", &found(text));
}

#[test]
fn warns_about_invalid_image_references() {
    let odd = [
        "a b",
        "host/a:TAG:x",
        "a:5000/b:1",
        "host/Name:1",
        "'{{ foo.bar }}'",
        "h/a:1/b",
    ];
    for (index, image) in odd.into_iter().enumerate() {
        // A host with a port is valid.
        let is_fine = index == 2;
        let text = found(&format!("steps: [{{name: a, image: {image}}}]"));
        assert_eq!(
            text.starts_with("odd-image: spec.steps[0].image"),
            !is_fine,
            "{image}: {text}"
        );
    }
    let digest = format!("Host.example:5000/a/b:v1.0-RC@sha256:{}", "a".repeat(64));
    for image in [
        "busybox",
        "busybox:1.37",
        "ghcr.io/a/b_c.d:Tag",
        "localhost:5000/a:1",
        &digest,
    ] {
        assert_eq!(
            found(&format!("steps: [{{name: a, image: '{image}'}}]")),
            "",
            "{image}"
        );
    }
    let chosen = "
inputs: [{name: x}]
steps:
  - {name: a, image: 'a:1', outputs: [{name: out}]}
  - {name: b, image: '{{ steps.a.outputs.out }}'}
  - {name: c, image: 'host/{{ inputs.x }}/c:{{ inputs.x }}'}
";
    assert_eq!(found(chosen), "");
}

#[test]
fn warns_about_unused_inputs() {
    let text = "
inputs:
  - {name: code, type: codeset}
  - {name: read}
  - {name: passed}
  - {name: unused}
steps:
  - name: a
    image: 'a:1'
    args: ['{{ inputs.read }}']
    inputs:
      - {codeset: {name: '{{ inputs.code }}', path: /project}}
      - {name: unused, value: '$(params.passed)'}
";
    same("lint_unused", &found(text));
}
