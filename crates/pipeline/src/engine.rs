//! The boundary to the engine that runs pipelines.

mod tekton;

use serde_json::Value;

pub use tekton::Tekton;

use crate::generate::model::Model;
use crate::patch::Site;

/// An engine: how it writes a workflow down, and where its containers are. Everything that is
/// special to one stands behind this.
pub trait Engine {
    /// How a text refers to a param, in a container as well as in what is passed to a task.
    fn param(&self, name: &str) -> String;

    /// How what is passed to a task refers to an output of another one.
    fn output(&self, task: &str, output: &str) -> String;

    /// The pipeline.
    fn pipeline(&self, model: &Model) -> Value;

    /// Shows every container that runs a step of the workflow, with the name of the step.
    fn visit(&self, pipeline: &mut Value, visit: &mut dyn FnMut(&str, &mut Site<'_>));

    /// Whether the engine keeps a path in containers to itself. The path is normalized.
    fn is_reserved(&self, path: &str) -> bool;
}
