//! The workflow controller.
//!
//! dereference (stores, key names of source Secrets) → validate (every requirement resolved, nothing
//! in conflict) → build (the pipeline and the projections) → apply (write them) → `update_status`.

mod apply;
mod build;
mod dereference;
mod run_as;
mod update_status;
mod validate;

use std::sync::Arc;

use extension_registry_core::refusal::Reason;

use crate::context::Context;
use crate::error::Error;
use crate::metrics::Refused;
use crate::task::ObjectKey;

/// Why a workflow cannot be brought to where it should be.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    /// Whether every requirement was resolved all the same.
    pub(crate) resolved: bool,
    /// The reason for the conditions: that of the first problem.
    pub(crate) reason: &'static str,
    /// Only an edit of the workflow can help.
    pub(crate) stalled: bool,
    /// For people, one line a problem.
    pub(crate) message: String,
}

impl Refusals {
    /// From problems in their order: the first gives the reason.
    pub(crate) fn new(resolved: bool, problems: &[(Reason, String)]) -> Self {
        let reason = problems
            .first()
            .map_or(Reason::Invalid, |(reason, _)| *reason);
        let lines: Vec<&str> = problems.iter().map(|(_, text)| text.as_str()).collect();
        Self {
            resolved,
            reason: reason.as_str(),
            stalled: problems.iter().any(|(reason, _)| reason.is_stalled()),
            message: lines.join("\n"),
        }
    }
}

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
    let outcome = match validate::run(&dereferenced) {
        Ok(validated) => match build::run(&dereferenced, validated) {
            Ok(prepared) => apply::run(context, key, &dereferenced, prepared).await?,
            Err(refusals) => Err(refusals),
        },
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
