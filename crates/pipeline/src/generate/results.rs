//! Results of a run: the outputs of the workflow that some step produces.

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::expression::{Segment, Template};

use crate::engine::Engine;
use crate::generate::model::RunResult;

/// The results, and a note for each output that nobody produces.
pub(super) fn results(spec: &WorkflowSpec, engine: &dyn Engine) -> (Vec<RunResult>, Vec<String>) {
    let mut results = Vec::new();
    let mut notes = Vec::new();
    for output in &spec.outputs {
        let source = match &output.value {
            Some(value) => named(value),
            None => last_step_with(spec, &output.name),
        };
        match source {
            Some((step, name)) => results.push(RunResult {
                name: output.name.clone(),
                description: output.description.clone(),
                value: engine.output(&step, &name),
            }),
            None => notes.push(format!(
                "output `{}` of the workflow is left out: no step has an output of this name",
                output.name
            )),
        }
    }
    (results, notes)
}

fn named(value: &str) -> Option<(String, String)> {
    match Template::parse(value).ok()?.whole()? {
        Segment::Output { step, output, .. } => Some(((*step).to_owned(), (*output).to_owned())),
        _ => None,
    }
}

fn last_step_with(spec: &WorkflowSpec, output: &str) -> Option<(String, String)> {
    let step = spec
        .steps
        .iter()
        .rev()
        .find(|step| step.outputs.iter().any(|known| known.name == output))?;
    Some((step.name.clone(), output.to_owned()))
}
