//! Interface to the engine that runs pipelines.

mod chosen;
mod tekton;

use std::collections::BTreeMap;

use extension_registry_core::refusal::Refusal;
use serde_json::Value;

pub use chosen::{PIPELINES, RUNS, engine};
pub use tekton::Tekton;

use crate::generate::model::Model;
use crate::patch::Site;

/// A kind of the engine's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineResource {
    /// API group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural name.
    pub plural: &'static str,
}

impl EngineResource {
    /// Returns `apiVersion`.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Returns the singular name, which `kubectl` accepts.
    #[must_use]
    pub fn singular(&self) -> String {
        self.kind.to_lowercase()
    }
}

/// A run of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// Namespace of the run and of the pipeline.
    pub namespace: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Parameters and their values.
    pub params: Vec<(String, String)>,
    /// Codesets, each with the size of its volume.
    pub codesets: Vec<(String, String)>,
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It is waiting or running.
    Running,
    /// All of its tasks succeeded.
    Succeeded,
    /// A task failed, or the run was rejected, cancelled or timed out.
    Failed,
}

/// Progress of a run, as the engine reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunProgress {
    /// State of the run.
    pub state: RunState,
    /// Reason for the state, in CamelCase.
    pub reason: Option<String>,
    /// Message for users.
    pub message: Option<String>,
}

/// A pipeline engine: how it represents a workflow, and where its containers are. All engine-specific
/// code is behind this trait.
pub trait Engine {
    /// Returns the kind of pipelines.
    fn pipelines(&self) -> EngineResource;

    /// Returns the kind of runs.
    fn runs(&self) -> EngineResource;

    /// Returns the refusal if the engine is not installed.
    fn missing(&self) -> Refusal;

    /// Returns the object of a run.
    fn run(&self, run: &RunRequest) -> Value;

    /// Returns the name of the pipeline that a run refers to; `None` if the run has a pipeline of its own.
    fn pipeline_of<'r>(&self, run: &'r Value) -> Option<&'r str>;

    /// Returns whether a run has ended, after which it creates no more Pods.
    fn has_ended(&self, run: &Value) -> bool;

    /// Returns the progress of a run.
    fn progress(&self, run: &Value) -> RunProgress;

    /// Returns the results of a run by name. A value that is not a text is returned as JSON.
    fn results(&self, run: &Value) -> BTreeMap<String, String>;

    /// Returns the parameters that a text references in the syntax of the engine.
    fn params_in<'t>(&self, text: &'t str) -> Vec<&'t str>;

    /// Returns a name that the engine accepts for a parameter of a task: this name if possible.
    fn param_name(&self, preferred: &str) -> String;

    /// Returns a reference to a parameter, for use in containers and in parameters of tasks.
    fn param(&self, name: &str) -> String;

    /// Returns a reference to an output of another task, for use in parameters of tasks.
    fn output(&self, task: &str, output: &str) -> String;

    /// Returns the pipeline object.
    fn pipeline(&self, model: &Model) -> Value;

    /// Adds a label to a pipeline that the Pods of its runs get as well.
    fn label_pods(&self, pipeline: &mut Value, name: &str, value: &str);

    /// Visits every container that runs a step of the workflow, with the name of the step.
    fn visit(&self, pipeline: &mut Value, visit: &mut dyn FnMut(&str, &mut Site<'_>));

    /// Returns whether the engine reserves a path in containers. The path must be normalized.
    fn is_reserved(&self, path: &str) -> bool;
}
