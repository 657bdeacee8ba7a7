//! Writes or deletes a projection and its Secret.
//!
//! A Secret is written with PUT without a resource version, never patched and never read. A Secret that is
//! older than its projection is not managed by the operator and stays unchanged.

use std::sync::Arc;

use extension_registry_api::projection::WrittenSecret;
use extension_registry_api::status::EventReason;
use extension_registry_api::{ExtensionProjection, FIELD_MANAGER};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_render::ObjectKey;
use extension_registry_render::projection::secret_owner;
use extension_registry_runtime::error::{Error, code, is_namespace_terminating};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};

use crate::context::Context;
use crate::projection::build::Prepared;
use crate::projection::dereference::Dereferenced;
use crate::run_gate;
use crate::store::ProjectionEntry;

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
        mut secret,
        digest,
        unchanged_digest,
        keys,
    } = prepared;
    let entry = match &dereferenced.entry {
        Some(entry)
            if entry.identity.name() != *key.name
                || *entry.identity != projection.spec.identity(&key.namespace) =>
        {
            return Ok(Err(projection_conflict(key)));
        }
        Some(entry) if entry.owner.as_deref() == Some(&*owner) && !entry.terminating => {
            entry.clone()
        }
        _ => match apply_projection(context, key, &projection).await? {
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
    secret.metadata.owner_references = Some(vec![secret_owner(key, &entry.uid)]);
    let known = entry
        .status
        .secret
        .as_ref()
        .map(|secret| secret.uid.as_str());
    let written = write_secret(context, key, secret, known, entry.created.as_ref()).await?;
    Ok(written.map(|secret| Applied {
        secret,
        digest,
        keys,
    }))
}

async fn apply_projection(
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
        Err(error) if code(&error) == 422 => Ok(Err(projection_conflict(key))),
        Err(error) => Err(Error::api(
            format!("apply ExtensionProjection {key}"),
            &error,
        )),
    }
}

fn projection_conflict(key: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::SecretConflict,
        format!("ExtensionProjection {key} exists with a different spec"),
        format!(
            "delete it: kubectl delete extensionprojection -n {} {}",
            key.namespace, key.name
        ),
    )
}

/// How to write the Secret.
enum Attempt {
    /// Create it.
    Create,
    /// Update the managed Secret of this uid.
    Update { uid: String },
    /// Update the existing Secret if it is managed.
    Adopt,
}

async fn write_secret(
    context: &Context,
    key: &ObjectKey,
    mut secret: Secret,
    known_uid: Option<&str>,
    projection_created: Option<&Time>,
) -> Result<Result<WrittenSecret, Refusal>, Error> {
    let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let mut attempt = known_uid.map_or(Attempt::Create, |uid| Attempt::Update {
        uid: uid.to_owned(),
    });
    // Each kind of attempt can lose a race once. More conflicts mean that another client keeps writing.
    for _ in 0..4 {
        let result = match &attempt {
            Attempt::Create => {
                secret.metadata.uid = None;
                context.metrics.count_write("Secret", "create");
                api.create(&parameters, &secret).await
            }
            Attempt::Update { uid } => {
                secret.metadata.uid = Some(uid.clone());
                context.metrics.count_write("Secret", "update");
                api.replace(&key.name, &parameters, &secret).await
            }
            Attempt::Adopt => {
                secret.metadata.uid = None;
                if !is_managed(&api, key, &secret, projection_created).await? {
                    return Ok(Err(secret_conflict(key)));
                }
                context.metrics.count_write("Secret", "update");
                api.replace(&key.name, &parameters, &secret).await
            }
        };
        attempt = match result {
            Ok(written) => {
                let uid = written.uid().unwrap_or_default();
                return Ok(Ok(WrittenSecret {
                    name: key.name.to_string(),
                    uid,
                }));
            }
            Err(error) if code(&error) == 404 && !is_namespace_gone(&error) => Attempt::Create,
            Err(error) if code(&error) == 409 => Attempt::Adopt,
            // The existing Secret has another type or is immutable.
            Err(error) if code(&error) == 422 => return Ok(Err(secret_conflict(key))),
            Err(error) => return Err(Error::secret(format!("write Secret {key}"), &error)),
        }
    }
    Err(Error::race(
        format!("write Secret {key}"),
        "another client keeps creating and deleting it",
    ))
}

/// Returns whether a create failed because the namespace does not exist.
fn is_namespace_gone(error: &kube::Error) -> bool {
    let of_namespace = |status: &kube::core::Status| {
        status
            .details
            .as_ref()
            .is_some_and(|details| details.kind == "namespaces")
    };
    matches!(error, kube::Error::Api(status) if of_namespace(status))
}

/// Returns whether the operator created the existing Secret of that name. A dry run of the write returns
/// the creation time without revealing the existing data.
async fn is_managed(
    api: &Api<Secret>,
    key: &ObjectKey,
    secret: &Secret,
    projection_created: Option<&Time>,
) -> Result<bool, Error> {
    let dry_run = PostParams {
        dry_run: true,
        field_manager: Some(FIELD_MANAGER.to_owned()),
    };
    match api.replace(&key.name, &dry_run, secret).await {
        Ok(answer) => Ok(match (answer.creation_timestamp(), projection_created) {
            (Some(secret), Some(projection)) => secret.0 >= projection.0,
            _ => true,
        }),
        Err(error) if code(&error) == 404 => Ok(true),
        Err(error) if code(&error) == 422 => Ok(false),
        Err(error) => Err(Error::secret(
            format!("update Secret {key} (dry run)"),
            &error,
        )),
    }
}

fn secret_conflict(key: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::SecretConflict,
        format!("Secret {key} exists and is not managed by this operator"),
        format!(
            "delete it: kubectl delete secret -n {} {}",
            key.namespace, key.name
        ),
    )
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
        context.metrics.count_write("Secret", "delete");
        let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
        let deleted = api
            .delete(&key.name, &delete_params(&secret.uid))
            .await
            .map(|_| ());
        ignore_deleted(deleted)
            .map_err(|error| Error::secret(format!("delete Secret {key}"), &error))?;
    }
    context.metrics.count_write("ExtensionProjection", "delete");
    let api = Api::<ExtensionProjection>::namespaced(context.client.clone(), &key.namespace);
    let deleted = api
        .delete(&key.name, &delete_params(&entry.uid))
        .await
        .map(|_| ());
    ignore_deleted(deleted)
        .map_err(|error| Error::api(format!("delete ExtensionProjection {key}"), &error))?;
    context.stores.projections.write().remove(key);
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

fn delete_params(uid: &str) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    }
}

/// Ignores errors of a delete request that mean that the object is gone: not found, replaced, or its
/// namespace is terminating.
fn ignore_deleted(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(error) if matches!(code(&error), 404 | 409) || is_namespace_terminating(&error) => {
            Ok(())
        }
        other => other,
    }
}
