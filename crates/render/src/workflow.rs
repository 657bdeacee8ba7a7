//! Desired state of a workflow: its requirements are resolved, then its pipeline is built.
//!
//! [`resolve`] → load the keys of the selected source Secrets → [`prepare`].

mod build;
mod refusals;
mod resolution;
mod validate;

pub use build::{Prepared, RequiredProjection};
pub use refusals::{Problem, Refusals};
pub use resolution::{Resolution, Resolved, ResolvedService, resolve};

/// Builds the pipeline, projections and bindings of a workflow.
///
/// # Errors
/// Returns all refusals if a requirement is unresolved, a source is missing, or variables or mounts conflict.
pub fn prepare(resolved: &Resolved) -> Result<Prepared, Refusals> {
    build::run(resolved, validate::run(resolved)?)
}
