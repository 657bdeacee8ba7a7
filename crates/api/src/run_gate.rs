//! `RunGate`: what admission policies have to know about the runs of a namespace.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Name of the only RunGate of a namespace.
pub const RUN_GATE: &str = "extension-registry";

/// What runs in a namespace may use, and which Pipelines may not run now. A namespace with nothing to
/// say has no RunGate.
#[derive(
    CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq,
)]
#[kube(
    group = "registry.fuseml.io",
    version = "v1alpha1",
    kind = "RunGate",
    namespaced,
    doc = "Lists the users of per-user Secrets and the Pipelines that are held back in a namespace. Admission policies read it. Written by the operator only.",
    derive = "PartialEq",
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name == 'extension-registry'").message("a namespace has one RunGate, with the name `extension-registry`")
)]
#[serde(rename_all = "camelCase")]
pub struct RunGateSpec {
    /// Users by the names of their rendered Secrets. A Pod gets a Secret `ext-u-…` only in a run of
    /// that user, and only while the Secret is listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = limits::USER_SECRETS, "x-kubernetes-map-type" = "atomic"))]
    pub user_secrets: BTreeMap<String, SecretUser>,

    /// Reasons by the names of Pipelines whose workflow is not ready: a run of one is refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = limits::HELD_PIPELINES, "x-kubernetes-map-type" = "atomic"))]
    pub held_pipelines: BTreeMap<String, String>,
}

/// Who may use a Secret.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretUser {
    /// The user.
    #[schemars(length(max = limits::PERSON))]
    pub user: String,

    /// Groups of which the user must be in one when the run starts. Absent: the user is admitted by
    /// name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS))]
    pub groups: Vec<String>,

    /// User names of ServiceAccounts that the record lists beside the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MEMBERS))]
    pub service_accounts: Vec<String>,
}

impl RunGateSpec {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.user_secrets.is_empty() && self.held_pipelines.is_empty()
    }
}

impl RunGate {
    /// The RunGate of a namespace.
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
