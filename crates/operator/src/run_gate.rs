//! Keeps the `RunGate` of each namespace: who may use which Secret of one user, and which Pipelines may
//! not run now. Admission policies read it.
//!
//! A Secret is listed before it is rendered, and a Pipeline is released before its workflow is Ready.
//! Several changes of one namespace become one write.

use std::sync::Arc;

use extension_registry_api::{FIELD_MANAGER, RUN_GATE, RunGate, RunGateSpec, SecretUser, limits};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::version_number;
use extension_registry_core::refusal::{Reason, Refusal};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};

use crate::context::Context;
use crate::error::{Error, code, is_namespace_terminating};
use crate::queue::Urgency;
use crate::task::Task;

/// Lists who may use a Secret. The inner result is a refusal where the list is full.
///
/// # Errors
/// When the API server does not do what it was asked.
pub(crate) async fn admit(
    context: &Context,
    secret: &ObjectKey,
    user: SecretUser,
) -> Result<Result<(), Refusal>, Error> {
    let fits = context.world.gates.write().admit(secret, user);
    if !fits {
        return Ok(Err(too_large(secret)));
    }
    reconcile(context, &secret.namespace).await.map(Ok)
}

fn too_large(secret: &ObjectKey) -> Refusal {
    Refusal::new(
        Reason::TooLarge,
        format!(
            "Secret {secret} does not fit into the RunGate of its namespace, which lists at most {} user Secrets and {} bytes",
            limits::USER_SECRETS,
            limits::USER_SECRETS_BYTES
        ),
        "list fewer groups and service accounts in the records, or move workflows to another namespace",
    )
}

/// Removes a Secret that is gone from the list, soon: an entry without a Secret gives access to nothing.
pub(crate) fn withdraw(context: &Context, secret: &ObjectKey) {
    if context.world.gates.write().withdraw(secret) {
        let namespace = Arc::clone(&secret.namespace);
        context.want(Task::RunGate(namespace), Urgency::Dependent);
    }
}

/// Holds a Pipeline back, so that no run of it starts.
///
/// # Errors
/// As [`admit`].
pub(crate) async fn hold(
    context: &Context,
    pipeline: &ObjectKey,
    reason: &str,
) -> Result<(), Error> {
    if !context.world.gates.write().hold(pipeline, reason) {
        tracing::warn!(%pipeline, "not held back: the RunGate of its namespace is full");
    }
    reconcile(context, &pipeline.namespace).await
}

/// Lets a Pipeline run again.
///
/// # Errors
/// As [`admit`].
pub(crate) async fn release(context: &Context, pipeline: &ObjectKey) -> Result<(), Error> {
    let held = context.world.gates.write().release(pipeline);
    if held {
        reconcile(context, &pipeline.namespace).await?;
    }
    Ok(())
}

/// Takes over from what is written: entries of Secrets and Pipelines that are gone are dropped.
pub(crate) fn begin(context: &Context) {
    let world = &context.world;
    let (ledger, pipelines) = (world.ledger.read(), world.pipelines.read());
    let workflows = world.workflows.read();
    let namespaces = world.gates.write().begin(
        |secret| ledger.get(secret).is_some(),
        |pipeline| {
            pipelines.get(pipeline).is_some()
                || workflows.get(pipeline).is_some()
                || workflows.is_broken(pipeline)
        },
    );
    for namespace in namespaces {
        context.want(Task::RunGate(namespace), Urgency::Dependent);
    }
}

/// Writes the `RunGate` of a namespace where it is not as it should be. One writer at a time: those who
/// wait find their change written.
///
/// # Errors
/// As [`admit`].
pub(crate) async fn reconcile(context: &Context, namespace: &Arc<str>) -> Result<(), Error> {
    let key = ObjectKey::new(Arc::clone(namespace), RUN_GATE);
    let _one_writer = context.lock_run_gate(&key).await;
    let Some(wanted) = context.world.gates.read().pending(namespace) else {
        return Ok(());
    };
    let written = write(context, &key, &wanted).await?;
    let mut gates = context.world.gates.write();
    match written {
        Some(version) => gates.set_written(namespace, version, wanted),
        None => gates.set_absent(namespace),
    }
    Ok(())
}

/// The version that was written; `None` where there is none afterwards.
async fn write(
    context: &Context,
    key: &ObjectKey,
    wanted: &RunGateSpec,
) -> Result<Option<u64>, Error> {
    let api = Api::<RunGate>::namespaced(context.client.clone(), &key.namespace);
    if wanted.is_empty() {
        context.metrics.wrote("RunGate", "delete");
        return match api.delete(&key.name, &DeleteParams::default()).await {
            Err(error) if code(&error) != 404 => {
                Err(Error::api(format!("delete RunGate {key}"), &error))
            }
            _ => Ok(None),
        };
    }
    let gate = RunGate::of_namespace(&key.namespace, wanted.clone());
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    context.metrics.wrote("RunGate", "apply");
    match api
        .patch(&key.name, &parameters, &Patch::Apply(&gate))
        .await
    {
        Ok(gate) => Ok(Some(version_number(gate.resource_version().as_deref()))),
        Err(error) if is_namespace_terminating(&error) => Ok(None),
        Err(error) => Err(Error::api(format!("apply RunGate {key}"), &error)),
    }
}
