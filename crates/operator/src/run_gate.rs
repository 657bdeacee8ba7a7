//! Maintains the `RunGate` of each namespace, which admission policies read: the users of user-scoped
//! Secrets, and the Pipelines on hold.
//!
//! A Secret is listed before it is rendered, and a Pipeline is released before its workflow is Ready.
//! Several changes in one namespace are batched into one write.

use std::sync::Arc;

use extension_registry_api::status::HoldReason;
use extension_registry_api::{FIELD_MANAGER, RUN_GATE, RunGate, RunGateSpec, SecretUser, limits};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_pipeline::PIPELINES;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use extension_registry_runtime::error::{Error, code, is_namespace_terminating};
use extension_registry_runtime::queue::Priority;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};

use crate::context::Context;
use crate::task::Task;

/// Adds the user of a Secret to the run gate. The inner result is a refusal if the run gate is full.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn add_secret(
    context: &Context,
    secret: &ObjectKey,
    user: SecretUser,
) -> Result<Result<(), Refusal>, Error> {
    let fits = context.stores.run_gates.write().add_secret(secret, user);
    if !fits {
        return Ok(Err(too_large(secret)));
    }
    reconcile(context, &secret.namespace).await.map(Ok)
}

fn too_large(secret: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::TooLarge,
        format!(
            "cannot add Secret {secret} to the RunGate of its namespace: the limit is {} user-scoped Secrets and {} bytes",
            limits::USER_SECRETS,
            limits::USER_SECRETS_BYTES
        ),
        "list fewer groups and service accounts in the records, or move workflows to another namespace",
    )
}

/// Removes a deleted Secret from the run gate, asynchronously, because an entry without a Secret grants no
/// access.
pub(crate) fn remove_secret(context: &Context, secret: &ObjectKey) {
    if context.stores.run_gates.write().remove_secret(secret) {
        let namespace = Arc::clone(&secret.namespace);
        context.enqueue(Task::RunGate(namespace), Priority::Dependent);
    }
}

/// Puts a Pipeline on hold, so that no run of it can start.
///
/// # Errors
/// See [`add_secret`].
pub(crate) async fn hold(
    context: &Context,
    pipeline: &ObjectKey,
    reason: impl Into<HoldReason>,
) -> Result<(), Error> {
    if !context
        .stores
        .run_gates
        .write()
        .hold(pipeline, reason.into())
    {
        let kind = PIPELINES.kind;
        tracing::warn!(%pipeline, "failed to put {kind} on hold: the RunGate of its namespace is full");
    }
    reconcile(context, &pipeline.namespace).await
}

/// Releases a Pipeline, so that runs of it can start.
///
/// # Errors
/// See [`add_secret`].
pub(crate) async fn release(context: &Context, pipeline: &ObjectKey) -> Result<(), Error> {
    let held = context.stores.run_gates.write().release(pipeline);
    if held {
        reconcile(context, &pipeline.namespace).await?;
    }
    Ok(())
}

/// Puts a binding on hold, so that no run that names it can start.
///
/// # Errors
/// See [`add_secret`].
pub(crate) async fn hold_binding(
    context: &Context,
    binding: &ObjectKey,
    reason: Reason,
) -> Result<(), Error> {
    let fits = context
        .stores
        .run_gates
        .write()
        .hold_binding(binding, reason);
    if !fits {
        tracing::warn!(%binding, "failed to put ExtensionBinding on hold: the RunGate of its namespace is full");
    }
    reconcile(context, &binding.namespace).await
}

/// Releases a binding, so that runs that name it can start.
///
/// # Errors
/// See [`add_secret`].
pub(crate) async fn release_binding(context: &Context, binding: &ObjectKey) -> Result<(), Error> {
    let held = context.stores.run_gates.write().release_binding(binding);
    if held {
        reconcile(context, &binding.namespace).await?;
    }
    Ok(())
}

/// Initializes the desired run gates from the existing ones, without entries of deleted Secrets and
/// Pipelines.
pub(crate) fn initialize(context: &Context) {
    let stores = &context.stores;
    let (projections, pipelines) = (stores.projections.read(), stores.pipelines.read());
    let (workflows, bindings) = (stores.workflows.read(), stores.bindings.read());
    let namespaces = stores.run_gates.write().initialize(
        |secret| projections.get(secret).is_some(),
        |pipeline| {
            pipelines.get(pipeline).is_some()
                || workflows.get(pipeline).is_some()
                || workflows.is_invalid(pipeline)
        },
        |binding| bindings.get(binding).is_some() || bindings.is_invalid(binding),
    );
    for namespace in namespaces {
        context.enqueue(Task::RunGate(namespace), Priority::Dependent);
    }
}

/// Writes the `RunGate` of a namespace if it differs from the desired one. Writes are serialized, so that a
/// waiting caller usually finds its change already written.
///
/// # Errors
/// See [`add_secret`].
pub(crate) async fn reconcile(context: &Context, namespace: &Arc<str>) -> Result<(), Error> {
    let key = ObjectKey::new(Arc::clone(namespace), RUN_GATE);
    let _one_writer = context.lock_run_gate(&key).await;
    let Some(desired) = context.stores.run_gates.read().pending(namespace) else {
        return Ok(());
    };
    let written = write(context, &key, &desired).await?;
    let mut gates = context.stores.run_gates.write();
    match written {
        Some(version) => gates.set_existing(namespace, version, desired),
        None => gates.set_absent(namespace),
    }
    Ok(())
}

/// Writes or deletes the object; returns its version, or `None` if it does not exist afterwards.
async fn write(
    context: &Context,
    key: &ObjectKey,
    desired: &RunGateSpec,
) -> Result<Option<u64>, Error> {
    let api = Api::<RunGate>::namespaced(context.client.clone(), &key.namespace);
    if desired.is_empty() {
        context.metrics.count_write("RunGate", "delete");
        return match api.delete(&key.name, &DeleteParams::default()).await {
            Err(error) if code(&error) != 404 => {
                Err(Error::api(format!("delete RunGate {key}"), &error))
            }
            _ => Ok(None),
        };
    }
    let gate = RunGate::of_namespace(&key.namespace, desired.clone());
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    context.metrics.count_write("RunGate", "apply");
    match api
        .patch(&key.name, &parameters, &Patch::Apply(&gate))
        .await
    {
        Ok(gate) => Ok(Some(version_number(gate.resource_version().as_deref()))),
        Err(error) if is_namespace_terminating(&error) => Ok(None),
        Err(error) => Err(Error::api(format!("apply RunGate {key}"), &error)),
    }
}
