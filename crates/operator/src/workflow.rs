//! The workflow controller.
//!
//! dereference (caches, key names of source Secrets) → prepare (resolve all requirements, check for
//! conflicts, build the pipeline and the projections) → apply (write them) → `update_status`.

mod apply;
mod dereference;
mod update_status;

use std::sync::Arc;

use extension_registry_api::status::HoldReason;
use extension_registry_core::refusal::Reason;
use extension_registry_render::ObjectKey;
use extension_registry_render::workflow::prepare;
use extension_registry_runtime::error::Error;

use crate::context::Context;
use crate::metrics::RefusalLabels;
use crate::run_gate;

/// Reconciles a workflow.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    if context.stores.workflows.read().is_invalid(key) {
        run_gate::hold(context, key, Reason::Invalid).await?;
        return update_status::set_invalid(context, key).await;
    }
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return hold_orphaned(context, key).await;
    };
    let outcome = match prepare(&dereferenced.resolved) {
        Ok(prepared) => apply::run(context, key, &dereferenced, prepared).await?,
        Err(refusals) => Err(refusals),
    };
    match &outcome {
        Ok(_) => run_gate::release(context, key).await?,
        // Also if the Pipeline has another owner or is unknown: a run that refers to a Pipeline
        // with the same name as a workflow must execute that workflow.
        Err(refusals) => run_gate::hold(context, key, refusals.reason).await?,
    }
    if let Err(refusals) = &outcome {
        context
            .metrics
            .refusals
            .get_or_create(&RefusalLabels {
                reason: refusals.reason.as_str(),
            })
            .inc();
    }
    update_status::run(context, key, &dereferenced, outcome).await
}

/// Handles a workflow that was deleted or is being deleted. A Pipeline that it orphaned is put on hold; one
/// that is deleted with it stays on hold until then.
async fn hold_orphaned(context: &Context, key: &ObjectKey) -> Result<(), Error> {
    if context.stores.workflows.read().get(key).is_some() {
        // A finalizer may keep the workflow after its Pipeline is gone. Its name must stay reserved.
        return run_gate::hold(context, key, HoldReason::Terminating).await;
    }
    let pipeline = context.stores.pipelines.read().get(key).cloned();
    match pipeline {
        Some(entry) if entry.controller.is_none() => {
            run_gate::hold(context, key, HoldReason::Orphaned).await
        }
        Some(entry) if entry.has_workflow_owner => Ok(()),
        Some(_) | None => run_gate::release(context, key).await,
    }
}
