//! `Workflow`: the steps of seed 000 and what each of them needs.

mod requirement;
mod status;
mod step;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, rules};

pub use requirement::{EnvironmentMapping, RequirementSpec};
pub use status::{Binding, PipelineReference, RunAs, WorkflowStatus, WorkflowSummary};
pub use step::{Codeset, EnvVar, Step, StepInput, StepOutput};

/// What the workflow takes, does and gives.
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
    doc = "Steps that run in containers, and the extensions that each of them needs. The operator makes a Tekton Pipeline of the same name from it.",
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
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name of a workflow has at most 63 characters: choose a shorter one")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::known_steps(),
    validation = rules::workflow_size()
)]
pub struct WorkflowSpec {
    /// What the workflow is for, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Values given when a run starts. Steps use them as `{{ inputs.NAME }}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::INPUTS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct_variables("self.map(input, input.name)", "two inputs have the same name once `-` is written `_` and all letters are capitals: rename one of them")
    )]
    pub inputs: Vec<WorkflowInput>,

    /// Results of a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::OUTPUTS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(output, output.name)", "two outputs have the same name: rename one of them")
    )]
    pub outputs: Vec<WorkflowOutput>,

    /// The steps, 1 to 32. Each runs after the one written before it, unless it says `runAfter`.
    #[schemars(length(min = 1, max = limits::STEPS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(step, step.name)", "two steps have the same name: rename one of them")
    )]
    pub steps: Vec<Step>,
}

/// A value given when a run starts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.type) || self.type != 'codeset' || !has(self.default)").message("an input of type codeset has no `default`: a run names the repository"))]
pub struct WorkflowInput {
    /// Name of the input: letters, digits, `-` and `_`. No dots.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::INPUT_PATTERN))]
    pub name: String,

    /// What the input is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Type of the input.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<InputKind>,

    /// Value of a string input when the run gives none. Without it the run must give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub default: Option<String>,
}

/// `string` for text, or `codeset` for a git repository that is cloned for the steps. Absent means
/// string.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum InputKind {
    /// Text.
    #[default]
    String,
    /// A git repository, cloned into a workspace.
    Codeset,
}

/// A result of a run.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowOutput {
    /// Name of the output.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::OUTPUT_PATTERN))]
    pub name: String,

    /// What the output is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Type of the output, for readers only.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub kind: Option<String>,

    /// Where it comes from: `{{ steps.STEP.outputs.NAME }}`. Absent: from the step that has an output of
    /// this name; there has to be one, and only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    pub value: Option<String>,
}
