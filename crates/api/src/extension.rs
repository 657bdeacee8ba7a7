//! Spec shared by `ClusterExtension` and `Extension`.

mod access;
mod configuration;
mod credentials;
mod levels;
mod service;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, rules, status};

pub use access::AccessSpec;
pub use configuration::{ConfigurationEntry, SecretText};
pub use credentials::{
    CredentialEntry, CredentialsScope, CredentialsSpec, SealedReference, SecretKeyReference,
    SecretReference, ValueSource,
};
pub use levels::visit_configured;
pub use service::{EndpointSpec, EndpointType, ServiceSpec};

/// An installed instance of a third-party tool: its product and version, where it runs, which services
/// it provides, and how to access them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::record_size())]
pub struct ExtensionSpec {
    /// Product that is installed, for example `mlflow` or `minio`. A workflow can require a product
    /// instead of one particular instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub product: Option<String>,

    /// Version of the product, in quotes: `"1.19.0"`. Any text is accepted, but only semantic versions
    /// match a range such as `>=1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VERSION))]
    pub version: Option<String>,

    /// Description of this instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Zone in which the instance runs: a cluster, a region or a data center. Steps in the same zone
    /// use an internal endpoint, and steps in other zones use an external one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::ZONE_PATTERN))]
    pub zone: Option<String>,

    /// Prefer this record when several match a requirement. Defaults to false. If more than one of the
    /// matching records sets it, the requirement is refused as ambiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,

    /// Whether an Extension of a project replaces this record in that project when both match a
    /// requirement. Defaults to true. Valid only for a ClusterExtension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadowable: Option<bool>,

    /// Restricts who can see and use this record. If absent, everyone can. For users and projects
    /// without access, the record is treated as if it did not exist: no message names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessSpec>,

    /// Services of this instance. A record without services provides one service with the name and
    /// the `configuration` of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::SERVICES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub services: Vec<ServiceSpec>,

    /// Configuration entries shared by all services of this record. Each becomes a file and, if its
    /// name is a valid variable name, an environment variable in the steps that use the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<ConfigurationEntry>,
}

/// Observed state of a record.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "conditions": status::pending() }))]
pub struct ExtensionStatus {
    /// Generation of the spec that this status refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions. `Ready`: the record is valid, and all Secrets and keys that it references exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Number of workflow requirements that are bound to this record. Updated with a delay.
    #[serde(default)]
    pub consumers: i64,

    /// Summary for printer columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<ExtensionSummary>,
}

/// Summary of a record for printer columns.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionSummary {
    /// Names of the services, separated by commas.
    pub services: String,
}
