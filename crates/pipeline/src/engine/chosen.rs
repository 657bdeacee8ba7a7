//! The engine of this program.

use crate::engine::{Engine, EngineResource, Tekton};

/// The kind of its pipelines.
pub const PIPELINES: EngineResource = Tekton::PIPELINES;

/// The kind of its runs.
pub const RUNS: EngineResource = Tekton::RUNS;

/// Returns the engine that runs the generated pipelines.
#[must_use]
pub fn engine() -> &'static (dyn Engine + Sync) {
    &Tekton
}
