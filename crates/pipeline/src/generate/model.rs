//! The workflow in words that every engine understands: params, tasks and what passes between
//! them. References in its texts are already written in the engine's way.

use serde_json::Value;

/// A pipeline to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Name of the workflow.
    pub name: String,
    /// Namespace of the workflow.
    pub namespace: String,
    /// What it is for.
    pub description: Option<String>,
    /// What a run gives, in the order of the inputs.
    pub params: Vec<Param>,
    /// Repositories to clone.
    pub codesets: Vec<Codeset>,
    /// Steps, in the order written.
    pub tasks: Vec<Task>,
    /// What a run produces.
    pub results: Vec<RunResult>,
}

/// Something that a run gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Param {
    /// Name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Value when a run gives none.
    pub default: Option<String>,
}

/// A repository that is cloned into a workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Codeset {
    /// Name of the input, and of the workspace.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The param that holds its address.
    pub url: String,
    /// The param that holds branch, tag or commit; empty means the repository's default branch.
    pub revision: String,
    /// The task that clones it.
    pub task: String,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// Name of the step.
    pub name: String,
    /// Tasks that must have ended before.
    pub run_after: Vec<String>,
    /// Params, and what is passed in them.
    pub params: Vec<(String, String)>,
    /// Codesets, and where they are mounted.
    pub codesets: Vec<MountedCodeset>,
    /// Outputs, with what they are.
    pub results: Vec<(String, Option<String>)>,
    /// The container.
    pub container: Container,
}

/// A codeset in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MountedCodeset {
    /// Name of the input, and of the workspace.
    pub name: String,
    /// Path in the container.
    pub path: String,
}

/// The container of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// Image.
    pub image: String,
    /// Entry point; empty means the image's own.
    pub command: Vec<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables, as in a Pod.
    pub env: Vec<Value>,
    /// Compute resources, as in a Pod.
    pub resources: Option<Value>,
}

/// Something that a run produces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResult {
    /// Name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The output of a step.
    pub value: String,
}
