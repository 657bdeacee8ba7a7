//! Requirements: what a step or a binding needs from the registry.

use extension_registry_core::requirement::Field;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// A requirement of a step. `extension`, `product`, `version`, `zone`, `service`, `resource` and
/// `category` select one service of one record: all fields that are set must match, and exactly one
/// service must remain.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RequirementSpec {
    /// Name of the requirement, unique in the step. It is also the name of the directory under
    /// `$SERVICE_BINDING_ROOT`, and NAME in `{{ extensions.NAME.KEY }}`. Lowercase letters, digits and
    /// `-`.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))]
    pub name: String,

    #[expect(missing_docs, reason = "the fields of the type are documented")]
    #[serde(flatten)]
    pub requirement: ServiceRequirement,
}

/// What a requirement selects, without its name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.extension) || has(self.product) || has(self.service) || has(self.resource) || has(self.category)").message("a requirement needs a selector: set at least one of `extension`, `product`, `service`, `resource` or `category`; `zone` and `version` alone are not sufficient"))]
pub struct ServiceRequirement {
    /// Name of the record, to require one particular instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub extension: Option<String>,

    /// Product of the record, for example `mlflow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub product: Option<String>,

    /// Version range that the record must match, in quotes: `"1.2.3"`, `">=0.4.0"`, `"^1.2"`, `"~1.2"`,
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

    /// Type of resource of the service, for example `s3` or `kserve-api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub resource: Option<String>,

    /// Category of the service, for example `model-store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub category: Option<String>,

    /// Endpoint of the selected service to use. It does not affect which service is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub endpoint: Option<String>,

    /// Credentials of the selected service to use. They do not affect which service is selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub credentials: Option<String>,

    /// Environment variables to set. Defaults to one for every configuration entry whose name is a valid
    /// variable name. If empty, none is set. The files are always available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MAPPINGS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub environment: Option<Vec<EnvironmentMapping>>,
}

impl ServiceRequirement {
    /// Returns the required value of a field.
    #[must_use]
    pub fn selector(&self, field: Field) -> Option<&str> {
        let selector = match field {
            Field::Extension => &self.extension,
            Field::Product => &self.product,
            Field::Service => &self.service,
            Field::Resource => &self.resource,
            Field::Category => &self.category,
            Field::Zone => &self.zone,
        };
        selector.as_deref()
    }
}

/// An environment variable set from a key of the selected service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentMapping {
    /// Name of the variable.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::VARIABLE_PATTERN))]
    pub name: String,

    /// Key that provides the value: a configuration entry, or `uri` (alias `url`), `host`, `port`,
    /// `type`, `provider`, `version`, `zone` or `category`.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub configuration: String,
}
