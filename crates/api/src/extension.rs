//! The spec that `ClusterExtension` and `Extension` share.

mod configuration;
mod credentials;
mod service;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{limits, rules, status};

pub use configuration::{ConfigurationEntry, SecretText};
pub use credentials::{
    CredentialEntry, CredentialsScope, CredentialsSpec, SealedReference, SecretKeyReference,
    SecretReference, ValueSource,
};
pub use service::{EndpointSpec, EndpointType, ServiceSpec};

/// One installed instance of a third-party tool: what it is, where it runs, which services it offers
/// and how to reach them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::record_size())]
pub struct ExtensionSpec {
    /// What was installed, for example `mlflow` or `minio`. Records of the same product are
    /// instances of it, and a workflow can ask for the product instead of one instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub product: Option<String>,

    /// Version of the product, in quotes: `"1.19.0"`. Any text is taken; only a semantic version
    /// can match a range such as `>=1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VERSION))]
    pub version: Option<String>,

    /// What this instance is for, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Where the instance runs: a cluster, a region, a data center. Steps that run in the same zone
    /// get an internal endpoint, steps of another zone an external one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::ZONE_PATTERN))]
    pub zone: Option<String>,

    /// Choose this record where several match a requirement. Absent means false. If two of those
    /// that match say so, none is chosen and the requirement is refused as ambiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,

    /// Whether a project's own Extension that matches the same requirement takes the place of this
    /// record in that project. Absent means true. Only for a ClusterExtension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadowable: Option<bool>,

    /// Who may see and use this record. Absent: everyone. For others it does not exist, and no
    /// message names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessSpec>,

    /// The services of this instance. A record without services offers one service that has the
    /// record's own name, and its `configuration`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::SERVICES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub services: Vec<ServiceSpec>,

    /// Entries that every service of this record has. Each becomes a file and, where its name allows
    /// it, a variable of the steps that use the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<ConfigurationEntry>,
}

/// Lists that admit. A list that is absent admits everyone, an empty one nobody. `projects` says
/// where; `users` and `groups` together say who, and being in one of the two is enough.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.projects) || has(self.users) || has(self.groups)").message("`access` holds no list: write at least one, like `projects: []` for nobody, or remove `access` to admit everyone"))]
pub struct AccessSpec {
    /// Projects (namespaces) in which the record can be used.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(
        length(max = limits::MEMBERS),
        inner(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))
    )]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(project, project)", "a project is listed twice: remove one of the two")
    )]
    pub projects: Option<Vec<String>>,

    /// Users who can use the record, exactly as the API server names them.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = limits::MEMBERS), inner(length(min = 1, max = limits::PERSON)))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(user, user)", "a user is listed twice: remove one of the two")
    )]
    pub users: Option<Vec<String>>,

    /// Groups whose members can use the record, exactly as the API server names them.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = limits::MEMBERS), inner(length(min = 1, max = limits::PERSON)))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(group, group)", "a group is listed twice: remove one of the two")
    )]
    pub groups: Option<Vec<String>>,
}

/// What the operator found out about a record.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "conditions": status::pending() }))]
pub struct ExtensionStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the record is sound, and every Secret and key that it refers to exists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// How many requirements of workflows are bound to this record. Updated with a delay.
    #[serde(default)]
    pub consumers: i64,

    /// The record in short, for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<ExtensionSummary>,
}

/// A record in short, for tables.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionSummary {
    /// Names of the services, with commas between them.
    pub services: String,
}

/// Reads a list that admits. A template that left nothing behind its key writes `null`, and the API
/// server keeps it: that must not open what the list was written to close.
fn null_is_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    Option::<Vec<String>>::deserialize(deserializer).map(|list| Some(list.unwrap_or_default()))
}
