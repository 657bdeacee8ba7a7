//! Conversion of steps to tasks.

mod params;

use extension_registry_api::workflow::{EnvVar, Step, WorkflowSpec};
use extension_registry_core::projection::environment::RESULT_VARIABLE;
use serde_json::{Value, json};

use crate::check::order::Order;
use crate::engine::Engine;
use crate::generate::codeset::input_of;
use crate::generate::model::{Codeset, Container, MountedCodeset, Task};
use crate::generate::step::params::Params;
use crate::names::input_variable;

/// Context of a step.
pub(super) struct Workflow<'w> {
    pub(super) name: &'w str,
    pub(super) namespace: &'w str,
    pub(super) spec: &'w WorkflowSpec,
    pub(super) engine: &'w dyn Engine,
    pub(super) order: &'w Order,
    pub(super) codesets: &'w [Codeset],
}

/// Returns the task of a step.
///
/// The order of variables matters, because `$(VAR)` expands only preceding variables: parameters used in
/// expressions, the workflow, the inputs, the output, and the variables of the step, which override
/// generated variables.
pub(super) fn task(workflow: &Workflow<'_>, index: usize, notes: &mut Vec<String>) -> Option<Task> {
    let step = workflow.spec.steps.get(index)?;
    let mut params = Params::new(workflow.spec, workflow.engine, step);
    let image = params.reference(&step.image);
    let inputs: Vec<Value> = step
        .inputs
        .iter()
        .filter_map(|input| Some((input.name.as_deref()?, input.value.as_deref()?)))
        .map(|(name, value)| {
            let value = params.input(name, value);
            json!({"name": input_variable(name), "value": value})
        })
        .collect();
    let args = step.args.iter().map(|text| params.text(text)).collect();
    let own: Vec<Value> = step
        .env
        .iter()
        .map(|variable| own_variable(variable, &mut params))
        .collect();
    let codesets = mounted(step);
    let (passed, texts) = params.finish();

    let mut env = texts;
    env.push(json!({"name": "FUSEML_ENV_WORKFLOW_NAMESPACE", "value": workflow.namespace}));
    env.push(json!({"name": "FUSEML_ENV_WORKFLOW_NAME", "value": workflow.name}));
    env.extend(inputs);
    if let Some(first) = step.outputs.first() {
        env.push(json!({"name": RESULT_VARIABLE, "value": first.name}));
        if step.outputs.len() > 1 {
            notes.push(format!(
                "step `{}`: `{RESULT_VARIABLE}` contains only the first of its {} outputs, `{}`",
                step.name,
                step.outputs.len(),
                first.name
            ));
        }
    }
    env.retain(|variable| {
        !step
            .env
            .iter()
            .any(|own| variable.get("name").and_then(Value::as_str) == Some(&own.name))
    });
    env.extend(own);
    Some(Task {
        name: step.name.clone(),
        run_after: run_after(workflow, index, &codesets),
        params: passed,
        codesets,
        results: step
            .outputs
            .iter()
            .map(|output| (output.name.clone(), output.description.clone()))
            .collect(),
        container: Container {
            image,
            command: step.command.clone(),
            args,
            env,
            resources: step
                .resources
                .as_ref()
                .and_then(|resources| serde_json::to_value(resources).ok()),
        },
    })
}

fn own_variable(variable: &EnvVar, params: &mut Params<'_>) -> Value {
    let mut object = json!({"name": variable.name});
    if let Some(value) = &variable.value {
        object["value"] = json!(params.text(value));
    }
    if let Some(source) = variable
        .value_from
        .as_ref()
        .and_then(|source| serde_json::to_value(source).ok())
    {
        object["valueFrom"] = source;
    }
    object
}

fn mounted(step: &Step) -> Vec<MountedCodeset> {
    step.inputs
        .iter()
        .filter_map(|input| input.codeset.as_ref())
        .filter_map(|codeset| {
            Some(MountedCodeset {
                name: input_of(&codeset.name)?,
                path: codeset.path.clone(),
            })
        })
        .collect()
}

/// Returns the clone tasks of the step's codesets, and the steps it waits for.
fn run_after(workflow: &Workflow<'_>, index: usize, mounted: &[MountedCodeset]) -> Vec<String> {
    let clones = mounted
        .iter()
        .filter_map(|mounted| {
            workflow
                .codesets
                .iter()
                .find(|codeset| codeset.name == mounted.name)
        })
        .map(|codeset| codeset.task.clone());
    let steps = workflow
        .order
        .waits_for(index)
        .iter()
        .filter_map(|step| workflow.spec.steps.get(*step));
    clones.chain(steps.map(|step| step.name.clone())).collect()
}
