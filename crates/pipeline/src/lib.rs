//! Generates the pipeline of a workflow whose requirements are resolved.
//!
//! The crate converts JSON to JSON deterministically, without a client or a clock, in two phases:
//!
//! 1. [`generate`] generates a pipeline. Expressions of extensions are left unchanged.
//! 2. [`patch`](fn@patch) adds volumes, mounts and variables to a container and replaces those
//!    expressions. It relies only on the fields of containers, so it also works for
//!    plain Pods.
//!
//! [`build`] does both. [`check`] finds problems that require no resolution, [`lint`](fn@lint) finds probable
//! mistakes. All engine-specific code is behind [`Engine`]; [`Tekton`] is the only implementation.
//!
//! Secrets are only referenced by name and key: no value passes through this crate.

mod build;
mod check;
mod engine;
mod expansion;
mod generate;
mod lint;
mod names;
mod patch;
mod path;
mod problem;
mod run;
mod spec;

pub use build::{Input, Output, build};
pub use check::check;
pub use engine::{
    Engine, EngineResource, PIPELINES, RUNS, RunProgress, RunRequest, RunState, Tekton, engine,
};
pub use generate::generate;
pub use generate::model;
pub use lint::{Lint, lint};
pub use patch::{Location, Mount, PatchError, ServiceBinding, Site, patch};
pub use problem::Problem;
pub use run::{WORKSPACE_SIZE, run};
