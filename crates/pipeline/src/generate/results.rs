//! Results of a run: the outputs of the workflow.

use extension_registry_api::workflow::WorkflowSpec;
use extension_registry_core::expression::{Segment, Template};

use crate::engine::Engine;
use crate::generate::model::RunResult;

/// Returns the results. The check of outputs ensures that each has exactly one source.
pub(super) fn results(spec: &WorkflowSpec, engine: &dyn Engine) -> Vec<RunResult> {
    let mut results = Vec::new();
    for output in &spec.outputs {
        let source = match &output.value {
            Some(value) => named(value),
            None => step_with(spec, &output.name),
        };
        results.extend(source.map(|(step, name)| RunResult {
            name: output.name.clone(),
            description: output.description.clone(),
            value: engine.output(&step, &name),
        }));
    }
    results
}

fn named(value: &str) -> Option<(String, String)> {
    match Template::parse(value).ok()?.whole()? {
        Segment::Output { step, output, .. } => Some(((*step).to_owned(), (*output).to_owned())),
        _ => None,
    }
}

fn step_with(spec: &WorkflowSpec, output: &str) -> Option<(String, String)> {
    let mut steps = spec.steps.iter();
    let step = steps.find(|step| step.outputs.iter().any(|known| known.name == output))?;
    Some((step.name.clone(), output.to_owned()))
}
