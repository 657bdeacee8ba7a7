//! The domain of the registry: what a record offers, what a step requires, how one meets the
//! other, and what a container then sees.
//!
//! Everything here is pure. The crate knows no Kubernetes, does no I/O and reads no clock, so the
//! same code serves the operator, the command line and the admission webhook.
//!
//! The flow: [`record::Record`]s go into a [`resolve::Index`]; a [`requirement::Requirement`] of a
//! [`access::Consumer`] is resolved against it to one [`resolve::Choice`] or one
//! [`refusal::Refusal`]; a choice becomes a [`projection::Layout`] of keys, and that the files and
//! variables of a step.

pub mod access;
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
