//! The admission webhook of the registry's own kinds.
//!
//! [`router`] defines the paths. A handler takes a [`Review`] and returns an [`AdmissionResult`]; each kind and phase
//! has one file. A mutating handler may change the object, a validating handler only denies it. Checks that
//! need no server are admission policies of the chart.

mod binding;
mod body;
mod lists;
mod record;
mod review;
mod router;
mod workflow;

pub(crate) use review::{AdmissionResult, Review};
pub(crate) use router::router;
