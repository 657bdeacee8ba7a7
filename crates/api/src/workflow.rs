//! `Workflow`: the steps of seed 000 and what each of them needs.

use k8s_openapi::api::core::v1::{EnvVarSource, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A workflow: steps that run in containers, and the extensions each of them needs.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(group = "registry.fuseml.io", version = "v1alpha1", kind = "Workflow", namespaced, status = "WorkflowStatus", derive = "PartialEq", shortname = "fwf", category = "registry")]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSpec {
    /// What the workflow is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Values given when a run starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<WorkflowInput>,
    /// Results of a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<WorkflowOutput>,
    /// Steps, in the order in which they run unless a step says `runAfter`.
    pub steps: Vec<Step>,
}

/// A value given when a run starts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowInput {
    /// Name of the input.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `string` (also when absent) or `codeset`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<InputKind>,
    /// Value of a string input when the run gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// Type of a workflow input.
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
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Type of the output; informative.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where it comes from: `{{ steps.S.outputs.O }}`. Absent: the last step with an output of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// One container of the workflow.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Name of the step, unique in the workflow.
    pub name: String,
    /// Container image; may hold `{{ inputs.X }}` and `{{ steps.S.outputs.O }}`.
    pub image: String,
    /// Entry point. Absent: the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Values for the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<StepInput>,
    /// What the step produces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<StepOutput>,
    /// Variables of the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Compute resources of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// What the step needs from the registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<RequirementSpec>,
    /// Steps that must have ended before. Absent: the step written before; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_after: Option<Vec<String>>,
}

/// A value for a step: either `name` and `value`, or `codeset`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct StepInput {
    /// Name: the container sees `FUSEML_<NAME>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Text; may hold expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A codeset input and where it is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codeset: Option<Codeset>,
}

/// A codeset mounted into a step.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Codeset {
    /// `{{ inputs.X }}`, where X is an input of type codeset.
    pub name: String,
    /// Absolute path in the container.
    pub path: String,
}

/// Something a step produces.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct StepOutput {
    /// Name: other steps read it as `{{ steps.S.outputs.NAME }}`.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A variable of a container.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EnvVar {
    /// Name of the variable.
    pub name: String,
    /// Text; may hold expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where the value comes from, as in a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<EnvVarSource>,
}

/// What a step needs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RequirementSpec {
    /// Unique in the step: the folder below `$SERVICE_BINDING_ROOT`.
    pub name: String,
    /// Name of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// Product of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Range of versions: `>=0.4.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Zone of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Name of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Resource of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Category of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Endpoint of the service that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Credentials of the service that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// Variables to set. Absent: every configuration entry that can be one; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Vec<EnvironmentMapping>>,
}

/// A variable taken from a key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentMapping {
    /// Name of the variable.
    pub name: String,
    /// Key it is taken from; `url` means `uri`.
    pub configuration: String,
}

/// What the operator found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Resolved`, `Ready`, `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The Pipeline generated from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineReference>,
    /// How each requirement of the last good pipeline was resolved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// Remarks that need no action at once: variables left out, an endpoint of another zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The Pipeline that the operator wrote.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PipelineReference {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its generation after the last write: another one means that somebody changed it.
    pub generation: i64,
    /// Hash of what was written.
    pub digest: String,
}

/// How one requirement was resolved.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The step.
    pub step: String,
    /// The requirement of the step.
    pub requirement: String,
    /// Kind of the record.
    pub kind: String,
    /// Name of the record.
    pub record: String,
    /// Generation of the record.
    pub record_generation: i64,
    /// The service.
    pub service: String,
    /// The endpoint, where the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The credentials, where the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// Version of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The Secret that holds the data, in the workflow's namespace.
    pub secret: String,
}
