//! The `PipelineRun` controller. It restores deleted Secrets before the Pods of a new run need them, and
//! annotates the run with its bindings.
//!
//! dereference (the run, its workflow) → build (its bindings) → apply (restore Secrets, then annotate). The
//! status of a run belongs to Tekton.

mod apply;
mod build;
mod dereference;

use std::sync::Arc;

use extension_registry_render::ObjectKey;

use crate::context::Context;
use crate::error::Error;

/// Reconciles a new run.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return Ok(());
    };
    let prepared = build::run(&dereferenced);
    apply::run(context, key, prepared).await
}
