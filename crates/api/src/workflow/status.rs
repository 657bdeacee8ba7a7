//! Status of workflows.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, status};

/// Observed state of a workflow.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "conditions": status::pending() }))]
pub struct WorkflowStatus {
    /// Generation of the spec that this status refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions. `Resolved`: every requirement is resolved to exactly one service. `Ready`: the Pipeline
    /// and the Secrets are up to date. `Stalled`: only a change to this workflow can resolve the error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Pipeline generated from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineReference>,

    /// Services that the requirements of the last valid Pipeline are bound to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub bindings: Vec<Binding>,

    /// User whose runs may use the credentials of the last valid Pipeline. Absent if no credentials
    /// depend on the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<RunAs>,

    /// Warnings that require no immediate action: skipped variables, an endpoint in another zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub notes: Vec<String>,

    /// Summary for printer columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<WorkflowSummary>,
}

/// User of a Pipeline that is bound to user-scoped credentials.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RunAs {
    /// Name of the user.
    #[schemars(length(max = limits::PERSON))]
    pub user: String,
}

/// Summary of a workflow for printer columns.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSummary {
    /// Names of the records in use, separated by commas.
    pub extensions: String,
}

/// Reference to the Pipeline of a workflow.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PipelineReference {
    /// Name of the Pipeline.
    pub name: String,

    /// UID of the Pipeline.
    pub uid: String,

    /// Generation after the last write by the operator. A different generation means that the Pipeline was modified.
    pub generation: i64,

    /// Digest of the last written content.
    pub digest: String,
}

/// The service that a requirement is bound to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// Name of the step.
    pub step: String,

    /// Name of the requirement.
    pub requirement: String,

    /// Kind of the record: `ClusterExtension` or `Extension`.
    pub kind: String,

    /// Name of the record.
    pub record: String,

    /// Generation of the record.
    pub record_generation: i64,

    /// Name of the service.
    pub service: String,

    /// Name of the endpoint, if the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Name of the credentials, if the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,

    /// Version of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// Name of the rendered Secret, in the namespace of the workflow.
    pub secret: String,
}
