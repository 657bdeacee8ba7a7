//! The custom resources of `registry.fuseml.io` and their conversion to the domain types.
//!
//! The doc comments of the resource types are what `kubectl explain` prints, so they speak to the
//! users of the registry. What a schema can say is said there ([`limits`] holds the numbers); the
//! rest is checked by [`convert`], which never trusts that the schema was in force.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]
#![expect(
    clippy::doc_markdown,
    reason = "`kubectl explain` prints these comments, where kinds stand without backticks"
)]

pub mod convert;
pub mod crd;
pub mod extension;
pub mod kinds;
pub mod limits;
pub mod projection;
pub mod reference;
mod rules;
pub mod run_gate;
pub mod shape;
pub mod size;
pub mod status;
pub mod unquoted;
pub mod workflow;

pub use extension::{ExtensionSpec, ExtensionStatus};
pub use kinds::{
    ClusterExtension, ClusterExtensionSpec, Extension, NamespacedExtensionSpec, RecordObject,
};
pub use projection::{ExtensionProjection, ExtensionProjectionSpec, ExtensionProjectionStatus};
pub use run_gate::{RUN_GATE, RunGate, RunGateSpec, SecretUser};
pub use workflow::{Workflow, WorkflowSpec, WorkflowStatus};

/// Group of every kind.
pub const GROUP: &str = "registry.fuseml.io";

/// Version of every kind.
pub const VERSION: &str = "v1alpha1";

/// Name under which the operator applies: one for all that it writes.
pub const FIELD_MANAGER: &str = "extension-registry";

/// Label of everything that the operator creates.
pub const MANAGED_BY_LABEL: &str = "registry.fuseml.io/managed-by";

/// Label of the Secrets into which earlier versions moved values written into a record.
pub const SEALED_LABEL: &str = "registry.fuseml.io/sealed";

/// Type of those Secrets.
pub const SEALED_TYPE: &str = "registry.fuseml.io/sealed";

/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "extension-registry";

/// Annotation of a workflow: the user on whose behalf it resolves. Admission policies write it, or
/// validate it where the API server cannot write it.
pub const AUTHOR_ANNOTATION: &str = "registry.fuseml.io/author";

/// Annotation of a workflow: the groups of its author, one a line.
pub const AUTHOR_GROUPS_ANNOTATION: &str = "registry.fuseml.io/author-groups";

/// Annotation of a run and its Pods: the user who started it. Written as [`AUTHOR_ANNOTATION`].
pub const RUN_BY_ANNOTATION: &str = "registry.fuseml.io/run-by";

/// Annotation of a run and its Pods: the groups of the user who started it, one a line.
pub const RUN_BY_GROUPS_ANNOTATION: &str = "registry.fuseml.io/run-by-groups";

/// Label of the Pipeline of a workflow that uses Secrets of one user, always `true`. The engine hands it
/// down to Pods; admission refuses a Pod that refers to such a Secret without it.
pub const USER_SECRETS_LABEL: &str = "registry.fuseml.io/user-secrets";

/// Annotation of a run: what it was bound to when it came, by names and generations.
pub const RUN_BINDINGS_ANNOTATION: &str = "registry.fuseml.io/bindings";

/// Annotation of a workflow or a run: the user to act for. The requester must be allowed to impersonate
/// that user.
pub const ON_BEHALF_OF_ANNOTATION: &str = "registry.fuseml.io/on-behalf-of";
