//! Writes and deletes rendered Secrets.
//!
//! A Secret is written with PUT without a resource version, never patched and never read. A Secret that is
//! older than its projection is not managed by the operator and stays unchanged.

use extension_registry_api::FIELD_MANAGER;
use extension_registry_api::projection::WrittenSecret;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_render::ObjectKey;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};

use crate::context::Context;
use extension_registry_runtime::error::{Error, code, is_namespace_terminating};

/// How to write the Secret.
enum Attempt {
    /// Create it.
    Create,
    /// Update the managed Secret of this uid.
    Update { uid: String },
    /// Update the existing Secret if it is managed.
    Adopt,
}

/// Writes a rendered Secret. `known_uid` is the UID of the Secret that the operator last wrote, and `projection_created`
/// the creation time of its projection. The inner result is a refusal.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn write(
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
                if let Existing::Foreign = find(&api, key, &secret, projection_created).await? {
                    return Ok(Err(conflict(key)));
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
            Err(error) if code(&error) == 422 => return Ok(Err(conflict(key))),
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

/// The Secret that has the name of a rendered one.
enum Existing {
    /// There is none.
    Absent,
    /// The operator did not create it.
    Foreign,
    /// The operator created it for this projection.
    Managed { uid: String },
}

/// Finds the existing Secret of that name. A dry run of the write returns its metadata without revealing the existing
/// data.
async fn find(
    api: &Api<Secret>,
    key: &ObjectKey,
    secret: &Secret,
    projection_created: Option<&Time>,
) -> Result<Existing, Error> {
    let dry_run = PostParams {
        dry_run: true,
        field_manager: Some(FIELD_MANAGER.to_owned()),
    };
    match api.replace(&key.name, &dry_run, secret).await {
        Ok(answer) => Ok(match (answer.creation_timestamp(), projection_created) {
            (Some(secret), Some(projection)) if secret.0 < projection.0 => Existing::Foreign,
            _ => Existing::Managed {
                uid: answer.uid().unwrap_or_default(),
            },
        }),
        Err(error) if code(&error) == 404 => Ok(Existing::Absent),
        Err(error) if code(&error) == 422 => Ok(Existing::Foreign),
        Err(error) => Err(Error::secret(
            format!("update Secret {key} (dry run)"),
            &error,
        )),
    }
}

fn conflict(key: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::SecretConflict,
        format!("Secret {key} exists and is not managed by this operator"),
        format!(
            "delete it: kubectl delete secret -n {} {}",
            key.namespace, key.name
        ),
    )
}

/// Deletes a Secret. The request contains the uid, so that a replacement of the Secret is not deleted.
///
/// # Errors
/// If the request fails.
pub(crate) async fn delete(context: &Context, key: &ObjectKey, uid: &str) -> Result<(), Error> {
    context.metrics.count_write("Secret", "delete");
    let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
    let deleted = api.delete(&key.name, &delete_params(uid)).await;
    ignore_deleted(deleted.map(|_| ()))
        .map_err(|error| Error::secret(format!("delete Secret {key}"), &error))
}

/// Deletes the Secret that was written for a projection, even if the operator stopped before it recorded the uid.
/// `secret` has the name and type of the Secret.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn delete_of(
    context: &Context,
    key: &ObjectKey,
    secret: &Secret,
    projection_created: Option<&Time>,
) -> Result<(), Error> {
    let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
    match find(&api, key, secret, projection_created).await? {
        Existing::Managed { uid } => delete(context, key, &uid).await,
        Existing::Absent | Existing::Foreign => Ok(()),
    }
}

/// Returns the parameters to delete the object with this uid.
pub(crate) fn delete_params(uid: &str) -> DeleteParams {
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
pub(crate) fn ignore_deleted(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(error) if matches!(code(&error), 404 | 409) || is_namespace_terminating(&error) => {
            Ok(())
        }
        other => other,
    }
}
