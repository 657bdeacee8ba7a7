//! The projection controller: one Secret for each (namespace, record, service, endpoint,
//! credentials), rendered while somebody uses it and may have it, withdrawn otherwise.
//!
//! dereference (read source Secrets) → validate (still admitted? still used?) → build (the data, its
//! digest) → apply (projection, then Secret) → `update_status` (what was written).

mod apply;
mod build;
mod dereference;
mod update_status;
mod validate;

use std::sync::Arc;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::access::secret_user;
use extension_registry_core::projection::Identity;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use k8s_openapi::jiff::Timestamp;

use crate::context::Context;
use crate::error::Error;
use crate::impact;
use crate::queue::Urgency;
use crate::run_gate;
use crate::task::Task;

use validate::Verdict;

/// Brings a projection to where it should be.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    let Some(entry) = context.world.ledger.read().get(key).cloned() else {
        return Ok(());
    };
    if entry.terminating {
        return Ok(());
    }
    let now = Timestamp::now();
    match validate::run(context, key, &entry, now) {
        Verdict::Revoked => apply::withdraw(context, key, &entry, "Revoked").await,
        Verdict::Expired => apply::withdraw(context, key, &entry, "Unused").await,
        Verdict::Keep { choice, unused } => {
            if let Some(unused) = unused {
                context.queue.add_after(
                    Task::Projection(key.clone()),
                    Urgency::Background,
                    unused.left,
                    unused.left,
                );
            }
            let was_ready = entry.status.secret.is_some();
            let outcome = render(context, key, &entry.identity, &choice).await?;
            if was_ready && outcome.is_err_and(|refusal| refusal.reason == Reason::SecretConflict) {
                impact::projection_lost(context, key);
            }
            Ok(())
        }
    }
}

/// Whether a projection may no longer exist: its record, service, endpoint or credentials went, or no
/// longer admit its namespace.
pub(crate) fn is_revoked(context: &Context, key: &ObjectKey) -> bool {
    let Some(entry) = context.world.ledger.read().get(key).cloned() else {
        return false;
    };
    validate::choice(context, key, &entry.identity).is_none()
}

/// Makes sure that the Secret of a choice is there and holds what the record says. Returns at once
/// when nothing has moved since it was last rendered.
///
/// # Errors
/// When the API server does not do what it was asked. A refusal is an answer, and in the inner
/// result.
pub(crate) async fn ensure(
    context: &Arc<Context>,
    key: &ObjectKey,
    identity: &Identity,
    choice: &Choice,
) -> Result<Result<(), Refusal>, Error> {
    let known = context.world.ledger.read().get(key).cloned();
    if let Some(entry) = known
        && !entry.terminating
        && !entry.due
        && *entry.identity == *identity
        && entry.status.secret.is_some()
        && entry.stamp.is_some()
        && entry.stamp == dereference::stamp(context, choice)
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
        // Policies have to know whose the Secret is before it exists.
        Ok(prepared) => match admit(context, key, identity, choice).await? {
            Ok(()) => apply::run(context, key, &dereferenced, prepared).await?,
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    let outcome = update_status::run(context, key, choice, outcome).await?;
    if outcome.is_ok() {
        context
            .world
            .ledger
            .write()
            .set_stamp(key, dereferenced.stamp);
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
        Some(user) => run_gate::admit(context, key, secret_user(choice, user)).await,
        None => Ok(Ok(())),
    }
}
