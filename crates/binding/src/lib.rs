//! From what was resolved to what is written: the same for the operator, which reads a cluster, and for
//! whoever reads files.
//!
//! [`workflow`] makes the pipeline of a workflow and says which Secrets it needs; [`projection`] renders
//! one of them. [`source`] and [`seal`] say what a record may have of a source Secret. Kubernetes is
//! here as types only: nothing holds a client.

pub mod access;
pub mod grant;
mod key;
pub mod person;
pub mod projection;
pub mod seal;
pub mod source;
pub mod workflow;

pub use key::ObjectKey;
