//! Lookups in the spec of a workflow.

use extension_registry_api::workflow::{InputKind, Step, WorkflowInput, WorkflowSpec};

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
