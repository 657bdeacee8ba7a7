//! Requirements: what a step needs from the registry.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// What a step needs. `extension`, `product`, `version`, `zone`, `service`, `resource` and `category`
/// select one service of one record: all that are given must match, and exactly one must be left.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.extension) || has(self.product) || has(self.service) || has(self.resource) || has(self.category)").message("a requirement selects nothing: add at least one of `extension`, `product`, `service`, `resource` or `category`; `zone` and `version` alone are not enough"))]
pub struct RequirementSpec {
    /// Name of the requirement, unique in the step: the folder below `$SERVICE_BINDING_ROOT`, and
    /// NAME in `{{ extensions.NAME.KEY }}`. Lower-case letters, digits and `-`.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))]
    pub name: String,

    /// Name of the record, for one particular instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub extension: Option<String>,

    /// Product of the record: `mlflow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub product: Option<String>,

    /// Versions of the record that will do, in quotes: `"1.2.3"`, `">=0.4.0"`, `"^1.2"`, `"~1.2"`,
    /// `"1.2.*"`, `"1.2.0 - 1.5.0"`, `">=1.0 <2.0 || >=3"`, `"*"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RANGE))]
    pub version: Option<String>,

    /// Zone of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub zone: Option<String>,

    /// Name of the service in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub service: Option<String>,

    /// Type of resource of the service: `s3`, `kserve-api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub resource: Option<String>,

    /// Category of the service: `model-store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub category: Option<String>,

    /// Endpoint to take of the service that was found. It does not help to choose the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub endpoint: Option<String>,

    /// Credentials to take of the service that was found. They do not help to choose the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub credentials: Option<String>,

    /// Variables to set. Absent: one for every configuration entry whose name can be a variable.
    /// Empty: none. The files are there in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MAPPINGS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub environment: Option<Vec<EnvironmentMapping>>,
}

/// A variable taken from a key of what was found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentMapping {
    /// Name of the variable.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::VARIABLE_PATTERN))]
    pub name: String,

    /// The key whose value it gets: a configuration entry, or `uri` (also `url`), `host`, `port`,
    /// `type`, `provider`, `version`, `zone` or `category`.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub configuration: String,
}
