//! `ExtensionProjection`: which Secret the operator rendered in a namespace, and for whom.

use extension_registry_core::projection::Identity;
use extension_registry_core::record::{RecordKey, RecordKind};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// What is rendered: one service of one record, with the endpoint and the credentials that were
/// chosen. It never changes; another choice is another projection.
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
    doc = "Says where the data of an extension is right now: which record is rendered into which Secret of this namespace. Written by the operator only.",
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
    validation = Rule::new("self.metadata.name.startsWith('ext-')").message("a projection is written by the operator and its name begins with `ext-`")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("a projection never changes: another choice is another projection"))]
pub struct ExtensionProjectionSpec {
    /// The record that is rendered.
    pub record: RecordReference,

    /// Name of the service.
    #[schemars(length(max = limits::NAME))]
    pub service: String,

    /// Type of the binding: the resource of the service, or the product of the record where there is
    /// none. The Secret has the type `servicebinding.io/<type>`.
    #[serde(rename = "type")]
    #[schemars(length(max = limits::NAME))]
    pub binding_type: String,

    /// Name of the endpoint, where the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub endpoint: Option<String>,

    /// Name of the credentials, where the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub credentials: Option<String>,

    /// The user for whom this was chosen, where the choice depended on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::PERSON))]
    pub user: Option<String>,
}

/// A record: a ClusterExtension, or an Extension of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct RecordReference {
    /// `ClusterExtension` or `Extension`.
    pub kind: ReferenceKind,

    /// Name of the record.
    #[schemars(length(max = limits::KEY))]
    pub name: String,
}

/// Kind of a record.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// A record of the cluster.
    #[default]
    ClusterExtension,
    /// A record of the namespace.
    Extension,
}

/// What the operator last wrote.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionProjectionStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the Secret holds what the record says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// The Secret that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<WrittenSecret>,

    /// Keyed digest of what the Secret holds. It says whether something changed and nothing about
    /// the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,

    /// Names of the keys in the Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub keys: Vec<String>,

    /// How many requirements of workflows in this namespace use the Secret.
    #[serde(default)]
    pub consumers: i64,

    /// Since when nothing uses the Secret. It is deleted after a grace period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_since: Option<Time>,

    /// Generation of the record that the Secret was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_generation: Option<i64>,
}

/// The Secret that the operator wrote.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WrittenSecret {
    /// Its name.
    pub name: String,

    /// Its uid: another one means that somebody deleted and made it again.
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
        }
    }
}

impl ExtensionProjectionSpec {
    /// The identity that a projection of that namespace stands for. A project's own record is
    /// always one of the projection's namespace.
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
    fn an_identity_survives_the_way_there_and_back() {
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
