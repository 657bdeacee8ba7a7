//! Credentials: who may have them and where their values are.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretText, null_is_empty};
use crate::{limits, rules};

/// One set of credentials of a service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::scope_lists())]
pub struct CredentialsSpec {
    /// Name of the set, unique in the service.
    #[schemars(length(max = limits::NAME), regex(pattern = limits::NAME_PATTERN))]
    pub name: String,

    /// Who may have these credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<CredentialsScope>,

    /// Projects (namespaces) that may have these credentials. Needed by scope project. Beside scope
    /// user: the users listed have them only in these projects. An empty list admits nobody.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(
        length(max = limits::MEMBERS),
        inner(length(max = limits::NAME), regex(pattern = limits::LABEL_PATTERN))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub project: Option<Vec<String>>,

    /// Users who may have these credentials, exactly as the API server names them. Needed by scope
    /// user. An empty list admits nobody.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = limits::MEMBERS), inner(length(min = 1, max = limits::PERSON)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub user: Option<Vec<String>>,

    /// Choose this set where several of the same scope are usable. Absent means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,

    /// Entries of this set. They win over all other entries with the same name, and over the same
    /// key of `secretRef`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CONFIGURATION))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub configuration: Vec<CredentialEntry>,

    /// A Secret whose every key becomes an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
}

/// Who may have these credentials: `global` everyone who may use the record, `project` the projects
/// listed, `user` the users listed. Absent means global. Where several sets are usable, the narrowest
/// scope wins.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum CredentialsScope {
    /// Everyone who may use the record.
    #[default]
    Global,
    /// The projects listed.
    Project,
    /// The users listed.
    User,
}

/// A secret value: written here, or better, kept in a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.value) != has(self.valueFrom)").message("an entry has either `value` or `valueFrom`: keep one of them; `valueFrom` keeps the secret out of this object"))]
pub struct CredentialEntry {
    /// Name of the entry: the file that steps find, and their variable where it can be one. Letters,
    /// digits, `-`, `_` and `.`; `type` and `extension.yaml` are reserved.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    #[x_kube(validation = rules::free_key())]
    pub name: String,

    /// The value, at most 64 KiB. The webhook encrypts it before this object is stored, unless it is
    /// configured otherwise; then everyone who can read this object can read the value. A Secret and
    /// `valueFrom.secretKeyRef` are the safe way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::VALUE))]
    pub value: Option<SecretText>,

    /// Where the value is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
}

/// Where a value is kept.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.secretKeyRef) ? !has(self.sealed) && !has(self.sealedRef) : has(self.sealed) != has(self.sealedRef)").message("`valueFrom` has exactly one of `secretKeyRef`, `sealed` and `sealedRef`: write `secretKeyRef`, the others are written by the webhook"))]
pub struct ValueSource {
    /// A key of a Secret that you keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyReference>,

    /// The encrypted value. The webhook writes it in place of a `value`. It is valid for this entry
    /// of this object only and cannot be copied elsewhere. To change the value, write `value` again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SEALED))]
    pub sealed: Option<SecretText>,

    /// Deprecated: a key of a Secret into which an earlier version moved a `value`. It is still read,
    /// but cannot be added. Write `value` again to replace it by `sealed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_ref: Option<SealedReference>,
}

/// A key of a Secret into which an earlier version moved a `value`. The Secret is in the records
/// namespace of the operator, never changes, and serves this object only.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SealedReference {
    /// Name of the sealed Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::SUBDOMAIN_PATTERN))]
    pub name: String,

    /// The key in it.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub key: String,
}

/// A key of a Secret. The Secret is in the namespace of the Extension; for a ClusterExtension it is
/// in the records namespace of the operator, `extension-registry-records` unless configured.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyReference {
    /// Name of the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::SUBDOMAIN_PATTERN))]
    pub name: String,

    /// The key in it.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub key: String,
}

/// A whole Secret. It is in the namespace of the Extension; for a ClusterExtension it is in the
/// records namespace of the operator, `extension-registry-records` unless configured.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// Name of the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::SUBDOMAIN_PATTERN))]
    pub name: String,
}
