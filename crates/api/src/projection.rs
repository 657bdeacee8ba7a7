//! `ExtensionProjection`: a Secret that the operator renders in a namespace.

use extension_registry_core::projection::Identity;
use extension_registry_core::record::{RecordKey, RecordKind};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Identity of the projection: one service of one record, with the selected endpoint and credentials.
/// The projection of a workflow is immutable, because a different choice results in a different projection.
/// The projection of a binding has the name of the binding and follows its choice.
#[derive(
    CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash,
)]
#[kube(
    group = "registry.fuseml.io",
    version = "v1alpha1",
    kind = "ExtensionProjection",
    namespaced,
    shortname = "extp",
    category = "registry",
    doc = "A Secret rendered from a record for the workflows or a binding in this namespace. Managed by the operator; do not edit.",
    status = "ExtensionProjectionStatus",
    derive = "PartialEq",
    selectable = ".spec.record.name",
    printcolumn(name = "Record", type_ = "string", json_path = ".spec.record.name"),
    printcolumn(name = "Service", type_ = "string", json_path = ".spec.service"),
    printcolumn(name = "Kind", type_ = "string", json_path = ".spec.record.kind", priority = "1"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".spec.endpoint", priority = "1"),
    printcolumn(name = "Credentials", type_ = "string", json_path = ".spec.credentials", priority = "1"),
    printcolumn(name = "User", type_ = "string", json_path = ".spec.user", priority = "1"),
    printcolumn(name = "Consumers", type_ = "integer", json_path = ".status.consumers"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.startsWith('ext-')").message("projections are managed by the operator; their names begin with `ext-`")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.binding) ? has(oldSelf.binding) && self.binding == oldSelf.binding : self == oldSelf").message("the spec of a projection is immutable, except for the service of a binding"))]
pub struct ExtensionProjectionSpec {
    /// Record from which the Secret is rendered.
    pub record: RecordReference,

    /// Name of the service.
    #[schemars(length(max = limits::NAME))]
    pub service: String,

    /// Type of the binding: the resource of the service or, if it has none, the product of the record.
    /// The type of the Secret is `servicebinding.io/<type>`.
    #[serde(rename = "type")]
    #[schemars(length(max = limits::NAME))]
    pub binding_type: String,

    /// Name of the endpoint, if the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub endpoint: Option<String>,

    /// Name of the credentials, if the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub credentials: Option<String>,

    /// User for whom the service was selected, if the selection depends on the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::PERSON))]
    pub user: Option<String>,

    /// Name of the ExtensionBinding for which the Secrets are rendered. Absent if they are rendered for
    /// workflows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub binding: Option<String>,
}

/// Reference to a record: a ClusterExtension, or an Extension in the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct RecordReference {
    /// Kind of the record: `ClusterExtension` or `Extension`.
    pub kind: ReferenceKind,

    /// Name of the record.
    #[schemars(length(max = limits::KEY))]
    pub name: String,
}

/// Kind of a referenced record.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// A cluster-scoped record.
    #[default]
    ClusterExtension,
    /// A namespaced record.
    Extension,
}

/// Observed state of a projection.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionProjectionStatus {
    /// Generation of the spec that this status refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions. `Ready`: the Secret is up to date with the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Secret that the operator wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<WrittenSecret>,

    /// Keyed digest of the content of the Secret. It reveals changes, but nothing about the
    /// values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,

    /// Names of the keys of the Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub keys: Vec<String>,

    /// Number of workflow requirements in this namespace that use the Secret.
    #[serde(default)]
    pub consumers: i64,

    /// Time at which the Secret became unused. The Secret is deleted after a grace period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_since: Option<Time>,

    /// Generation of the record from which the Secret was rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_generation: Option<i64>,
}

/// Reference to the Secret of a projection.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WrittenSecret {
    /// Name of the Secret.
    pub name: String,

    /// UID of the Secret. A different UID means that the Secret was deleted and recreated.
    pub uid: String,
}

impl From<RecordKind> for ReferenceKind {
    fn from(kind: RecordKind) -> Self {
        match kind {
            RecordKind::ClusterExtension => Self::ClusterExtension,
            RecordKind::Extension => Self::Extension,
        }
    }
}

impl From<&Identity> for ExtensionProjectionSpec {
    fn from(identity: &Identity) -> Self {
        Self {
            record: RecordReference {
                kind: identity.record.kind().into(),
                name: identity.record.name.to_string(),
            },
            service: identity.service.to_string(),
            binding_type: identity.binding_type.to_string(),
            endpoint: identity.endpoint.as_deref().map(Into::into),
            credentials: identity.credentials.as_deref().map(Into::into),
            user: identity.user.as_deref().map(Into::into),
            binding: None,
        }
    }
}

impl ExtensionProjectionSpec {
    /// Returns the identity of a projection in this namespace. A project record is always in the
    /// namespace of the projection.
    #[must_use]
    pub fn identity(&self, namespace: &str) -> Identity {
        let name = self.record.name.as_str();
        Identity {
            record: match self.record.kind {
                ReferenceKind::ClusterExtension => RecordKey::cluster(name),
                ReferenceKind::Extension => RecordKey::project(namespace, name),
            },
            service: self.service.as_str().into(),
            binding_type: self.binding_type.as_str().into(),
            endpoint: self.endpoint.as_deref().map(Into::into),
            credentials: self.credentials.as_deref().map(Into::into),
            user: self.user.as_deref().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_core::projection::Identity;
    use extension_registry_core::record::RecordKey;

    use super::ExtensionProjectionSpec;

    #[test]
    fn identity_round_trips() {
        let full = Identity {
            record: RecordKey::project("alpha", "minio"),
            service: "s3".into(),
            binding_type: "s3".into(),
            endpoint: Some("cluster".into()),
            credentials: Some("ada".into()),
            user: Some("ada".into()),
        };
        let bare = Identity {
            record: RecordKey::cluster("minio"),
            endpoint: None,
            credentials: None,
            user: None,
            ..full.clone()
        };
        for identity in [full, bare] {
            assert_eq!(
                ExtensionProjectionSpec::from(&identity).identity("alpha"),
                identity
            );
        }
    }
}
