//! What works, or is the engine's to judge, and is seldom meant.

use extension_registry_pipeline::{check, doubts};

use crate::support::{same, workflow};

fn found(yaml: &str) -> String {
    let spec = workflow(yaml);
    // None of it stops anything.
    assert_eq!(check(&spec), []);
    let doubts = doubts(&spec).into_iter();
    let lines = doubts.map(|one| {
        format!(
            "{}: {}: {}; hint: {}\n",
            one.rule, one.field, one.message, one.hint
        )
    });
    lines.collect()
}

#[test]
fn a_variable_that_hides_another_is_doubted() {
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
    same("doubts_shadowed", &found(text));
}

#[test]
fn params_that_nobody_declares_are_doubted() {
    let text = "
inputs: [{name: x, default: a}]
steps:
  - name: a
    image: 'a:$(params.x)'
    args: ['$(params.foo) $(params.foo) $(params.own) $$(params.bar) $(params.', '$(OTHER)']
    inputs: [{name: own, value: '$(params.x) $(params.baz)'}]
    env: [{name: E, value: '$(params.env.part)'}]
";
    same("doubts_params", &found(text));
}

#[test]
fn images_that_no_registry_has_are_doubted() {
    let odd = [
        "a b",
        "host/a:TAG:x",
        "a:5000/b:1",
        "host/Name:1",
        "'{{ foo.bar }}'",
        "h/a:1/b",
    ];
    for (index, image) in odd.into_iter().enumerate() {
        // A host with a port, and nothing else.
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
fn inputs_that_nobody_reads_are_doubted() {
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
    same("doubts_unused", &found(text));
}
