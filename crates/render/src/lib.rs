//! Desired state of workflows and projections, shared by the operator, which reads a cluster, and the
//! command line, which also reads files.
//!
//! [`workflow`] builds the pipeline of a workflow and lists its Secrets; [`projection`] renders
//! a Secret; [`binding`] selects the service of a binding and renders its Secrets. [`source`] controls which source Secrets a record may use. The crate uses
//! Kubernetes types, but no client.
//!
//! ```
//! use std::sync::Arc;
//!
//! use extension_registry_api::{ExtensionSpec, Workflow, convert};
//! use extension_registry_core::record::RecordKey;
//! use extension_registry_core::resolve::Index;
//! use extension_registry_render::ObjectKey;
//! use extension_registry_render::person::consumer;
//! use extension_registry_render::workflow::{Resolved, prepare, resolve};
//! use serde_json::json;
//!
//! let spec: ExtensionSpec = serde_json::from_value(json!({
//!     "product": "mlflow",
//!     "services": [{"name": "tracking", "configuration": [{"name": "EXPERIMENT", "value": "e1"}]}],
//! })).unwrap();
//! let mut index = Index::new();
//! index.insert(convert::record(RecordKey::cluster("mlflow-0001"), 1, &spec).unwrap());
//!
//! let workflow: Workflow = serde_json::from_value(json!({
//!     "apiVersion": "registry.fuseml.io/v1alpha1",
//!     "kind": "Workflow",
//!     "metadata": {"name": "train", "namespace": "alpha"},
//!     "spec": {"steps": [{
//!         "name": "train",
//!         "image": "example/train",
//!         "extensions": [{"name": "tracker", "product": "mlflow"}],
//!     }]},
//! })).unwrap();
//! let key = ObjectKey::new("alpha", "train");
//! let consumer = consumer(&key.namespace, None, None);
//! let resolutions = resolve(&index, &workflow, &consumer);
//! let resolved = Resolved {
//!     workflow: Arc::new(workflow),
//!     key,
//!     person: None,
//!     // The service has no credentials, so no source Secret has to be read.
//!     resolutions: resolutions.into_iter().map(|one| one.without_keys()).collect(),
//! };
//!
//! let prepared = prepare(&resolved).unwrap_or_else(|refusals| panic!("{}", refusals.message));
//! assert_eq!(prepared.pipeline["kind"], "Pipeline");
//! assert_eq!(prepared.bindings[0].record, "mlflow-0001");
//! assert!(prepared.projections[0].key.name.starts_with("ext-mlflow-0001-tracking-"));
//! ```

pub mod access;
pub mod binding;
pub mod grant;
mod key;
pub mod person;
pub mod projection;
pub mod source;
pub mod workflow;

pub use key::ObjectKey;
