//! Writes the projections, which record what the operator rendered.

use extension_registry_api::{ExtensionProjection, FIELD_MANAGER};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_render::ObjectKey;
use kube::Api;
use kube::api::{Patch, PatchParams};

use crate::context::Context;
use crate::secret::{delete_params, ignore_deleted};
use crate::store::ProjectionEntry;
use extension_registry_runtime::error::{Error, code};

/// Applies a projection. The inner result is a refusal if another one has its name.
///
/// # Errors
/// If the request fails.
pub(crate) async fn apply(
    context: &Context,
    key: &ObjectKey,
    projection: &ExtensionProjection,
) -> Result<Result<ProjectionEntry, Refusal>, Error> {
    let api = Api::<ExtensionProjection>::namespaced(context.client.clone(), &key.namespace);
    context.metrics.count_write("ExtensionProjection", "apply");
    match api
        .patch(
            &key.name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(projection),
        )
        .await
    {
        Ok(object) => {
            let mut projections = context.stores.projections.write();
            projections.upsert(key, &object);
            projections.get(key).cloned().map(Ok).ok_or_else(|| {
                Error::race(
                    format!("apply ExtensionProjection {key}"),
                    "it was deleted concurrently",
                )
            })
        }
        // The spec is immutable: another projection has this name.
        Err(error) if code(&error) == 422 => Ok(Err(conflict(key))),
        Err(error) => Err(Error::api(
            format!("apply ExtensionProjection {key}"),
            &error,
        )),
    }
}

/// Creates the refusal for a projection that exists with another spec.
pub(crate) fn conflict(key: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::SecretConflict,
        format!("ExtensionProjection {key} exists with a different spec"),
        format!(
            "delete it: kubectl delete extensionprojection -n {} {}",
            key.namespace, key.name
        ),
    )
}

/// Deletes the projection with this uid.
///
/// # Errors
/// If the request fails.
pub(crate) async fn delete(context: &Context, key: &ObjectKey, uid: &str) -> Result<(), Error> {
    context.metrics.count_write("ExtensionProjection", "delete");
    let api = Api::<ExtensionProjection>::namespaced(context.client.clone(), &key.namespace);
    let deleted = api.delete(&key.name, &delete_params(uid)).await;
    ignore_deleted(deleted.map(|_| ()))
        .map_err(|error| Error::api(format!("delete ExtensionProjection {key}"), &error))?;
    context.stores.projections.write().remove(key);
    Ok(())
}
