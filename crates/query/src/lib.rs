//! Questions about records, workflows and bindings, answered from files or from a cluster.
//!
//! An [`Inventory`] holds records, workflows, bindings and the key names of Secrets, read from files or from a cluster. Each
//! question is a module: [`list`], [`locate`], [`describe`], [`resolve`], [`explain`], [`whatif`], [`lint`], [`status`] and
//! [`render`]; [`doctor`] asks the cluster itself. Answers are serializable types with a JSON Schema, and complete:
//! a face prints or shows them, and adds nothing.
//!
//! Problems of objects are [`Finding`]s. What is noticed while objects are read is collected in a [`ReadLog`], and
//! nothing is printed. [`template`], [`service`] and [`record`] prepare records, [`bind`] prepares bindings, [`convert`] converts files of FuseML.
//!
//! Resolution and rendering are those of the operator: `core` and `render`.
//!
//! ```
//! use extension_registry_query::{Inventory, Settings, resolve};
//!
//! let objects = "
//! apiVersion: registry.fuseml.io/v1alpha1
//! kind: ClusterExtension
//! metadata: {name: mlflow}
//! spec:
//!   product: mlflow
//!   services:
//!     - name: tracking
//!       endpoints: [{name: main, url: http://mlflow.example.org}]
//! ---
//! apiVersion: registry.fuseml.io/v1alpha1
//! kind: Workflow
//! metadata: {name: train, namespace: dev}
//! spec:
//!   steps:
//!     - name: fit
//!       image: ghcr.io/example/fit:1
//!       extensions: [{name: store, product: mlflow}]
//! ";
//! let inventory = Inventory::from_texts([("objects.yaml", objects)], Settings::default());
//! assert!(inventory.findings.is_empty());
//! let answers = resolve::resolve(&inventory, &[])?;
//! assert!(answers.are_fine());
//! let consumer = answers.answers[0].consumer.requirement_text("dev");
//! assert_eq!(consumer, "dev/train, step `fit`, requirement `store`");
//! # Ok::<(), extension_registry_core::diagnostic::Failure>(())
//! ```

pub mod bind;
pub mod cluster;
pub mod consumer;
pub mod convert;
pub mod describe;
pub mod doctor;
pub mod explain;
pub mod finding;
pub mod inventory;
pub mod lint;
pub mod list;
pub mod locate;
pub mod place;
pub mod record;
pub mod render;
pub mod resolve;
pub mod service;
pub mod status;
pub mod suggest;
pub mod template;
mod unread;
pub mod whatif;

pub use finding::{Finding, Level};
pub use inventory::{
    BASE, Drafts, InlineCredentials, Input, Inventory, Note, ReadLog, Scope, Settings,
};

/// Result of a question or of reading.
pub type Result<T> = std::result::Result<T, extension_registry_core::diagnostic::Failure>;
