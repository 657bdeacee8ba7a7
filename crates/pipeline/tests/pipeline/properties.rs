//! Properties of all pipelines.

use std::collections::BTreeSet;

use extension_registry_api::requirement::{RequirementSpec, ServiceRequirement};
use extension_registry_api::workflow::{
    EnvVar, InputKind, Step, StepInput, StepOutput, WorkflowInput, WorkflowSpec,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::run::{Run, expand};
use crate::support::{VALUE, build_with, container, format_problems, record, tasks, variable};

/// Fragments of literal text that could affect generated references.
fn own_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("$"),
        Just("$$"),
        Just("$("),
        Just(")"),
        Just("$(OWN)"),
        Just("$(EXT_S_KEY)"),
        Just("{{ .Values.x }}"),
        Just("}}"),
        Just("é "),
        Just("a"),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    let expression = prop_oneof![
        Just("{{ extension.s.KEY }}"),
        Just("{{extensions.t.uri}}"),
        Just("{{ extension.s.uri }}"),
        Just("{{ inputs.in }}"),
        Just("{{ inputs.code }}"),
        Just("{{ steps.first.outputs.out }}"),
        Just(""),
    ];
    prop::collection::vec((own_text(), expression), 0..4).prop_map(|pieces| {
        pieces
            .into_iter()
            .map(|(own, expression)| own + expression)
            .collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let names = prop::sample::subsequence(
        vec![
            "OWN",
            "KEY",
            "EXT_S_KEY",
            "EXT_T_URI",
            "FUSEML_PARAM_IN",
            "TASK_RESULT",
        ],
        0..6,
    );
    let inputs = prop::collection::btree_map(
        prop::sample::select(vec!["in", "model", "first-out"]),
        text(),
        0..3,
    );
    (
        names,
        prop::collection::vec(text(), 6),
        inputs,
        prop::collection::vec(text(), 0..3),
    )
        .prop_map(|(names, values, inputs, args)| Step {
            name: "second".to_owned(),
            image: "step:{{ inputs.in }}".to_owned(),
            args,
            inputs: inputs
                .into_iter()
                .map(|(name, value)| StepInput {
                    name: Some(name.to_owned()),
                    value: Some(value),
                    codeset: None,
                })
                .collect(),
            outputs: vec![StepOutput {
                name: "out".to_owned(),
                description: None,
            }],
            env: names
                .into_iter()
                .zip(values)
                .map(|(name, value)| EnvVar {
                    name: name.to_owned(),
                    value: Some(value),
                    value_from: None,
                })
                .collect(),
            extensions: [("s", "s"), ("t", "t")]
                .map(|(name, resource)| RequirementSpec {
                    name: name.to_owned(),
                    requirement: ServiceRequirement {
                        resource: Some(resource.to_owned()),
                        ..ServiceRequirement::default()
                    },
                })
                .into(),
            ..Step::default()
        })
}

fn with_step(step: Step) -> WorkflowSpec {
    let input = |name: &str, kind| WorkflowInput {
        name: name.to_owned(),
        kind,
        ..WorkflowInput::default()
    };
    WorkflowSpec {
        inputs: vec![input("in", None), input("code", Some(InputKind::Codeset))],
        steps: vec![
            Step {
                name: "first".to_owned(),
                image: "first:1".to_owned(),
                outputs: vec![StepOutput {
                    name: "out".to_owned(),
                    description: None,
                }],
                ..Step::default()
            },
            step,
        ],
        ..WorkflowSpec::default()
    }
}

fn pipeline_of(spec: &WorkflowSpec) -> Value {
    let records = [
        record("one", "p", "s", &["KEY"], &[]),
        record("two", "p", "t", &["OTHER"], &["token"]),
    ];
    build_with(&records, spec)
        .unwrap_or_else(|problems| panic!("{}", format_problems(&problems)))
        .pipeline
}

proptest! {
    #[test]
    fn pipeline_is_deterministic_and_contains_no_values(step in step()) {
        let spec = with_step(step);
        let pipeline = pipeline_of(&spec).to_string();
        prop_assert_eq!(&pipeline, &pipeline_of(&spec).to_string());
        prop_assert!(!pipeline.contains(VALUE));
    }

    #[test]
    fn literal_text_is_preserved(own in own_text()) {
        let spec = with_step(Step {
            args: vec![own.clone()],
            env: vec![EnvVar { name: "V".to_owned(), value: Some(own.clone()), value_from: None }],
            inputs: vec![StepInput { name: Some("v".to_owned()), value: Some(own.clone()), codeset: None }],
            ..with_step(Step { name: "second".to_owned(), image: "a:1".to_owned(), ..Step::default() }).steps[1].clone()
        });
        let pipeline = pipeline_of(&spec);
        let container = container(&pipeline, "second");
        prop_assert_eq!(&container["args"][0], &own);
        prop_assert_eq!(&variable(container, "V")["value"], &own);
        prop_assert_eq!(&crate::support::task(&pipeline, "second")["params"][0]["value"], &own);
    }

    #[test]
    fn values_reach_container_unchanged(before in own_text(), between in own_text()) {
        // Each piece is expanded by itself; values of extensions are not expanded.
        let text = format!("{before}{{{{ extension.s.KEY }}}}{between}{{{{ inputs.in }}}}{{{{ extension.t.uri }}}}");
        let mut step = with_step(Step::default()).steps[1].clone();
        step.name = "second".to_owned();
        step.image = "a:1".to_owned();
        step.args = vec![text.clone()];
        step.env = vec![
            EnvVar { name: "OWN".to_owned(), value: Some("mine".to_owned()), value_from: None },
            EnvVar { name: "V".to_owned(), value: Some(text), value_from: None },
        ];
        step.extensions = ["s", "t"].map(|name| RequirementSpec {
            name: name.to_owned(),
            requirement: ServiceRequirement {
                resource: Some(name.to_owned()),
                ..ServiceRequirement::default()
            },
        }).into();
        let pipeline = pipeline_of(&with_step(step));
        let run = Run::of(&pipeline);
        let own = |text: &str| expand(text, &run.variables);
        // A lone `$` and an unclosed `$(` are literal and must not affect the next piece.
        let expected = format!("{}<$(KEY)$$>{}IN$<$(uri)$$>", own(&before), own(&between));
        let arguments = container(&pipeline, "second")["args"][0].as_str().expect("text").to_owned();
        prop_assert_eq!(run.sees(&arguments), expected.clone());
        prop_assert_eq!(&run.variables["V"], &expected);
    }

    #[test]
    fn pipeline_is_consistent(step in step()) {
        let spec = with_step(step);
        let pipeline = pipeline_of(&spec);
        for task in tasks(&pipeline) {
            let list = |value: &Value, field: &str| -> Vec<String> {
                value.as_array().into_iter().flatten().filter_map(|item| item[field].as_str()).map(str::to_owned).collect()
            };
            let declared = list(&task["taskSpec"]["params"], "name");
            prop_assert_eq!(&declared, &list(&task["params"], "name"));
            prop_assert_eq!(declared.len(), declared.iter().collect::<BTreeSet<_>>().len());
            let text = task["taskSpec"].to_string();
            for (start, _) in text.match_indices("$(params.") {
                let name: String = text[start + 9..].chars().take_while(|character| *character != ')').collect();
                prop_assert!(declared.contains(&name), "{name} in {text}");
            }
            let container = &task["taskSpec"]["steps"][0];
            let volumes = list(&task["taskSpec"]["volumes"], "name");
            for mount in list(&container["volumeMounts"], "name") {
                prop_assert!(volumes.contains(&mount));
            }
            let variables = list(&container["env"], "name");
            prop_assert_eq!(variables.len(), variables.iter().collect::<BTreeSet<_>>().len(), "{:?}", variables);
        }
        for own in &spec.steps[1].env {
            let position = |name: &str| crate::support::variables(container(&pipeline, "second")).iter().position(|known| *known == name);
            prop_assert!(position(&own.name).is_some());
        }
    }
}
