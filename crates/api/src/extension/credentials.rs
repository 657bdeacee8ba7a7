//! Credentials: their scope and the source of their values.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::null_is_empty;
use super::configuration::SecretText;
use crate::{limits, rules};

/// A set of credentials of a service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::scope_lists())]
pub struct CredentialsSpec {
    /// Name of the set, unique in the service.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub name: String,

    /// Scope of the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<CredentialsScope>,

    /// Projects (namespaces) with access to these credentials. Required for scope `project`. With scope
    /// `user`, restricts the listed users to these projects. An empty list denies access to everyone.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(
        length(max = limits::MEMBERS),
        inner(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))
    )]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub project: Option<Vec<String>>,

    /// Users with access to these credentials. User names must match those of the API server exactly.
    /// Required for scope `user`. An empty list denies access to everyone.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = limits::MEMBERS), inner(length(min = 1, max = limits::PERSON)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub user: Option<Vec<String>>,

    /// Prefer this set when several of the same scope are accessible. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,

    /// Configuration entries of this set. They override all other entries with the same name, including
    /// keys of the Secret that `secretRef` references.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<CredentialEntry>,

    /// Secret that provides entries: each of its keys becomes an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
}

/// Scope of credentials: `global` for everyone with access to the record, `project` for the listed
/// projects, `user` for the listed users. Defaults to `global`. If several sets are accessible, the
/// narrowest scope is preferred.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum CredentialsScope {
    /// Everyone with access to the record.
    #[default]
    Global,
    /// The listed projects.
    Project,
    /// The listed users.
    User,
}

/// A secret value: inline or, preferably, a reference to a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.value) != has(self.valueFrom)").message("set either `value` or `valueFrom`; `valueFrom` keeps the secret out of this object"))]
pub struct CredentialEntry {
    /// Name of the entry: the name of its file and, if it is a valid variable name, of its environment
    /// variable in steps. Letters, digits, `-`, `_` and `.`; `type` and `extension.yaml` are reserved.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    #[x_kube(validation = rules::free_key())]
    pub name: String,

    /// Value, at most 64 KiB. The webhook encrypts it before this object is stored. If encryption is
    /// disabled, everyone who can read this object can read the value. Prefer a Secret and
    /// `valueFrom.secretKeyRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub value: Option<SecretText>,

    /// Source of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
}

/// Source of a value.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.secretKeyRef) ? !has(self.sealed) && !has(self.sealedRef) : has(self.sealed) != has(self.sealedRef)").message("`valueFrom` requires exactly one of `secretKeyRef`, `sealed` and `sealedRef`: set `secretKeyRef`; only the webhook sets the others"))]
pub struct ValueSource {
    /// Key of a Secret that you manage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyReference>,

    /// Encrypted value, set by the webhook in place of a `value`. It is valid only for this entry
    /// of this object and cannot be copied. To change the value, set `value` again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SEALED))]
    pub sealed: Option<SecretText>,

    /// Deprecated: key of a Secret to which an earlier version moved a `value`. It is still read,
    /// but cannot be added. Set `value` again to replace it with `sealed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_ref: Option<SealedReference>,
}

/// Key of a Secret to which an earlier version moved a `value`. The Secret is in the records
/// namespace of the operator, is immutable, and belongs to this object only.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SealedReference {
    /// Name of the sealed Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::SUBDOMAIN_PATTERN))]
    pub name: String,

    /// Key in the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub key: String,
}

/// Key of a Secret. The Secret is in the namespace of the Extension or, for a ClusterExtension,
/// in the records namespace of the operator, by default `extension-registry-records`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyReference {
    /// Name of the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::SUBDOMAIN_PATTERN))]
    pub name: String,

    /// Key in the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub key: String,
}

/// A whole Secret. It is in the namespace of the Extension or, for a ClusterExtension, in the
/// records namespace of the operator, by default `extension-registry-records`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// Name of the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::SUBDOMAIN_PATTERN))]
    pub name: String,
}
