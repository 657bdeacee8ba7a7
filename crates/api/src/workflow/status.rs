//! What the operator says about a workflow.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, status};

/// What the operator found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "conditions": status::pending() }))]
pub struct WorkflowStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Resolved`: exactly one service was found for every requirement. `Ready`: the Pipeline and
    /// the Secrets are written. `Stalled`: only a change of this workflow can help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// The Pipeline made from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineReference>,

    /// What was found for each requirement of the last good Pipeline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub bindings: Vec<Binding>,

    /// The user whose runs get the credentials of the last good Pipeline. Absent where no credentials
    /// depend on the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<RunAs>,

    /// Remarks that need no action at once: variables left out, an endpoint of another zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub notes: Vec<String>,

    /// The workflow in short, for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<WorkflowSummary>,
}

/// The user of a Pipeline that is bound to credentials of one user.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RunAs {
    /// The user.
    #[schemars(length(max = limits::PERSON))]
    pub user: String,
}

/// A workflow in short, for tables.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSummary {
    /// Names of the records in use, with commas between them.
    pub extensions: String,
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

/// What was found for one requirement.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The step.
    pub step: String,

    /// The requirement of the step.
    pub requirement: String,

    /// Kind of the record: `ClusterExtension` or `Extension`.
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

    /// The Secret that holds the data, in the namespace of the workflow.
    pub secret: String,
}
