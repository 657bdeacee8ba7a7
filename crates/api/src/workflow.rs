//! `Workflow`: steps and their requirements.

mod status;
mod step;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, rules};

pub use status::{Binding, PipelineReference, RunAs, WorkflowStatus, WorkflowSummary};
pub use step::{Codeset, EnvVar, Step, StepInput, StepOutput};

/// Inputs, steps and outputs of the workflow.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "registry.fuseml.io",
    version = "v1alpha1",
    kind = "Workflow",
    namespaced,
    status = "WorkflowStatus",
    derive = "PartialEq",
    shortname = "fwf",
    category = "registry",
    doc = "Steps that run in containers, and the extensions that each of them requires. The operator creates a Tekton Pipeline of the same name.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Extensions", type_ = "string", json_path = ".status.summary.extensions"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = "1"
    ),
    printcolumn(name = "Pipeline", type_ = "string", json_path = ".status.pipeline.name", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63").message("workflow names must not exceed 63 characters: choose a shorter name")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::known_steps(),
    validation = rules::workflow_size()
)]
pub struct WorkflowSpec {
    /// Description of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Values that are passed when a run starts. Steps reference them as `{{ inputs.NAME }}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::INPUTS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct_variables("self.map(input, input.name)", "two inputs map to the same variable (in uppercase, with `-` replaced by `_`): rename one of them")
    )]
    pub inputs: Vec<WorkflowInput>,

    /// Results of a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::OUTPUTS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(output, output.name)", "duplicate output name: rename one of the outputs")
    )]
    pub outputs: Vec<WorkflowOutput>,

    /// Steps, 1 to 32. Each step runs after the preceding one, unless it sets `runAfter`.
    #[schemars(length(min = 1, max = limits::STEPS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(step, step.name)", "duplicate step name: rename one of the steps")
    )]
    pub steps: Vec<Step>,
}

/// A value that is passed when a run starts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.type) || self.type != 'codeset' || !has(self.default)").message("an input of type codeset cannot have a `default`: each run specifies the repository"))]
pub struct WorkflowInput {
    /// Name of the input: letters, digits, `-` and `_`. No dots.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::INPUT_PATTERN))]
    pub name: String,

    /// Description of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Type of the input.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<InputKind>,

    /// Default value of a string input. Without it, each run must pass a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub default: Option<String>,
}

/// Type of an input: `string` for text, or `codeset` for a Git repository that is cloned for the steps.
/// Defaults to `string`.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum InputKind {
    /// Text.
    #[default]
    String,
    /// A Git repository that is cloned into a workspace.
    Codeset,
}

/// A result of a run.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowOutput {
    /// Name of the output.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::OUTPUT_PATTERN))]
    pub name: String,

    /// Description of the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Type of the output, for documentation only.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub kind: Option<String>,

    /// Source of the output: `{{ steps.STEP.outputs.NAME }}`. Defaults to the step output of the same
    /// name, which must be unique in the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    pub value: Option<String>,
}
