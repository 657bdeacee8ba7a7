//! Services and endpoints.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigurationEntry, CredentialsSpec, SecretText};
use crate::{limits, rules};

/// One API or user interface of the instance.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSpec {
    /// Name of the service, unique in the record.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub name: String,

    /// Type of resource, the same for every product that speaks this API: `s3`, `git+http`,
    /// `kserve-api`. Workflows that ask for it run wherever someone offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub resource: Option<String>,

    /// What kind of service it is: `model-store`, `prediction-serving`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub category: Option<String>,

    /// What the service is for, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Entries of this service. They win over entries of the record with the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<ConfigurationEntry>,

    /// Addresses of the service. All lead to the same API; the first of the type that fits the zone
    /// of the step is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ENDPOINTS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub endpoints: Vec<EndpointSpec>,

    /// Sets of credentials, each with a scope that says who may have it. A service without any needs
    /// none. One that has some cannot be used by those whom none of them admits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CREDENTIALS))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = rules::distinct("self.map(set, set.name)", "two sets of credentials have the same name: give each its own")
    )]
    pub credentials: Vec<CredentialsSpec>,
}

/// One address of a service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSpec {
    /// Name of the endpoint, unique in the service.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub name: String,

    /// The address: a URL with a host, or `host` or `host:port`. Steps get it as `uri`, and its
    /// parts as `host` and `port`. No user and no password in it: those belong under `credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    #[x_kube(validation = rules::address())]
    pub url: Option<SecretText>,

    /// From where the address works.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EndpointType>,

    /// Entries of this endpoint, such as a certificate authority. They win over entries of the
    /// service and the record with the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<ConfigurationEntry>,
}

/// From where the address works: `internal` only from the record's own zone, `external` from
/// everywhere. Absent means external.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum EndpointType {
    /// Only from the record's own zone.
    Internal,
    /// From everywhere.
    #[default]
    External,
}
