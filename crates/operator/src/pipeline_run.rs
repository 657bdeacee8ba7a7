//! The controller of runs. Before a run has its Pods, what somebody deleted by hand is rendered
//! again: the Pods wait for a Secret that is not there. And the run says what it was bound to.
//!
//! dereference (the run, its workflow) → build (what it is bound to) → apply (repair, then the
//! annotation). Runs are not the operator's, so their status stays untouched.

mod apply;
mod build;
mod dereference;

use std::sync::Arc;

use extension_registry_binding::ObjectKey;

use crate::context::Context;
use crate::error::Error;

/// Makes a run ready that has just come.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    let Some(dereferenced) = dereference::run(context, key).await? else {
        return Ok(());
    };
    let prepared = build::run(&dereferenced);
    apply::run(context, key, prepared).await
}
