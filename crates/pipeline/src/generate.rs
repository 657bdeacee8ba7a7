//! First phase: generates the pipeline of a workflow.

pub(crate) mod codeset;
pub mod model;
mod results;
mod step;

use extension_registry_api::workflow::WorkflowSpec;
use serde_json::Value;

use crate::check::check_for;
use crate::check::order::Order;
use crate::engine::Engine;
use crate::generate::model::{Model, Param};
use crate::problem::Problem;
use crate::spec::is_codeset;

/// Generates the pipeline of a workflow. Expressions of extensions are left unchanged.
///
/// # Errors
/// Returns all problems of the workflow itself; see [`check`](fn@crate::check).
pub fn generate(
    name: &str,
    namespace: &str,
    spec: &WorkflowSpec,
    engine: &dyn Engine,
) -> Result<Value, Vec<Problem>> {
    let problems = check_for(spec, engine);
    if problems.is_empty() {
        Ok(engine.pipeline(&model(name, namespace, spec, engine).0))
    } else {
        Err(problems)
    }
}

/// Returns the model of a valid workflow, and warnings for its author.
pub(crate) fn model(
    name: &str,
    namespace: &str,
    spec: &WorkflowSpec,
    engine: &dyn Engine,
) -> (Model, Vec<String>) {
    let order = Order::new(spec, &mut Vec::new());
    let codesets = codeset::codesets(spec);
    let workflow = step::Workflow {
        name,
        namespace,
        spec,
        engine,
        order: &order,
        codesets: &codesets,
    };
    let mut notes = Vec::new();
    let tasks = (0..spec.steps.len())
        .filter_map(|index| step::task(&workflow, index, &mut notes))
        .collect();
    let model = Model {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        description: spec.description.clone(),
        params: params(spec),
        tasks,
        results: results::results(spec, engine),
        codesets,
    };
    (model, notes)
}

fn params(spec: &WorkflowSpec) -> Vec<Param> {
    let mut params = Vec::new();
    for input in &spec.inputs {
        if is_codeset(input) {
            params.extend(codeset::params(input));
        } else {
            params.push(Param {
                name: input.name.clone(),
                description: input.description.clone(),
                default: input.default.clone(),
            });
        }
    }
    params
}
