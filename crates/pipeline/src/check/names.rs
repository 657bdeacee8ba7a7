//! Checks that names are unique and valid for Kubernetes and the engine.

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_api::workflow::{Step, StepInput, WorkflowInput, WorkflowSpec};

use crate::engine::Engine;
use crate::generate::codeset::{input_of, params_of};
use crate::names::{input_variable, is_input, is_label, is_output, is_variable};
use crate::path;
use crate::problem::Problem;
use crate::spec::{is_codeset, step_field};

const INPUT_HINT: &str = "begin with a letter or `_` and use letters, digits, `-` and `_`";
const OUTPUT_HINT: &str =
    "use letters, digits, `-` and `_`, and begin and end with a letter or digit";

pub(super) fn check(spec: &WorkflowSpec, engine: &dyn Engine, problems: &mut Vec<Problem>) {
    if spec.steps.is_empty() {
        problems.push(Problem::invalid(
            "spec.steps",
            None,
            "the workflow has no steps",
            "add at least one step",
        ));
    }
    inputs(&spec.inputs, problems);
    let mut outputs = BTreeSet::new();
    for (index, output) in spec.outputs.iter().enumerate() {
        let field = format!("spec.outputs[{index}].name");
        check_name(
            &field,
            None,
            "output",
            &output.name,
            is_output(&output.name),
            OUTPUT_HINT,
            &mut outputs,
            problems,
        );
    }
    let mut steps = BTreeSet::new();
    for (index, step) in spec.steps.iter().enumerate() {
        let hint = "use lowercase letters, digits and `-`, at most 63 characters";
        let field = format!("{}.name", step_field(index));
        check_name(
            &field,
            Some(&step.name),
            "step",
            &step.name,
            is_label(&step.name),
            hint,
            &mut steps,
            problems,
        );
        step_names(index, step, engine, problems);
    }
}

fn inputs(inputs: &[WorkflowInput], problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    let mut variables: BTreeMap<String, &str> = BTreeMap::new();
    for (index, input) in inputs.iter().enumerate() {
        let field = format!("spec.inputs[{index}].name");
        let is_new = !seen.contains(input.name.as_str());
        check_name(
            &field,
            None,
            "input",
            &input.name,
            is_input(&input.name),
            INPUT_HINT,
            &mut seen,
            problems,
        );
        if is_new && let Some(other) = variables.insert(input.name.replace('-', "_"), &input.name) {
            problems.push(Problem::invalid(
                &field,
                None,
                format!(
                    "inputs `{other}` and `{}` differ only in `-` and `_`",
                    input.name
                ),
                "rename one of them",
            ));
        }
        for param in is_codeset(input)
            .then(|| params_of(&input.name))
            .into_iter()
            .flatten()
        {
            if inputs.iter().any(|other| other.name == param) {
                problems.push(Problem::invalid(
                    &field,
                    None,
                    format!(
                        "codeset `{}` requires the parameter `{param}`, but an input has this name",
                        input.name
                    ),
                    "rename one of them",
                ));
            }
        }
    }
}

fn step_names(index: usize, step: &Step, engine: &dyn Engine, problems: &mut Vec<Problem>) {
    let field = step_field(index);
    let name = Some(step.name.as_str());
    if step.image.trim().is_empty() {
        problems.push(Problem::invalid(
            format!("{field}.image"),
            name,
            "missing image",
            "set `image`",
        ));
    }
    let mut outputs = BTreeSet::new();
    for (position, output) in step.outputs.iter().enumerate() {
        let field = format!("{field}.outputs[{position}].name");
        check_name(
            &field,
            name,
            "output",
            &output.name,
            is_output(&output.name),
            OUTPUT_HINT,
            &mut outputs,
            problems,
        );
    }
    let mut variables = BTreeSet::new();
    for (position, variable) in step.env.iter().enumerate() {
        let field = format!("{field}.env[{position}]");
        let hint = "use printable ASCII without `=`";
        let is_valid = is_variable(&variable.name);
        check_name(
            &format!("{field}.name"),
            name,
            "variable",
            &variable.name,
            is_valid,
            hint,
            &mut variables,
            problems,
        );
        if variable.value.is_some() && variable.value_from.is_some() {
            let message = format!(
                "variable `{}` sets both `value` and `valueFrom`",
                variable.name
            );
            problems.push(Problem::invalid(field, name, message, "remove one of them"));
        }
    }
    step_inputs(&field, step, engine, problems);
}

fn step_inputs(field: &str, step: &Step, engine: &dyn Engine, problems: &mut Vec<Problem>) {
    let name = Some(step.name.as_str());
    let mut variables: BTreeMap<String, &str> = BTreeMap::new();
    let mut codesets = BTreeSet::new();
    let mut paths = BTreeSet::new();
    for (position, input) in step.inputs.iter().enumerate() {
        let field = format!("{field}.inputs[{position}]");
        match input {
            StepInput {
                name: Some(input),
                value: Some(_),
                codeset: None,
            } => {
                if !is_input(input) {
                    let message = format!("invalid input name `{input}`");
                    problems.push(Problem::invalid(
                        format!("{field}.name"),
                        name,
                        message,
                        INPUT_HINT,
                    ));
                }
                let variable = input_variable(input);
                let is_reserved = variable.starts_with("FUSEML_ENV_WORKFLOW_NAME");
                if is_reserved
                    && matches!(
                        &*variable,
                        "FUSEML_ENV_WORKFLOW_NAME" | "FUSEML_ENV_WORKFLOW_NAMESPACE"
                    )
                {
                    let message =
                        format!("input `{input}` maps to the reserved variable `{variable}`");
                    problems.push(Problem::invalid(
                        format!("{field}.name"),
                        name,
                        message,
                        "rename the input",
                    ));
                } else if let Some(other) = variables.insert(variable.clone(), input) {
                    let (message, hint) = if other == input {
                        (format!("duplicate input `{input}`"), "remove one of them")
                    } else {
                        let message = format!(
                            "inputs `{other}` and `{input}` map to the same variable `{variable}`"
                        );
                        (message, "rename one of them")
                    };
                    problems.push(Problem::invalid(
                        format!("{field}.name"),
                        name,
                        message,
                        hint,
                    ));
                }
            }
            StepInput {
                name: None,
                value: None,
                codeset: Some(codeset),
            } => {
                if !codesets.insert(input_of(&codeset.name).unwrap_or_else(|| codeset.name.clone()))
                {
                    let message = "duplicate codeset";
                    problems.push(Problem::invalid(
                        &field,
                        name,
                        message,
                        "remove one of them",
                    ));
                }
                let path = path::normalize(&codeset.path)
                    .filter(|path| path != "/" && !engine.is_reserved(path));
                match path {
                    Some(path) if !paths.insert(path.clone()) => {
                        let message = format!("two codesets are mounted at `{path}`");
                        problems.push(Problem::invalid(
                            format!("{field}.codeset.path"),
                            name,
                            message,
                            "choose another path",
                        ));
                    }
                    Some(_) => {}
                    None => problems.push(Problem::invalid(
                        format!("{field}.codeset.path"),
                        name,
                        "invalid mount path",
                        "use an absolute path such as `/project`",
                    )),
                }
            }
            _ => problems.push(Problem::invalid(
                field,
                name,
                "an input requires either `name` and `value`, or `codeset`",
                "set one or the other",
            )),
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call per kind of name, each with its own hint"
)]
fn check_name<'n>(
    field: &str,
    step: Option<&str>,
    what: &str,
    name: &'n str,
    is_valid: bool,
    hint: &str,
    seen: &mut BTreeSet<&'n str>,
    problems: &mut Vec<Problem>,
) {
    if !is_valid {
        problems.push(Problem::invalid(
            field,
            step,
            format!("invalid {what} name `{name}`"),
            hint,
        ));
    }
    if !seen.insert(name) {
        let message = format!("duplicate {what} `{name}`");
        // Two steps of one name do different work; an entry with the same name says the same again.
        let hint = if what == "step" {
            "rename one of them"
        } else {
            "remove one of them"
        };
        problems.push(Problem::invalid(field, step, message, hint));
    }
}
