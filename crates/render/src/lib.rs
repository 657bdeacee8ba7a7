//! Desired state of workflows and projections, shared by the operator, which reads a cluster, and the
//! command line, which also reads files.
//!
//! [`workflow`] builds the pipeline of a workflow and lists its Secrets; [`projection`] renders
//! a Secret. [`source`] controls which source Secrets a record may use. The crate uses
//! Kubernetes types, but no client.

pub mod access;
pub mod grant;
mod key;
pub mod person;
pub mod projection;
pub mod source;
pub mod workflow;

pub use key::ObjectKey;
