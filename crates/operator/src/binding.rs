//! The binding controller. It renders the service of an `ExtensionBinding` into two Secrets: files and environment
//! variables.
//!
//! dereference (select the service, read source Secrets) → build (both Secrets and their digest) → apply (projection,
//! then Secrets) → `update_status`. The service and its rendering are decided in `render::binding`.

mod apply;
mod build;
mod dereference;
mod update_status;

use std::sync::Arc;

use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;

use crate::context::Context;
use crate::impact;
use crate::metrics::RefusalLabels;
use crate::run_gate;
use extension_registry_runtime::error::Error;

use apply::{Applied, Outcome};
use dereference::{Dereferenced, Selected};

/// Reconciles a binding.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    if context.stores.bindings.read().is_invalid(key) {
        run_gate::hold_binding(context, key, Reason::Invalid).await?;
        return update_status::set_invalid(context, key).await;
    }
    let Some(dereferenced) = dereference::run(context, key) else {
        apply::withdraw_deleted(context, key).await?;
        return run_gate::release_binding(context, key).await;
    };
    let outcome = match &dereferenced.selected {
        Ok(selected) => bind(context, key, &dereferenced, selected).await?,
        Err(refusal) => {
            // A workload that starts now must not get values of a service that no longer matches or grants access.
            apply::withdraw(context, key, &dereferenced).await?;
            impact::set_binding(context, key, None);
            Outcome::Refused {
                kept: None,
                refusal: refusal.clone(),
            }
        }
    };
    match &outcome {
        Outcome::Bound { .. } => run_gate::release_binding(context, key).await?,
        Outcome::Refused { refusal, .. } => {
            run_gate::hold_binding(context, key, refusal.reason).await?;
            let reason = refusal.reason.as_str();
            let refusals = &context.metrics.refusals;
            refusals.get_or_create(&RefusalLabels { reason }).inc();
        }
    }
    update_status::run(context, key, &dereferenced, outcome).await
}

/// Renders the selected service, or the one to keep if that is impossible.
async fn bind(
    context: &Arc<Context>,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    selected: &Selected,
) -> Result<Outcome, Error> {
    let selection = &selected.selection;
    let refusal = match render(context, key, dereferenced, selected, &selection.choice).await? {
        Ok(applied) => {
            return Ok(Outcome::Bound {
                choice: selection.choice.clone(),
                applied,
                unmoved: None,
            });
        }
        Err(refusal) => refusal,
    };
    if let Some(fallback) = &selection.fallback
        && let Ok(applied) = render(context, key, dereferenced, selected, fallback).await?
    {
        return Ok(Outcome::Bound {
            choice: fallback.clone(),
            applied,
            unmoved: Some(refusal),
        });
    }
    // Values of a service that still matches are kept, because they may still work.
    let choices = [Some(&selection.choice), selection.fallback.as_ref()];
    let mut choices = choices.into_iter().flatten();
    let kept = choices
        .find(|choice| dereferenced.has_rendered(choice))
        .cloned();
    if kept.is_none() {
        apply::withdraw(context, key, dereferenced).await?;
        impact::set_binding(context, key, None);
    }
    Ok(Outcome::Refused { kept, refusal })
}

/// Renders a service and writes the Secrets. Returns `None` if none of its inputs has changed since they were last
/// written. The inner result is a refusal.
async fn render(
    context: &Arc<Context>,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    selected: &Selected,
    choice: &Choice,
) -> Result<Result<Option<Box<Applied>>, Refusal>, Error> {
    if dereferenced.is_unchanged(context, choice) {
        return Ok(Ok(None));
    }
    let source = dereference::values(context, choice).await?;
    let prepared = match build::run(context, key, dereferenced, selected, choice, &source) {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Before the Secrets exist, so that a deletion of the record finds their consumer.
    impact::set_binding(context, key, Some(choice.record.key.clone()));
    let projection = prepared.key.clone();
    let applied = apply::run(context, dereferenced, prepared).await?;
    if applied.is_ok() {
        let mut projections = context.stores.projections.write();
        projections.set_inputs(&projection, source.inputs);
    }
    Ok(applied.map(|applied| Some(Box::new(applied))))
}
