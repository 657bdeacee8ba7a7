//! Writes or deletes a projection and its Secret.

use std::sync::Arc;

use extension_registry_api::ExtensionProjection;
use extension_registry_api::projection::WrittenSecret;
use extension_registry_api::status::EventReason;
use extension_registry_core::refusal::Refusal;
use extension_registry_render::ObjectKey;
use extension_registry_render::projection::secret_owner;
use extension_registry_runtime::error::Error;
use kube::Resource;

use crate::context::Context;
use crate::projection::build::Prepared;
use crate::projection::dereference::Dereferenced;
use crate::store::ProjectionEntry;
use crate::{projection_object, run_gate, secret};

/// The written Secret.
pub(super) struct Applied {
    pub(super) secret: WrittenSecret,
    /// Keyed digest of its data.
    pub(super) digest: String,
    /// Names of its keys.
    pub(super) keys: Vec<String>,
}

pub(super) async fn run(
    context: &Context,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    prepared: Prepared,
) -> Result<Result<Applied, Refusal>, Error> {
    let Prepared {
        projection,
        owner,
        secret: mut rendered,
        digest,
        unchanged_digest,
        keys,
    } = prepared;
    let entry = match &dereferenced.entry {
        Some(entry)
            if entry.identity.name() != *key.name
                || *entry.identity != projection.spec.identity(&key.namespace) =>
        {
            return Ok(Err(projection_object::conflict(key)));
        }
        Some(entry) if entry.owner.as_deref() == Some(&*owner) && !entry.terminating => {
            entry.clone()
        }
        _ => match projection_object::apply(context, key, &projection).await? {
            Ok(entry) => entry,
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    if let Some(written) = &entry.status.secret
        && unchanged_digest.is_some()
        && entry.status.digest == unchanged_digest
        && !entry.due
    {
        return Ok(Ok(Applied {
            secret: written.clone(),
            digest,
            keys,
        }));
    }
    rendered.metadata.owner_references = Some(vec![secret_owner(key, &entry.uid)]);
    let known = entry
        .status
        .secret
        .as_ref()
        .map(|secret| secret.uid.as_str());
    let written = secret::write(context, key, rendered, known, entry.created.as_ref()).await?;
    Ok(written.map(|secret| Applied {
        secret,
        digest,
        keys,
    }))
}

/// Deletes the Secret, then its projection. The delete request contains the uid, so that a replacement of
/// the Secret is not deleted.
pub(super) async fn delete(
    context: &Arc<Context>,
    key: &ObjectKey,
    entry: &ProjectionEntry,
    reason: EventReason,
) -> Result<(), Error> {
    let _one_writer = context.lock_projection(key).await;
    if let Some(secret) = &entry.status.secret
        && secret.name == *key.name
    {
        secret::delete(context, key, &secret.uid).await?;
    }
    projection_object::delete(context, key, &entry.uid).await?;
    run_gate::remove_secret(context, key);
    tracing::info!(projection = %key, reason = reason.as_str(), record = %entry.identity.record, "deleted projection");
    let mut object = ExtensionProjection::new(&key.name, (&*entry.identity).into());
    object.metadata.namespace = Some(key.namespace.to_string());
    object.metadata.uid = Some(entry.uid.to_string());
    let note = format!("deleted Secret {}: {}", key.name, describe_reason(reason));
    context
        .events
        .normal(&object.object_ref(&()), reason, "Withdraw", &note)
        .await;
    Ok(())
}

fn describe_reason(reason: EventReason) -> &'static str {
    if reason == EventReason::Revoked {
        "the record no longer grants access to these credentials"
    } else {
        "it was not used during the grace period"
    }
}
