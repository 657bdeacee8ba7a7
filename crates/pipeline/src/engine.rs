//! Interface to the engine that runs pipelines.

mod tekton;

use serde_json::Value;

pub use tekton::Tekton;

use crate::generate::model::Model;
use crate::patch::Site;

/// A pipeline engine: how it represents a workflow, and where its containers are. All engine-specific
/// code is behind this trait.
pub trait Engine {
    /// Returns a reference to a parameter, for use in containers and in parameters of tasks.
    fn param(&self, name: &str) -> String;

    /// Returns a reference to an output of another task, for use in parameters of tasks.
    fn output(&self, task: &str, output: &str) -> String;

    /// Returns the pipeline object.
    fn pipeline(&self, model: &Model) -> Value;

    /// Visits every container that runs a step of the workflow, with the name of the step.
    fn visit(&self, pipeline: &mut Value, visit: &mut dyn FnMut(&str, &mut Site<'_>));

    /// Returns whether the engine reserves a path in containers. The path must be normalized.
    fn is_reserved(&self, path: &str) -> bool;
}
