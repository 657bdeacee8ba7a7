//! Engine-independent model of a pipeline: parameters, tasks and the data that they pass. References in
//! its texts already have the syntax of the engine.

use serde_json::Value;

/// Model of a pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Name of the workflow.
    pub name: String,
    /// Namespace of the workflow.
    pub namespace: String,
    /// Description of the workflow.
    pub description: Option<String>,
    /// Parameters of a run, in input order.
    pub params: Vec<Param>,
    /// Repositories to clone.
    pub codesets: Vec<Codeset>,
    /// Tasks, in step order.
    pub tasks: Vec<Task>,
    /// Results of a run.
    pub results: Vec<RunResult>,
}

/// A parameter of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Param {
    /// Name of the parameter.
    pub name: String,
    /// Description of the parameter.
    pub description: Option<String>,
    /// Default value.
    pub default: Option<String>,
}

/// A Git repository that is cloned into a workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Codeset {
    /// Name of the input and of the workspace.
    pub name: String,
    /// Description of the codeset.
    pub description: Option<String>,
    /// Parameter with the URL.
    pub url: String,
    /// Parameter with the branch, tag or commit; if empty, the default branch of the repository.
    pub revision: String,
    /// Name of the task that clones it.
    pub task: String,
}

/// A task that runs a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// Name of the step.
    pub name: String,
    /// Tasks that must complete first.
    pub run_after: Vec<String>,
    /// Parameters and their values.
    pub params: Vec<(String, String)>,
    /// Mounted codesets.
    pub codesets: Vec<MountedCodeset>,
    /// Results and their descriptions.
    pub results: Vec<(String, Option<String>)>,
    /// Container of the step.
    pub container: Container,
}

/// A codeset that is mounted in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MountedCodeset {
    /// Name of the input and of the workspace.
    pub name: String,
    /// Mount path in the container.
    pub path: String,
}

/// The container of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// Image reference.
    pub image: String,
    /// Command; if empty, the entrypoint of the image.
    pub command: Vec<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// Environment variables, as in a Pod.
    pub env: Vec<Value>,
    /// Compute resources, as in a Pod.
    pub resources: Option<Value>,
}

/// A result of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResult {
    /// Name of the result.
    pub name: String,
    /// Description of the result.
    pub description: Option<String>,
    /// Reference to the output of a step.
    pub value: String,
}
