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

use crate::context::Context;
use crate::error::Error;
use crate::metrics::Refused;

/// Brings a workflow to where it should be.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    if context.world.workflows.read().is_broken(key) {
        return update_status::unreadable(context, key).await;
    }
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return Ok(());
    };
    let outcome = match prepare(&dereferenced.resolved) {
        Ok(prepared) => apply::run(context, key, &dereferenced, prepared).await?,
        Err(refusals) => Err(refusals),
    };
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
