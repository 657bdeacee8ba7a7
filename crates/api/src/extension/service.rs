//! Services and endpoints.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::configuration::{ConfigurationEntry, SecretText};
use super::credentials::CredentialsSpec;
use crate::{limits, rules};

/// An API or user interface of the instance.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSpec {
    /// Name of the service, unique in the record.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub name: String,

    /// Type of resource, for example `s3`, `git+http` or `kserve-api`. It is the same for all products
    /// that implement the same API. Workflows that require a resource are portable between products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub resource: Option<String>,

    /// Category of the service, for example `model-store` or `prediction-serving`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub category: Option<String>,

    /// Description of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,

    /// Configuration entries of this service. They override entries with the same name in the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<ConfigurationEntry>,

    /// Endpoints of the service. All provide the same API; a step uses the first endpoint whose type
    /// suits the zone of the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ENDPOINTS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub endpoints: Vec<EndpointSpec>,

    /// Sets of credentials, each with a scope. If the list is empty, the service requires no
    /// credentials. Otherwise, only consumers with access to at least one set can use the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CREDENTIALS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub credentials: Vec<CredentialsSpec>,
}

/// An endpoint of a service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSpec {
    /// Name of the endpoint, unique in the service.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub name: String,

    /// Address: a URL with a host, or `host` or `host:port`. Steps read it as `uri`, and its
    /// parts as `host` and `port`. It must not contain a user name or password: use `credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    #[x_kube(validation = rules::address())]
    pub url: Option<SecretText>,

    /// Reachability of the endpoint.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EndpointType>,

    /// Configuration entries of this endpoint, such as a CA certificate. They override entries with the
    /// same name in the service and the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<ConfigurationEntry>,
}

/// Reachability of an endpoint. An `internal` endpoint is reachable only from the zone of the
/// record, and an `external` endpoint is reachable from anywhere. Defaults to `external`.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum EndpointType {
    /// Reachable only from the zone of the record.
    Internal,
    /// Reachable from anywhere.
    #[default]
    External,
}
