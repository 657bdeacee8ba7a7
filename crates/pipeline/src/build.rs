//! Generates and patches the pipeline of a workflow.

use std::collections::BTreeMap;

use extension_registry_api::workflow::{Step, WorkflowSpec};
use extension_registry_core::expression::{Segment, Template};
use extension_registry_core::refusal::{Reason, Refusal};
use serde_json::Value;

use crate::check::check_for;
use crate::check::texts::{Allowed, texts};
use crate::engine::Engine;
use crate::generate;
use crate::names::input_variable;
use crate::patch::{self, Location, PatchError, ServiceBinding, Site, key_of};
use crate::problem::Problem;
use crate::spec::{find_step, step_field};

/// A workflow and the services that its requirements are bound to.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Name of the workflow, and of its pipeline.
    pub name: &'a str,
    /// Namespace of the workflow and its pipeline.
    pub namespace: &'a str,
    /// The workflow.
    pub spec: &'a WorkflowSpec,
    /// Bindings of each step by its name, in any order.
    pub bindings: &'a BTreeMap<String, Vec<ServiceBinding<'a>>>,
    /// Engine that runs the pipeline.
    pub engine: &'a dyn Engine,
}

/// A pipeline and warnings for its author.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The pipeline object, without an owner reference.
    pub pipeline: Value,
    /// Warnings, in step order.
    pub notes: Vec<String>,
}

/// Builds the pipeline of a workflow. The output is deterministic.
///
/// # Errors
/// Returns all problems.
pub fn build(input: &Input<'_>) -> Result<Output, Vec<Problem>> {
    let Input {
        name,
        namespace,
        spec,
        engine,
        ..
    } = *input;
    let mut problems = check_for(spec, engine);
    let is_valid = problems.is_empty();
    problems.extend(unresolved(input));
    problems.extend(unknown_keys(input));
    if !is_valid {
        // There is no container to patch, but the variables of the requirements can be compared.
        for step in &spec.steps {
            let own: Vec<&str> = step
                .env
                .iter()
                .map(|variable| variable.name.as_str())
                .collect();
            let errors = patch::plan(&bindings_of(input, step), &own).errors;
            add(&mut problems, spec, &step.name, errors);
        }
        return Err(problems);
    }
    let (model, mut notes) = generate::model(name, namespace, spec, engine);
    let mut pipeline = engine.pipeline(&model);
    engine.visit(&mut pipeline, &mut |task: &str, site: &mut Site<'_>| {
        let Some((_, step)) = find_step(spec, task) else {
            return;
        };
        match patch::patch(site, &bindings_of(input, step), &|path| {
            engine.is_reserved(path)
        }) {
            Ok(more) => notes.extend(
                more.into_iter()
                    .map(|note| format!("step `{task}`, {note}")),
            ),
            Err(errors) => add(&mut problems, spec, task, errors),
        }
    });
    if problems.is_empty() {
        Ok(Output { pipeline, notes })
    } else {
        Err(problems)
    }
}

/// Returns the bindings of a step, in the order of its requirements.
fn bindings_of<'a>(input: &Input<'a>, step: &Step) -> Vec<ServiceBinding<'a>> {
    let bindings = input
        .bindings
        .get(&step.name)
        .map_or(&[][..], Vec::as_slice);
    step.extensions
        .iter()
        .filter_map(|requirement| {
            bindings
                .iter()
                .find(|binding| *binding.requirement.name == *requirement.name)
        })
        .copied()
        .collect()
}

fn unresolved(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, step) in input.spec.steps.iter().enumerate() {
        let bindings = bindings_of(input, step);
        for (position, requirement) in step.extensions.iter().enumerate() {
            if !bindings
                .iter()
                .any(|binding| *binding.requirement.name == *requirement.name)
            {
                problems.push(Problem::new(
                    format!("{}.extensions[{position}]", step_field(index)),
                    Some(&step.name),
                    Refusal::new(
                        Reason::NotFound,
                        format!("requirement `{}` is not resolved", requirement.name),
                        "",
                    ),
                ));
            }
        }
    }
    problems
}

/// Finds expressions with unknown keys. Columns refer to the text in the workflow.
fn unknown_keys(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for text in texts(input.spec)
        .into_iter()
        .filter(|text| text.allowed == Allowed::All)
    {
        let Some(step) = text.step.and_then(|index| input.spec.steps.get(index)) else {
            continue;
        };
        let Ok(template) = Template::parse(text.content) else {
            continue;
        };
        let bindings = bindings_of(input, step);
        for segment in &template.segments {
            let Segment::Extension {
                requirement,
                key,
                configuration_only,
                column,
            } = *segment
            else {
                continue;
            };
            let Some(binding) = bindings
                .iter()
                .find(|binding| &*binding.requirement.name == requirement)
            else {
                continue;
            };
            if let Err(refusal) =
                key_of(requirement, binding.layout, key, configuration_only, column)
            {
                problems.push(Problem::new(&text.field, Some(&step.name), refusal));
            }
        }
    }
    problems
}

/// Adds errors of a container, at the fields of the workflow that they come from.
fn add(problems: &mut Vec<Problem>, spec: &WorkflowSpec, step: &str, errors: Vec<PatchError>) {
    let Some((index, step)) = find_step(spec, step) else {
        return;
    };
    for error in errors {
        // References in expressions have already been checked in the texts of the workflow.
        let is_expression = matches!(
            error.location,
            Location::Variable(_) | Location::Argument(_) | Location::Field(_)
        );
        if is_expression
            && matches!(
                error.refusal.reason,
                Reason::UnknownKey | Reason::UnknownRequirement
            )
        {
            continue;
        }
        let problem = Problem::new(
            field_of(index, step, &error.location),
            Some(&step.name),
            error.refusal,
        );
        // Duplicate mappings are found before resolution, and again afterwards.
        let is_known =
            |known: &Problem| known.refusal == problem.refusal && known.step == problem.step;
        if !problems.iter().any(is_known) {
            problems.push(problem);
        }
    }
}

fn field_of(index: usize, step: &Step, location: &Location) -> String {
    let field = step_field(index);
    match location {
        Location::Variable(name) => {
            if let Some(position) = step.env.iter().position(|variable| variable.name == *name) {
                return format!("{field}.env[{position}].value");
            }
            let is_input = |input: &Option<String>| {
                input
                    .as_deref()
                    .is_some_and(|input| input_variable(input) == *name)
            };
            match step.inputs.iter().position(|input| is_input(&input.name)) {
                Some(position) => format!("{field}.inputs[{position}].value"),
                None => field,
            }
        }
        Location::Argument(position) => format!("{field}.args[{position}]"),
        Location::Field(name) => format!("{field}.{name}"),
        Location::Requirement(name) => match step
            .extensions
            .iter()
            .position(|requirement| requirement.name == *name)
        {
            Some(position) => format!("{field}.extensions[{position}]"),
            None => format!("{field}.extensions"),
        },
        Location::Requirements => format!("{field}.extensions"),
    }
}
