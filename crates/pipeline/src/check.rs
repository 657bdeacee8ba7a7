//! Checks of a workflow that require no resolution.

mod names;
pub(crate) mod order;
mod outputs;
mod references;
mod requirements;
mod resources;
mod secrets;
pub(crate) mod texts;

use extension_registry_api::workflow::WorkflowSpec;

use crate::engine::{Engine, engine};
use crate::problem::Problem;

/// Returns all problems of the workflow itself: invalid names, outputs without a step, forbidden Secrets,
/// impossible resources, cyclic steps, and invalid expressions. It does not check whether the requirements can be
/// resolved.
#[must_use]
pub fn check(spec: &WorkflowSpec) -> Vec<Problem> {
    check_for(spec, engine())
}

pub(crate) fn check_for(spec: &WorkflowSpec, engine: &dyn Engine) -> Vec<Problem> {
    let mut problems = Vec::new();
    names::check(spec, engine, &mut problems);
    outputs::check(spec, &mut problems);
    requirements::check(spec, engine, &mut problems);
    resources::check(spec, &mut problems);
    secrets::check(spec, &mut problems);
    let order = order::Order::new(spec, &mut problems);
    references::check(spec, &order, &mut problems);
    problems
}
