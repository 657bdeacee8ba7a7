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

pub mod access;
pub mod diagnostic;
pub mod expression;
pub mod hex;
pub mod lookalike;
pub mod projection;
pub mod record;
pub mod refusal;
pub mod requirement;
pub mod resolve;
pub mod sensitive;
pub mod suggest;
pub mod version;
