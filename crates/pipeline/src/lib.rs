//! From a workflow and what its requirements resolved to, to the pipeline that runs it.
//!
//! JSON in, JSON out: the crate has no client, reads no clock and always gives the same bytes for
//! the same input. Two pure steps (design, section 5):
//!
//! 1. [`generate`] writes the workflow as a plain pipeline. Expressions of extensions stay in it.
//! 2. [`patch`](fn@patch) adds volumes, mounts and variables to a container and replaces those
//!    expressions. It knows only the places where a container keeps such things, so it serves a
//!    plain Pod as well.
//!
//! [`build`] does both, [`check`] finds what is wrong without any resolution, [`doubts`] what is
//! seldom meant. All that belongs to
//! one engine stands behind [`Engine`]; [`Tekton`] is the only one.
//!
//! Secrets are only ever referred to by name and key: no value passes through this crate.

mod build;
mod check;
mod doubt;
mod engine;
mod expansion;
mod generate;
mod names;
mod patch;
mod path;
mod problem;
mod run;

pub use build::{Input, Output, build};
pub use check::check;
pub use doubt::{Doubt, doubts};
pub use engine::{Engine, Tekton};
pub use generate::generate;
pub use generate::model;
pub use patch::{Bound, Fault, Mount, Place, Site, patch};
pub use problem::Problem;
pub use run::{WORKSPACE_SIZE, run};
