//! Both steps in one.

use std::collections::BTreeMap;

use extension_registry_api::workflow::{Step, WorkflowSpec};
use extension_registry_core::expression::{Segment, Template};
use extension_registry_core::refusal::{Reason, Refusal};
use serde_json::Value;

use crate::check::texts::{Allowed, texts};
use crate::check::{check_for, find_step, step_field};
use crate::engine::Engine;
use crate::generate;
use crate::names::input_variable;
use crate::patch::{self, Bound, Fault, Place, Site, key_of};
use crate::problem::Problem;

/// A workflow and what its requirements resolved to.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Name of the workflow, and of its pipeline.
    pub name: &'a str,
    /// Namespace of both.
    pub namespace: &'a str,
    /// The workflow.
    pub spec: &'a WorkflowSpec,
    /// By name of the step, what each of its requirements resolved to, in any order.
    pub bounds: &'a BTreeMap<String, Vec<Bound<'a>>>,
    /// The engine that runs it.
    pub engine: &'a dyn Engine,
}

/// The pipeline and what its author should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The object, without an owner reference: that is the caller's.
    pub pipeline: Value,
    /// Remarks, in the order of the steps.
    pub notes: Vec<String>,
}

/// Writes the pipeline of a workflow. The same input always gives the same bytes.
///
/// # Errors
/// Every problem there is. Nothing is half done: with one problem there is no pipeline.
pub fn build(input: &Input<'_>) -> Result<Output, Vec<Problem>> {
    let Input {
        name,
        namespace,
        spec,
        engine,
        ..
    } = *input;
    let mut problems = check_for(spec, engine);
    let is_sound = problems.is_empty();
    problems.extend(unresolved(input));
    problems.extend(unknown_keys(input));
    if !is_sound {
        // There is no container to look into, but requirements can be compared without.
        for step in &spec.steps {
            let own: Vec<&str> = step
                .env
                .iter()
                .map(|variable| variable.name.as_str())
                .collect();
            let faults = patch::plan(&bounds_of(input, step), &own).faults;
            add(&mut problems, spec, &step.name, faults);
        }
        return Err(problems);
    }
    let (model, mut notes) = generate::model(name, namespace, spec, engine);
    let mut pipeline = engine.pipeline(&model);
    engine.visit(&mut pipeline, &mut |task: &str, site: &mut Site<'_>| {
        let Some((_, step)) = find_step(spec, task) else {
            return;
        };
        match patch::patch(site, &bounds_of(input, step), &|path| {
            engine.is_reserved(path)
        }) {
            Ok(more) => notes.extend(
                more.into_iter()
                    .map(|note| format!("step `{task}`, {note}")),
            ),
            Err(faults) => add(&mut problems, spec, task, faults),
        }
    });
    if problems.is_empty() {
        Ok(Output { pipeline, notes })
    } else {
        Err(problems)
    }
}

/// What a step's requirements resolved to, in the order of the requirements.
fn bounds_of<'a>(input: &Input<'a>, step: &Step) -> Vec<Bound<'a>> {
    let bounds = input.bounds.get(&step.name).map_or(&[][..], Vec::as_slice);
    step.extensions
        .iter()
        .filter_map(|requirement| {
            bounds
                .iter()
                .find(|bound| *bound.requirement.name == *requirement.name)
        })
        .copied()
        .collect()
}

fn unresolved(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, step) in input.spec.steps.iter().enumerate() {
        let bounds = bounds_of(input, step);
        for (position, requirement) in step.extensions.iter().enumerate() {
            if !bounds
                .iter()
                .any(|bound| *bound.requirement.name == *requirement.name)
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

/// Expressions about keys that are not there, with the columns of the workflow's own text.
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
        let bounds = bounds_of(input, step);
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
            let Some(bound) = bounds
                .iter()
                .find(|bound| &*bound.requirement.name == requirement)
            else {
                continue;
            };
            if let Err(refusal) = key_of(requirement, bound.layout, key, configuration_only, column)
            {
                problems.push(Problem::new(&text.field, Some(&step.name), refusal));
            }
        }
    }
    problems
}

/// Adds what is wrong in a container, at the fields of the workflow that it comes from.
fn add(problems: &mut Vec<Problem>, spec: &WorkflowSpec, step: &str, faults: Vec<Fault>) {
    let Some((index, step)) = find_step(spec, step) else {
        return;
    };
    for fault in faults {
        // What expressions refer to was looked up in the workflow's own texts before.
        let is_expression = matches!(
            fault.place,
            Place::Variable(_) | Place::Argument(_) | Place::Field(_)
        );
        if is_expression
            && matches!(
                fault.refusal.reason,
                Reason::UnknownKey | Reason::UnknownRequirement
            )
        {
            continue;
        }
        let problem = Problem::new(
            field_of(index, step, &fault.place),
            Some(&step.name),
            fault.refusal,
        );
        // A name mapped twice is found by itself, and again once the requirement is resolved.
        let is_known =
            |known: &Problem| known.refusal == problem.refusal && known.step == problem.step;
        if !problems.iter().any(is_known) {
            problems.push(problem);
        }
    }
}

fn field_of(index: usize, step: &Step, place: &Place) -> String {
    let field = step_field(index);
    match place {
        Place::Variable(name) => {
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
        Place::Argument(position) => format!("{field}.args[{position}]"),
        Place::Field(name) => format!("{field}.{name}"),
        Place::Requirement(name) => match step
            .extensions
            .iter()
            .position(|requirement| requirement.name == *name)
        {
            Some(position) => format!("{field}.extensions[{position}]"),
            None => format!("{field}.extensions"),
        },
        Place::Requirements => format!("{field}.extensions"),
    }
}
