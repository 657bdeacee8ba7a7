//! `ExtensionBinding`: a requirement of any workload, and the Secrets rendered for it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::projection::WrittenSecret;
use crate::requirement::ServiceRequirement;
use crate::{limits, rules, status};

/// What the binding requires. All selectors that are set must match, and exactly one service must remain.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "registry.fuseml.io",
    version = "v1alpha1",
    kind = "ExtensionBinding",
    namespaced,
    shortname = "extb",
    category = "registry",
    label("servicebinding.io/provisioned-service", "true"),
    doc = "A service that workloads in this namespace require. The operator renders it into the Secret `ext-NAME`, whose keys are files, and the Secret `ext-NAME.env`, whose keys are environment variables. Mount them by name, or annotate the Pod template with `registry.fuseml.io/bind: NAME`.",
    status = "ExtensionBindingStatus",
    derive = "PartialEq",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Extension", type_ = "string", json_path = ".status.choice.record"),
    printcolumn(name = "Service", type_ = "string", json_path = ".status.choice.service"),
    printcolumn(name = "Secret", type_ = "string", json_path = ".status.binding.name"),
    printcolumn(
        name = "Superseded",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Superseded')].status",
        priority = "1"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = rules::binding_name_length(),
    validation = rules::binding_name_characters(),
    validation = rules::binding_name_reserved()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::binding_variables())]
pub struct ExtensionBindingSpec {
    #[expect(missing_docs, reason = "the fields of the type are documented")]
    #[serde(flatten)]
    pub requirement: ServiceRequirement,

    /// Additional names for keys of the selected service, for workloads that expect fixed file names.
    /// The files with the original names are always available.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAPPINGS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub files: Vec<FileMapping>,

    /// Whether to follow the registry: if another service matches better than the current one, the binding
    /// moves to it immediately. By default, the binding keeps its service while it exists, matches and
    /// grants access.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow: bool,
}

/// A file with the value of a key of the selected service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FileMapping {
    /// Name of the file, which is also a key of the Secret.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub name: String,

    /// Key that provides the value: a configuration entry, or `uri` (alias `url`), `host`, `port`,
    /// `type`, `provider`, `version`, `zone` or `category`.
    #[schemars(length(max = limits::KEY), regex(pattern = limits::KEY_PATTERN))]
    pub configuration: String,
}

/// Observed state of a binding.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = { "conditions": status::pending() }))]
pub struct ExtensionBindingStatus {
    /// Generation of the spec that this status refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions. `Resolved`: the requirement is resolved to exactly one service. `Ready`: the Secrets are
    /// up to date. `Superseded`: the binding keeps its service, but would now select another one.
    /// `Stalled`: only a change to this binding can resolve the error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Secret with the files, in the form that the Service Binding specification defines for a Provisioned
    /// Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingSecret>,

    /// Secret with the environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BindingEnvironment>,

    /// The selected service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<BindingChoice>,

    /// The Secrets as the operator last wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<WrittenBinding>,

    /// Value of the annotation `registry.fuseml.io/rebind` that the operator last handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rebind: Option<String>,

    /// Warnings that require no immediate action, e.g. an endpoint in another zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub notes: Vec<String>,
}

/// Reference to the Secret with the files.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BindingSecret {
    /// Name of the Secret.
    pub name: String,
}

/// The Secret with the environment variables.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BindingEnvironment {
    /// Name of the Secret.
    pub name: String,

    /// Names of the variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub variables: Vec<String>,

    /// Configuration entries that are not set as variables because they would execute code or break
    /// programs. They are available as files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub left_out: Vec<String>,
}

/// The service that a binding selected.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BindingChoice {
    /// Kind of the record: `ClusterExtension` or `Extension`.
    pub kind: String,

    /// Name of the record.
    pub record: String,

    /// UID of the record. The binding does not keep a service of a record that was deleted and recreated.
    pub record_uid: String,

    /// Generation of the record.
    pub record_generation: i64,

    /// Name of the service.
    pub service: String,

    /// Name of the endpoint, if the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,

    /// Name of the credentials, if the service has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,

    /// Version of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The Secrets of a binding as the operator last wrote them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WrittenBinding {
    /// Secret with the files.
    pub files: WrittenSecret,

    /// Secret with the environment variables.
    pub environment: WrittenSecret,

    /// Keyed digest of the content of both Secrets. It reveals changes, but nothing about the values.
    pub digest: String,
}
