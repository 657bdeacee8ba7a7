//! Checks of a workflow that require no resolution.

mod names;
pub(crate) mod order;
mod outputs;
pub(crate) mod references;
pub(crate) mod requirements;
mod secrets;
pub(crate) mod texts;

use extension_registry_api::workflow::{InputKind, Step, WorkflowInput, WorkflowSpec};

use crate::engine::{Engine, Tekton};
use crate::problem::Problem;

/// Returns all problems of the workflow itself: invalid names, outputs without a step, forbidden Secrets,
/// cyclic steps, and invalid expressions. It does not check whether the requirements can be
/// resolved.
#[must_use]
pub fn check(spec: &WorkflowSpec) -> Vec<Problem> {
    check_for(spec, &Tekton)
}

pub(crate) fn check_for(spec: &WorkflowSpec, engine: &dyn Engine) -> Vec<Problem> {
    let mut problems = Vec::new();
    names::check(spec, engine, &mut problems);
    outputs::check(spec, &mut problems);
    requirements::check(spec, engine, &mut problems);
    secrets::check(spec, &mut problems);
    let order = order::Order::new(spec, &mut problems);
    references::check(spec, &order, &mut problems);
    problems
}

/// Returns the path of a step.
pub(crate) fn step_field(index: usize) -> String {
    format!("spec.steps[{index}]")
}

pub(crate) fn find_input<'s>(spec: &'s WorkflowSpec, name: &str) -> Option<&'s WorkflowInput> {
    spec.inputs.iter().find(|input| input.name == name)
}

pub(crate) fn find_step<'s>(spec: &'s WorkflowSpec, name: &str) -> Option<(usize, &'s Step)> {
    spec.steps
        .iter()
        .enumerate()
        .find(|(_, step)| step.name == name)
}

pub(crate) fn is_codeset(input: &WorkflowInput) -> bool {
    input.kind == Some(InputKind::Codeset)
}
