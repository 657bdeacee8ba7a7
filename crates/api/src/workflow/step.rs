//! Steps: one container each.

use k8s_openapi::api::core::v1::{EnvVarSource, ResourceRequirements};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::RequirementSpec;
use crate::{limits, rules};

/// One container of the workflow.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.runAfter) || !(self.name in self.runAfter)").message("a step cannot run after itself: remove its own name from `runAfter`"))]
pub struct Step {
    /// Name of the step, unique in the workflow. Lower-case letters, digits and `-`.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))]
    pub name: String,

    /// The container image. It may hold `{{ inputs.NAME }}` and `{{ steps.STEP.outputs.NAME }}`, but
    /// nothing of an extension.
    #[schemars(length(min = 1, max = limits::IMAGE))]
    pub image: String,

    /// What to run. Absent: what the image runs by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ARGUMENTS))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub command: Vec<String>,

    /// Arguments. They may hold expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ARGUMENTS))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub args: Vec<String>,

    /// Values for the step. Each arrives as the variable `FUSEML_<NAME>`, in capitals and with `_`
    /// for `-`; a codeset arrives as a folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::INPUTS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct_variables("self.map(input, input.?name.orValue('')).filter(name, name != '')", "two inputs become the same variable `FUSEML_<NAME>`: rename one of them")
    )]
    pub inputs: Vec<StepInput>,

    /// What the step produces. Its container finds the name of the output in the variable
    /// `TASK_RESULT`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::OUTPUTS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub outputs: Vec<StepOutput>,

    /// Variables of the container. They win over variables that come from extensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::VARIABLES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,

    /// Compute resources of the container, as in a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::few_resources)]
    pub resources: Option<ResourceRequirements>,

    /// What the step needs from the registry. What is found arrives as files below
    /// `$SERVICE_BINDING_ROOT/<name>` and as variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::REQUIREMENTS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub extensions: Vec<RequirementSpec>,

    /// Steps that must have ended before this one starts. Absent: the step written before; empty:
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = limits::STEPS),
        inner(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))
    )]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub run_after: Option<Vec<String>>,
}

/// A value for a step: either `name` and `value`, or `codeset`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.codeset) ? !has(self.name) && !has(self.value) : has(self.name) && has(self.value)").message("an input is either `name` and `value`, or `codeset`; an extension belongs under `extensions` of the step"))]
pub struct StepInput {
    /// Name of the input: letters, digits, `-` and `_`. The container sees it as `FUSEML_<NAME>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::INPUT_PATTERN))]
    pub name: Option<String>,

    /// The value. It may hold `{{ inputs.NAME }}`, `{{ steps.STEP.outputs.NAME }}` and
    /// `{{ extensions.REQUIREMENT.KEY }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub value: Option<String>,

    /// A codeset input of the workflow, and where the step finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codeset: Option<Codeset>,
}

/// A codeset in a step.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Codeset {
    /// `{{ inputs.NAME }}`, where NAME is an input of type codeset.
    #[schemars(length(min = 1, max = limits::PERSON))]
    pub name: String,

    /// The folder in the container: an absolute path.
    #[schemars(length(max = limits::PATH), regex(pattern = "^/"))]
    pub path: String,
}

/// Something a step produces.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct StepOutput {
    /// Name of the output. Other steps read it as `{{ steps.STEP.outputs.NAME }}`.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::OUTPUT_PATTERN))]
    pub name: String,

    /// What the output is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,
}

/// A variable of a container.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.value) || !has(self.valueFrom)").message("a variable has either `value` or `valueFrom`: keep one of them"))]
pub struct EnvVar {
    /// Name of the variable.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::VARIABLE_PATTERN))]
    pub name: String,

    /// The value. It may hold expressions, as the value of an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub value: Option<String>,

    /// Where the value comes from, as in a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::foreign_secret)]
    pub value_from: Option<EnvVarSource>,
}
