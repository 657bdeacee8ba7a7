//! Custom resources of `registry.fuseml.io` and their conversion to domain types.
//!
//! `kubectl explain` prints the doc comments of the resource types, so they address the users of the
//! registry. The schemas contain all rules that a schema can express ([`limits`] holds the numbers);
//! [`convert`] checks the rest and repeats the others, without relying on the schema.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]
#![expect(
    clippy::doc_markdown,
    reason = "`kubectl explain` prints these comments, where kinds are written without backticks"
)]

pub mod binding;
pub mod convert;
pub mod crd;
pub mod extension;
pub mod kinds;
pub mod limits;
pub mod projection;
pub mod reference;
pub mod requirement;
mod rules;
pub mod run_gate;
pub mod shape;
pub mod size;
pub mod status;
pub mod unquoted;
pub mod workflow;

pub use binding::{ExtensionBinding, ExtensionBindingSpec, ExtensionBindingStatus};
pub use extension::{ExtensionSpec, ExtensionStatus};
pub use kinds::{
    ClusterExtension, ClusterExtensionSpec, Extension, NamespacedExtensionSpec, RecordObject,
};
pub use projection::{ExtensionProjection, ExtensionProjectionSpec, ExtensionProjectionStatus};
pub use run_gate::{RUN_GATE, RunGate, RunGateSpec, SecretUser};
pub use workflow::{Workflow, WorkflowSpec, WorkflowStatus};

/// API group of every kind.
pub const GROUP: &str = "registry.fuseml.io";

/// API version of every kind.
pub const VERSION: &str = "v1alpha1";

/// Field manager of all server-side apply requests of the operator.
pub const FIELD_MANAGER: &str = "extension-registry";

/// Label on all objects that the operator creates.
pub const MANAGED_BY_LABEL: &str = "registry.fuseml.io/managed-by";

/// Label on the Secrets to which earlier versions moved inline values of a record.
pub const SEALED_LABEL: &str = "registry.fuseml.io/sealed";

/// Type of the Secrets with [`SEALED_LABEL`].
pub const SEALED_TYPE: &str = "registry.fuseml.io/sealed";

/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "extension-registry";

/// Annotation on a workflow: the user on whose behalf it resolves. Admission policies set it; if
/// they cannot, they validate the value that the user set.
pub const AUTHOR_ANNOTATION: &str = "registry.fuseml.io/author";

/// Annotation on a workflow: the groups of its author, one per line.
pub const AUTHOR_GROUPS_ANNOTATION: &str = "registry.fuseml.io/author-groups";

/// Annotation on a run and its Pods: the user who started the run. Set in the same way as
/// [`AUTHOR_ANNOTATION`].
pub const RUN_BY_ANNOTATION: &str = "registry.fuseml.io/run-by";

/// Annotation on a run and its Pods: the groups of the user who started the run, one per line.
pub const RUN_BY_GROUPS_ANNOTATION: &str = "registry.fuseml.io/run-by-groups";

/// Label on the Pipeline of a workflow that uses user-scoped Secrets. The value is always `true`.
/// The engine copies the label to Pods; admission rejects a Pod that references such a Secret but
/// does not have the label.
pub const USER_SECRETS_LABEL: &str = "registry.fuseml.io/user-secrets";

/// Annotation on a run: the names and generations of its bindings when it was created.
pub const RUN_BINDINGS_ANNOTATION: &str = "registry.fuseml.io/bindings";

/// Annotation on a workflow or a run: the user to impersonate. The requester must have permission
/// to impersonate that user.
pub const ON_BEHALF_OF_ANNOTATION: &str = "registry.fuseml.io/on-behalf-of";

/// Annotation on a Pod: names of the bindings that it uses, separated by commas. An admission policy
/// injects their Secrets.
pub const BIND_ANNOTATION: &str = "registry.fuseml.io/bind";

/// Annotation on a Pod: names of the containers that use its bindings, separated by commas.
pub const BIND_CONTAINERS_ANNOTATION: &str = "registry.fuseml.io/bind-containers";

/// Annotation on a binding: a text, usually the time of the request. A new text asks the operator to
/// resolve the binding again instead of keeping its choice.
pub const REBIND_ANNOTATION: &str = "registry.fuseml.io/rebind";
