//! Steps of workflows.

use k8s_openapi::api::core::v1::{EnvVarSource, ResourceRequirements};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::requirement::RequirementSpec;
use crate::{limits, rules};

/// A step of the workflow: one container.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.runAfter) || !(self.name in self.runAfter)").message("a step cannot run after itself: remove its own name from `runAfter`"))]
pub struct Step {
    /// Name of the step, unique in the workflow. Lowercase letters, digits and `-`.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))]
    pub name: String,

    /// Container image. It may contain `{{ inputs.NAME }}` and `{{ steps.STEP.outputs.NAME }}`, but
    /// no references to extensions.
    #[schemars(length(min = 1, max = limits::IMAGE))]
    pub image: String,

    /// Command to run. Defaults to the entrypoint of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ARGUMENTS))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub command: Vec<String>,

    /// Arguments. They may contain expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ARGUMENTS))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub args: Vec<String>,

    /// Inputs of the step. Each is set as the variable `FUSEML_<NAME>`, with NAME in uppercase and `-`
    /// replaced by `_`; a codeset is mounted as a directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::INPUTS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct_variables("self.map(input, input.?name.orValue('')).filter(name, name != '')", "two inputs map to the same variable `FUSEML_<NAME>`: rename one of them")
    )]
    pub inputs: Vec<StepInput>,

    /// Outputs of the step. The variable `TASK_RESULT` contains the name of the
    /// first output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::OUTPUTS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub outputs: Vec<StepOutput>,

    /// Environment variables of the container. They override variables that come from extensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::VARIABLES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,

    /// Compute resources of the container, as in a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::few_resources)]
    pub resources: Option<ResourceRequirements>,

    /// Requirements of the step. The selected services are available as files under
    /// `$SERVICE_BINDING_ROOT/<name>` and as environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::REQUIREMENTS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub extensions: Vec<RequirementSpec>,

    /// Steps that must complete before this one starts. Defaults to the preceding step; if empty, the
    /// step starts immediately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = limits::STEPS),
        inner(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))
    )]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub run_after: Option<Vec<String>>,
}

/// An input of a step: either `name` and `value`, or `codeset`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.codeset) ? !has(self.name) && !has(self.value) : has(self.name) && has(self.value)").message("an input requires either `name` and `value`, or `codeset`; declare extensions under `extensions` of the step"))]
pub struct StepInput {
    /// Name of the input: letters, digits, `-` and `_`. The container reads it as `FUSEML_<NAME>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::INPUT_PATTERN))]
    pub name: Option<String>,

    /// Value. It may contain `{{ inputs.NAME }}`, `{{ steps.STEP.outputs.NAME }}` and
    /// `{{ extensions.REQUIREMENT.KEY }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub value: Option<String>,

    /// A codeset input of the workflow, and its mount path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codeset: Option<Codeset>,
}

/// A codeset that is mounted in a step.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Codeset {
    /// Reference to an input of type codeset: `{{ inputs.NAME }}`.
    #[schemars(length(min = 1, max = limits::PERSON))]
    pub name: String,

    /// Directory in the container: an absolute path.
    #[schemars(length(max = limits::PATH), regex(pattern = "^/"))]
    pub path: String,
}

/// An output of a step.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct StepOutput {
    /// Name of the output. Other steps reference it as `{{ steps.STEP.outputs.NAME }}`.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::OUTPUT_PATTERN))]
    pub name: String,

    /// Description of the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,
}

/// An environment variable of a container.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.value) || !has(self.valueFrom)").message("`value` and `valueFrom` are mutually exclusive: keep one of them"))]
pub struct EnvVar {
    /// Name of the variable.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::VARIABLE_PATTERN))]
    pub name: String,

    /// Value. It may contain expressions, like the value of an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub value: Option<String>,

    /// Source of the value, as in a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::variable_source)]
    pub value_from: Option<EnvVarSource>,
}
