//! Domain model of the registry: records, requirements, their resolution, and the projection of the
//! result into containers.
//!
//! All code is pure: no Kubernetes types, no I/O, no clock. The operator, the command line and the
//! admission webhook share it.
//!
//! Data flow: [`record::Record`]s are added to a [`resolve::Index`]; a [`requirement::Requirement`] of a
//! [`access::Consumer`] is resolved against it to one [`resolve::Choice`] or one
//! [`refusal::Refusal`]; a choice becomes a [`projection::Layout`] of keys, which become the files and
//! environment variables of a step.
//!
//! ```
//! use extension_registry_core::access::Consumer;
//! use extension_registry_core::record::{Access, Record, RecordKey, Service};
//! use extension_registry_core::requirement::Requirement;
//! use extension_registry_core::resolve::{Index, resolve};
//! use extension_registry_core::version::RecordVersion;
//!
//! let mut index = Index::new();
//! index.insert(Record {
//!     key: RecordKey::cluster("mlflow-0001"),
//!     generation: 1,
//!     product: Some("mlflow".into()),
//!     version: Some(RecordVersion::new("1.19.0")),
//!     zone: None,
//!     default: false,
//!     shadowable: true,
//!     access: Access::default(),
//!     services: [Service {
//!         name: "tracking".into(),
//!         resource: Some("mlflow-tracking".into()),
//!         category: None,
//!         endpoints: [].into(),
//!         credentials: [].into(),
//!         configuration: [].into(),
//!     }]
//!     .into(),
//!     configuration: [].into(),
//! });
//!
//! let requirement = Requirement {
//!     name: "tracker".into(),
//!     product: Some("mlflow".into()),
//!     version: Some(">=1.2".parse().unwrap()),
//!     ..Requirement::default()
//! };
//! let consumer = Consumer::in_project("alpha");
//! let choice = resolve(&index, &requirement, &consumer).unwrap();
//! assert_eq!(choice.record.key, RecordKey::cluster("mlflow-0001"));
//! assert_eq!(choice.binding_type(), "mlflow-tracking");
//!
//! let requirement = Requirement {
//!     version: Some("^2".parse().unwrap()),
//!     ..requirement
//! };
//! let refusal = resolve(&index, &requirement, &consumer).unwrap_err();
//! assert_eq!(refusal.reason.as_str(), "NotFound");
//! ```

pub mod access;
pub mod diagnostic;
pub mod expression;
mod listed;
pub mod lookalike;
pub mod printable;
pub mod projection;
pub mod record;
pub mod refusal;
pub mod requirement;
pub mod resolve;
pub mod sensitive;
pub mod suggest;
pub mod version;
