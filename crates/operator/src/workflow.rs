//! The workflow controller.
//!
//! dereference (stores, key names of source Secrets) → prepare (every requirement resolved, nothing in
//! conflict; the pipeline and the projections) → apply (write them) → `update_status`.

mod apply;
mod dereference;
mod update_status;

use std::sync::Arc;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::workflow::prepare;
use extension_registry_core::refusal::Reason;

use crate::context::Context;
use crate::error::Error;
use crate::metrics::Refused;
use crate::run_gate;

/// Brings a workflow to where it should be.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    if context.world.workflows.read().is_broken(key) {
        run_gate::hold(context, key, Reason::Invalid.as_str()).await?;
        return update_status::unreadable(context, key).await;
    }
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return leave_behind(context, key).await;
    };
    let outcome = match prepare(&dereferenced.resolved) {
        Ok(prepared) => apply::run(context, key, &dereferenced, prepared).await?,
        Err(refusals) => Err(refusals),
    };
    match &outcome {
        Ok(_) => run_gate::release(context, key).await?,
        // Also where the Pipeline is another's, or is not known: a run by the name of a workflow runs
        // that workflow, or nothing.
        Err(refusals) => run_gate::hold(context, key, refusals.reason).await?,
    }
    if let Err(refusals) = &outcome {
        context
            .metrics
            .refusals
            .get_or_create(&Refused {
                reason: refusals.reason,
            })
            .inc();
    }
    update_status::run(context, key, &dereferenced, outcome).await
}

/// Handles a workflow that is gone or being deleted. A Pipeline that it left behind does not run any
/// more; one that is deleted with it stays held back until then.
async fn leave_behind(context: &Context, key: &ObjectKey) -> Result<(), Error> {
    if context.world.workflows.read().get(key).is_some() {
        // A finalizer may keep it after its Pipeline is gone, and its name must not be taken meanwhile.
        return run_gate::hold(context, key, "Terminating").await;
    }
    let pipeline = context.world.pipelines.read().get(key).cloned();
    match pipeline {
        Some(entry) if entry.controller.is_none() => run_gate::hold(context, key, "Orphaned").await,
        Some(entry) if entry.is_of_workflow => Ok(()),
        Some(_) | None => run_gate::release(context, key).await,
    }
}
