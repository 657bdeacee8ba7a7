//! Writes projection and Secret, or withdraws them.
//!
//! A Secret is written by PUT without a resource version, never patched and never read (security,
//! section 1). One that is older than its projection was made by somebody else: it stays untouched.

use std::sync::Arc;

use extension_registry_api::projection::WrittenSecret;
use extension_registry_api::{ExtensionProjection, FIELD_MANAGER};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::projection::secret_owner;
use extension_registry_core::refusal::{Reason, Refusal};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};

use crate::context::Context;
use crate::error::{Error, code, is_namespace_terminating};
use crate::projection::build::Prepared;
use crate::projection::dereference::Dereferenced;
use crate::run_gate;
use crate::store::LedgerEntry;

/// What stands in the cluster now.
pub(super) struct Applied {
    /// The Secret.
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
            return Ok(Err(foreign_projection(key)));
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
) -> Result<Result<LedgerEntry, Refusal>, Error> {
    let api = Api::<ExtensionProjection>::namespaced(context.client.clone(), &key.namespace);
    context.metrics.wrote("ExtensionProjection", "apply");
    match api
        .patch(
            &key.name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(projection),
        )
        .await
    {
        Ok(object) => {
            let mut ledger = context.world.ledger.write();
            ledger.upsert(key, &object);
            ledger.get(key).cloned().map(Ok).ok_or_else(|| {
                Error::race(
                    format!("apply ExtensionProjection {key}"),
                    "it went away meanwhile",
                )
            })
        }
        // The spec of a projection never changes: somebody made one of this name for something else.
        Err(error) if code(&error) == 422 => Ok(Err(foreign_projection(key))),
        Err(error) => Err(Error::api(
            format!("apply ExtensionProjection {key}"),
            &error,
        )),
    }
}

fn foreign_projection(key: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::SecretConflict,
        format!("ExtensionProjection {key} stands for something else"),
        format!(
            "delete it: kubectl delete extensionprojection -n {} {}",
            key.namespace, key.name
        ),
    )
}

/// How the next attempt at a Secret goes.
enum Attempt {
    /// There should be none.
    Create,
    /// The one of this uid is ours.
    Update { uid: String },
    /// There is one, and it has to be looked at first.
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
    // Each kind of attempt can lose a race once; more rounds mean that somebody fights.
    for _ in 0..4 {
        let result = match &attempt {
            Attempt::Create => {
                secret.metadata.uid = None;
                context.metrics.wrote("Secret", "create");
                api.create(&parameters, &secret).await
            }
            Attempt::Update { uid } => {
                secret.metadata.uid = Some(uid.clone());
                context.metrics.wrote("Secret", "update");
                api.replace(&key.name, &parameters, &secret).await
            }
            Attempt::Adopt => {
                secret.metadata.uid = None;
                if !is_ours(&api, key, &secret, projection_created).await? {
                    return Ok(Err(squatted(key)));
                }
                context.metrics.wrote("Secret", "update");
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
            // The type of a Secret cannot change, nor anything of an immutable one.
            Err(error) if code(&error) == 422 => return Ok(Err(squatted(key))),
            Err(error) => return Err(Error::secret(format!("write Secret {key}"), &error)),
        }
    }
    Err(Error::race(
        format!("write Secret {key}"),
        "it comes and goes",
    ))
}

/// A create that is not found has no namespace to go to.
fn is_namespace_gone(error: &kube::Error) -> bool {
    let of_namespace = |status: &kube::core::Status| {
        status
            .details
            .as_ref()
            .is_some_and(|details| details.kind == "namespaces")
    };
    matches!(error, kube::Error::Api(status) if of_namespace(status))
}

/// Whether a Secret of that name is one that the operator made. A dry run of the write tells when the
/// Secret was created without telling what it holds: the answer shows our data, not its own.
async fn is_ours(
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
        Err(error) => Err(Error::secret(format!("look at Secret {key}"), &error)),
    }
}

fn squatted(key: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::SecretConflict,
        format!("Secret {key} was made by somebody else and stays untouched"),
        format!(
            "delete it: kubectl delete secret -n {} {}",
            key.namespace, key.name
        ),
    )
}

/// Deletes the Secret, then its projection. The Secret is named by its uid, so that one which
/// somebody made in its place stays.
pub(super) async fn withdraw(
    context: &Arc<Context>,
    key: &ObjectKey,
    entry: &LedgerEntry,
    reason: &str,
) -> Result<(), Error> {
    let _one_writer = context.lock_projection(key).await;
    if let Some(secret) = &entry.status.secret
        && secret.name == *key.name
    {
        context.metrics.wrote("Secret", "delete");
        let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
        let deleted = api
            .delete(&key.name, &of_uid(&secret.uid))
            .await
            .map(|_| ());
        accept_gone(deleted)
            .map_err(|error| Error::secret(format!("delete Secret {key}"), &error))?;
    }
    context.metrics.wrote("ExtensionProjection", "delete");
    let api = Api::<ExtensionProjection>::namespaced(context.client.clone(), &key.namespace);
    let deleted = api.delete(&key.name, &of_uid(&entry.uid)).await.map(|_| ());
    accept_gone(deleted)
        .map_err(|error| Error::api(format!("delete ExtensionProjection {key}"), &error))?;
    context.world.ledger.write().remove(key);
    run_gate::withdraw(context, key);
    tracing::info!(projection = %key, reason, record = %entry.identity.record, "withdrawn");
    let mut object = ExtensionProjection::new(&key.name, (&*entry.identity).into());
    object.metadata.namespace = Some(key.namespace.to_string());
    object.metadata.uid = Some(entry.uid.to_string());
    let note = format!("Secret {} was deleted: {}", key.name, explain(reason));
    context
        .events
        .normal(&object.object_ref(&()), reason, "Withdraw", &note)
        .await;
    Ok(())
}

fn explain(reason: &str) -> &'static str {
    if reason == "Revoked" {
        "its record no longer admits this namespace to it"
    } else {
        "nothing used it for the grace period"
    }
}

fn of_uid(uid: &str) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    }
}

/// Gone already, replaced by another, or going with its namespace: all the same to a withdrawal.
fn accept_gone(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(error) if matches!(code(&error), 404 | 409) || is_namespace_terminating(&error) => {
            Ok(())
        }
        other => other,
    }
}
