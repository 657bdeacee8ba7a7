//! The engine of this program.

use crate::engine::{Engine, Tekton};

/// Returns the engine that runs the generated pipelines.
#[must_use]
pub fn engine() -> &'static (dyn Engine + Sync) {
    &Tekton
}
