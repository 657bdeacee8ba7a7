//! Writes the projection, then the Secrets of a binding, the variables first, or deletes them.
//!
//! If the service changes, the Secrets of the old one are deleted before those of the new one are written, so that files
//! of one service are never available together with variables of another.

use extension_registry_api::ExtensionBinding;
use extension_registry_api::binding::WrittenBinding;
use extension_registry_api::projection::WrittenSecret;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::{Described, environment_key, projection_key};
use extension_registry_render::projection::{secret_of, secret_owner};
use k8s_openapi::api::core::v1::Secret;

use crate::binding::build::Prepared;
use crate::binding::dereference::{self, Dereferenced};
use crate::context::Context;
use crate::store::ProjectionEntry;
use crate::{projection_object, secret};
use extension_registry_runtime::error::Error;

/// The written objects.
pub(super) struct Applied {
    pub(super) written: WrittenBinding,
    /// Description for the status.
    pub(super) described: Described,
}

/// What became of a binding.
pub(super) enum Outcome {
    /// Its Secrets are up to date.
    Bound {
        /// The service.
        choice: Choice,
        /// `None` if nothing has changed since they were last written.
        applied: Option<Box<Applied>>,
        /// Why the binding did not move to the service that matches better.
        unmoved: Option<Refusal>,
    },
    /// It is refused.
    Refused {
        /// The service whose Secrets are kept as they are.
        kept: Option<Choice>,
        refusal: Refusal,
    },
}

pub(super) async fn run(
    context: &Context,
    dereferenced: &Dereferenced,
    prepared: Prepared,
) -> Result<Result<Applied, Refusal>, Error> {
    let Prepared {
        key,
        projection,
        owner,
        files,
        environment,
        digest,
        is_unchanged,
        described,
    } = prepared;
    let status = dereferenced.binding.status.as_ref();
    let mut written = status.and_then(|status| status.written.clone());
    let identity = projection.spec.identity(&key.namespace);
    let mut must_write = !is_unchanged || dereferenced.is_due();
    let entry = match &dereferenced.projection {
        Some(entry) if *entry.identity == identity && entry.owner.as_deref() == Some(&*owner) => {
            entry.clone()
        }
        other => {
            // The Secrets belong to a projection that is gone, or are about to be deleted.
            must_write = true;
            if let Some(other) = other {
                delete_secrets(context, &key, written.take().as_ref()).await?;
                delete_unrecorded(context, &key, &dereferenced.binding, other).await?;
            }
            match projection_object::apply(context, &key, &projection).await? {
                Ok(entry) => entry,
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    };
    if !must_write && let Some(written) = written {
        return Ok(Ok(Applied {
            written: WrittenBinding { digest, ..written },
            described,
        }));
    }
    // The kubelet mounts the files of a Pod before it reads the variables. A Pod that waits for the files then finds the
    // variables, without which Tekton would fail it for good.
    let known = written.as_ref().map(|written| &written.environment);
    let environment = match write(context, &key, environment, known, &entry).await? {
        Ok(environment) => environment,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let known = written.as_ref().map(|written| &written.files);
    let files = write(context, &key, files, known, &entry).await?;
    if files.is_err() && written.is_none() {
        // Pods must not get these variables together with foreign files.
        delete_secret(context, &key, &environment).await?;
    }
    Ok(files.map(|files| Applied {
        written: WrittenBinding {
            files,
            environment,
            digest,
        },
        described,
    }))
}

async fn write(
    context: &Context,
    projection: &ObjectKey,
    mut rendered: Secret,
    known: Option<&WrittenSecret>,
    entry: &ProjectionEntry,
) -> Result<Result<WrittenSecret, Refusal>, Error> {
    rendered.metadata.owner_references = Some(vec![secret_owner(projection, &entry.uid)]);
    let name = rendered.metadata.name.clone().unwrap_or_default();
    let key = ObjectKey::new(projection.namespace.clone(), name);
    let known = known.map(|known| known.uid.as_str());
    secret::write(context, &key, rendered, known, entry.created.as_ref()).await
}

/// Deletes the Secrets, the variables first: without them no container starts.
async fn delete_secrets(
    context: &Context,
    projection: &ObjectKey,
    written: Option<&WrittenBinding>,
) -> Result<(), Error> {
    for written in written
        .into_iter()
        .flat_map(|written| [&written.environment, &written.files])
    {
        delete_secret(context, projection, written).await?;
    }
    Ok(())
}

/// Deletes Secrets that the operator wrote before it stopped, without recording them in the status. Otherwise, one of them
/// could be available together with the other one of the next service.
async fn delete_unrecorded(
    context: &Context,
    key: &ObjectKey,
    binding: &ExtensionBinding,
    projection: &ProjectionEntry,
) -> Result<(), Error> {
    let name = binding.metadata.name.as_deref().unwrap_or_default();
    let binding = ObjectKey::new(key.namespace.clone(), name);
    for secret_key in [environment_key(&binding), key.clone()] {
        let mut secret = secret_of(&secret_key, &projection.identity);
        secret.metadata.owner_references = Some(vec![secret_owner(key, &projection.uid)]);
        secret::delete_of(context, &secret_key, &secret, projection.created.as_ref()).await?;
    }
    Ok(())
}

async fn delete_secret(
    context: &Context,
    projection: &ObjectKey,
    written: &WrittenSecret,
) -> Result<(), Error> {
    let key = ObjectKey::new(projection.namespace.clone(), written.name.as_str());
    secret::delete(context, &key, &written.uid).await
}

/// Deletes the Secrets and the projection of a binding that is refused.
pub(super) async fn withdraw(
    context: &Context,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
) -> Result<(), Error> {
    let status = dereferenced.binding.status.as_ref();
    let written = status.and_then(|status| status.written.as_ref());
    let projection = projection_key(key);
    delete_secrets(context, &projection, written).await?;
    match &dereferenced.projection {
        Some(entry) => projection_object::delete(context, &projection, &entry.uid).await,
        None => Ok(()),
    }
}

/// Deletes the Secrets and the projection of a binding that no longer exists. If this process has not seen its status,
/// the garbage collector deletes the Secrets.
pub(super) async fn withdraw_deleted(context: &Context, key: &ObjectKey) -> Result<(), Error> {
    let Some(entry) = dereference::projection(context, key) else {
        return Ok(());
    };
    let projection = projection_key(key);
    delete_secrets(context, &projection, entry.written.as_ref()).await?;
    projection_object::delete(context, &projection, &entry.uid).await
}
