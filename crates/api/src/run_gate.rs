//! `RunGate`: input of the admission policies for the runs of a namespace.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Name of the only RunGate in a namespace.
pub const RUN_GATE: &str = "extension-registry";

/// User Secrets that the runs in a namespace may use, and Pipelines and bindings that must not run. A namespace
/// without any has no RunGate.
#[derive(
    CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq,
)]
#[kube(
    group = "registry.fuseml.io",
    version = "v1alpha1",
    kind = "RunGate",
    namespaced,
    doc = "Lists who may use each user Secret in the namespace, and which Pipelines and bindings are on hold. Read by the admission policies and managed by the operator; do not edit.",
    derive = "PartialEq",
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name == 'extension-registry'").message("the RunGate of a namespace must be named `extension-registry`")
)]
#[serde(rename_all = "camelCase")]
pub struct RunGateSpec {
    /// Users, keyed by the name of their rendered Secret. A Pod may use a Secret `ext-u-…` only in a run
    /// of that Secret's user, and only if the Secret is listed here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = limits::USER_SECRETS, "x-kubernetes-map-type" = "atomic"))]
    pub user_secrets: BTreeMap<String, SecretUser>,

    /// Reasons why Pipelines are on hold, keyed by the name of the Pipeline. A Pipeline is on hold while
    /// its workflow is not ready: runs of the Pipeline are rejected.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = limits::HELD_PIPELINES, "x-kubernetes-map-type" = "atomic"))]
    pub held_pipelines: BTreeMap<String, String>,

    /// Reasons why bindings are on hold, keyed by the name of the ExtensionBinding. Runs that use a binding
    /// which is not ready are rejected.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = limits::HELD_BINDINGS, "x-kubernetes-map-type" = "atomic"))]
    pub held_bindings: BTreeMap<String, String>,
}

/// User with access to a Secret.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretUser {
    /// Name of the user.
    #[schemars(length(max = limits::PERSON))]
    pub user: String,

    /// Groups that the record lists under `access`. The user must belong to at least one of them when the
    /// run starts. If absent, the user name alone grants access.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS))]
    pub groups: Vec<String>,

    /// User names of ServiceAccounts that the record lists in addition to the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS))]
    pub service_accounts: Vec<String>,
}

impl RunGateSpec {
    /// Returns whether the spec lists nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.user_secrets.is_empty()
            && self.held_pipelines.is_empty()
            && self.held_bindings.is_empty()
    }
}

impl RunGate {
    /// Creates the RunGate of a namespace.
    #[must_use]
    pub fn of_namespace(namespace: &str, spec: RunGateSpec) -> Self {
        Self {
            metadata: ObjectMeta {
                name: Some(RUN_GATE.to_owned()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            spec,
        }
    }
}
