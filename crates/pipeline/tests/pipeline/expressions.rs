//! Expressions in variables, inputs and arguments.

use serde_json::{Value, json};

use crate::support::{built, container, refused, same, task, variable, variables};

fn step(rest: &str) -> String {
    format!(
        "
inputs:
  - {{name: in, default: x}}
steps:
  - name: before
    image: before:1.0
    outputs: [{{name: out}}]
  - name: step
    image: step:1.0
    extensions: [{{name: kf, resource: kfserving-api}}]
{rest}
"
    )
}

/// Builds the variable for an `env` value.
fn value_of(value: &str) -> Value {
    let output = built(&step(&format!("    env: [{{name: V, value: '{value}'}}]")));
    variable(container(&output.pipeline, "step"), "V").clone()
}

#[test]
fn whole_values_become_references_and_others_helpers() {
    let key = |key: &str| json!({"secretKeyRef": {"name": "ext-kfserving-local-kfserving-api", "key": key}});
    for (text, expected) in [
        (
            "{{extension.kf.token}}",
            json!({"name": "V", "valueFrom": key("token")}),
        ),
        (
            "{{  extensions.kf.cfg.token  }}",
            json!({"name": "V", "valueFrom": key("token")}),
        ),
        (
            "{{ extension.kf.url }}",
            json!({"name": "V", "valueFrom": key("uri")}),
        ),
        (
            "{{ extension.kf.product }}",
            json!({"name": "V", "valueFrom": key("provider")}),
        ),
        (
            "{{ extension.kf.service_resource }}",
            json!({"name": "V", "valueFrom": key("type")}),
        ),
        (
            "{{ extension.kf.service_category }}",
            json!({"name": "V", "valueFrom": key("category")}),
        ),
        (
            " {{ extension.kf.token }}",
            json!({"name": "V", "value": " $(EXT_KF_TOKEN)"}),
        ),
        (
            "{{ extension.kf.token }}{{ extension.kf.url }}",
            json!({"name": "V", "value": "$(EXT_KF_TOKEN)$(EXT_KF_URI)"}),
        ),
        (
            "a$$(B) {{ .Values.x }}",
            json!({"name": "V", "value": "a$$(B) {{ .Values.x }}"}),
        ),
        (
            "$(A) {{ extension.kf.host }}$",
            json!({"name": "V", "value": "$(A) $(EXT_KF_HOST)$"}),
        ),
        (
            "${{ extension.kf.host }}",
            json!({"name": "V", "value": "$$$(EXT_KF_HOST)"}),
        ),
        (
            "$( {{ extension.kf.host }} )",
            json!({"name": "V", "value": "$$( $(EXT_KF_HOST) )"}),
        ),
        (
            "{{ inputs.in }}/{{ steps.before.outputs.out }}",
            json!({"name": "V", "value": "$(params.in)/$(params.before-out)"}),
        ),
        (
            "${{ inputs.in }}{{ extension.kf.host }}",
            json!({"name": "V", "value": "$$$(FUSEML_PARAM_IN)$(EXT_KF_HOST)"}),
        ),
    ] {
        assert_eq!(value_of(text), expected, "{text}");
    }
}

#[test]
fn helper_names_avoid_used_and_mentioned_names() {
    let output = built(&step(
        "    env:
      - {name: EXT_KF_TOKEN, value: mine}
      - {name: TEXT, value: '$(EXT_KF_HOST) {{ extension.kf.host }} {{ extension.kf.token }}'}
",
    ));
    let container = container(&output.pipeline, "step");
    assert_eq!(
        variable(container, "TEXT")["value"],
        "$(EXT_KF_HOST) $(EXT_KF_HOST_2) $(EXT_KF_TOKEN_2)"
    );
    assert_eq!(variable(container, "EXT_KF_TOKEN")["value"], "mine");
}

#[test]
fn variables_precede_their_references() {
    let output = built(&step(
        "    inputs: [{name: target-url, value: '{{ extension.kf.uri }}/{{ inputs.in }}'}]
    outputs: [{name: result}]
    env: [{name: OWN, value: a}, {name: FUSEML_ENV_WORKFLOW_NAME, value: mine}]
",
    ));
    assert_eq!(
        variables(container(&output.pipeline, "step")),
        [
            "SERVICE_BINDING_ROOT",
            "KFSERVING_NAMESPACE",
            "token",
            "EXT_KF_URI",
            "FUSEML_PARAM_IN",
            "FUSEML_ENV_WORKFLOW_NAMESPACE",
            "FUSEML_TARGET_URL",
            "TASK_RESULT",
            "OWN",
            "FUSEML_ENV_WORKFLOW_NAME",
        ]
    );
}

#[test]
fn passes_literal_input_as_param_with_unique_name() {
    let output = built(&step(
        "    inputs:
      - {name: model, value: '{{ steps.before.outputs.out }}.bin'}
      - {name: in, value: other}
    args: ['{{ inputs.in }}']
",
    ));
    let task = task(&output.pipeline, "step");
    assert_eq!(
        task["params"],
        json!([
            {"name": "model", "value": "$(tasks.before.results.out).bin"},
            {"name": "in-2", "value": "other"},
            {"name": "in", "value": "$(params.in)"},
        ])
    );
    let container = container(&output.pipeline, "step");
    assert_eq!(
        variable(container, "FUSEML_MODEL")["value"],
        "$(params.model)"
    );
    assert_eq!(variable(container, "FUSEML_IN")["value"], "$(params.in-2)");
    assert_eq!(container["args"], json!(["$(params.in)"]));
}

#[test]
fn reports_unknown_keys_and_requirements_with_column() {
    let rest = "    args: ['é {{ inputs.in }} {{ extension.kf.tokne }} {{ extension.kv.token }}']
    inputs: [{name: a, value: '{{ extension.kf.cfg.url }}'}]
    env: [{name: A, value: '{{ extension.kf.extension.yaml }}'}]
";
    same("unknown_keys", &refused(&step(rest)));
}
