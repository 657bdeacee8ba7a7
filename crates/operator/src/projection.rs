//! The projection controller. It renders one Secret for each combination of namespace, record, service,
//! endpoint and credentials while workflows use it and have access, and deletes it otherwise.
//!
//! validate (access, usage) → dereference (read source Secrets) → build (data and digest) → apply
//! (projection, then Secret) → `update_status`.

mod apply;
mod build;
mod dereference;
mod update_status;
mod validate;

use std::sync::Arc;

use extension_registry_api::status::EventReason;
use extension_registry_core::projection::Identity;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::access::secret_user;
use extension_registry_runtime::error::Error;
use extension_registry_runtime::queue::Priority;
use k8s_openapi::jiff::Timestamp;

use crate::context::Context;
use crate::impact;
use crate::run_gate;
use crate::source;
use crate::task::Task;

use validate::Verdict;

/// Reconciles a projection.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    let Some(entry) = context.stores.projections.read().get(key).cloned() else {
        return Ok(());
    };
    // The binding controller maintains the projections of bindings.
    if entry.terminating || entry.binding.is_some() {
        return Ok(());
    }
    let now = Timestamp::now();
    let grace = context.settings.unused_grace;
    match validate::run(&context.usage(), key, &entry, now, grace) {
        Verdict::Revoked => apply::delete(context, key, &entry, EventReason::Revoked).await,
        Verdict::Expired => apply::delete(context, key, &entry, EventReason::Unused).await,
        Verdict::Keep { choice, unused } => {
            if let Some(unused) = unused {
                context.queue.add_after(
                    Task::Projection(key.clone()),
                    Priority::Background,
                    unused.left,
                    unused.left,
                );
            }
            let was_ready = entry.status.secret.is_some();
            let outcome = render(context, key, &entry.identity, &choice).await?;
            if was_ready && outcome.is_err_and(|refusal| refusal.reason == Reason::SecretConflict) {
                impact::secret_lost(context, key);
            }
            Ok(())
        }
    }
}

/// Ensures that the Secret of a choice exists and is up to date. Returns immediately if none of its inputs
/// has changed since it was last rendered. The inner result is a refusal.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn ensure(
    context: &Arc<Context>,
    key: &ObjectKey,
    identity: &Identity,
    choice: &Choice,
) -> Result<Result<(), Refusal>, Error> {
    let known = context.stores.projections.read().get(key).cloned();
    if let Some(entry) = known
        && !entry.terminating
        && !entry.due
        && *entry.identity == *identity
        && entry.status.secret.is_some()
        && entry.inputs.is_some()
        && entry.inputs == source::cached_inputs(context, choice)
    {
        return Ok(Ok(()));
    }
    render(context, key, identity, choice).await
}

async fn render(
    context: &Arc<Context>,
    key: &ObjectKey,
    identity: &Identity,
    choice: &Choice,
) -> Result<Result<(), Refusal>, Error> {
    let _one_writer = context.lock_projection(key).await;
    let dereferenced = dereference::run(context, key, choice).await?;
    let outcome = match build::run(&context.digest_key, key, identity, choice, &dereferenced) {
        // Policies must know the user of the Secret before it exists.
        Ok(prepared) => match admit(context, key, identity, choice).await? {
            Ok(()) => apply::run(context, key, &dereferenced, prepared).await?,
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    let outcome = update_status::run(context, key, choice, outcome).await?;
    if outcome.is_ok() {
        context
            .stores
            .projections
            .write()
            .set_inputs(key, dereferenced.inputs);
    }
    Ok(outcome)
}

async fn admit(
    context: &Context,
    key: &ObjectKey,
    identity: &Identity,
    choice: &Choice,
) -> Result<Result<(), Refusal>, Error> {
    match &identity.user {
        Some(user) => run_gate::add_secret(context, key, secret_user(choice, user)).await,
        None => Ok(Ok(())),
    }
}
