//! Writes the status of a projection, which also persists the written Secret across restarts.

use extension_registry_api::status::READY;
use extension_registry_api::{
    ExtensionProjection, ExtensionProjectionStatus, FIELD_MANAGER, GROUP, VERSION,
};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::condition::{DesiredCondition, conditions, whole_seconds};
use crate::context::Context;
use crate::error::{Error, code};
use crate::projection::apply::Applied;
use crate::store::ProjectionEntry;
use crate::task::Task;

pub(super) async fn run(
    context: &Context,
    key: &ObjectKey,
    choice: &Choice,
    outcome: Result<Applied, Refusal>,
) -> Result<Result<(), Refusal>, Error> {
    let Some(entry) = context.stores.projections.read().get(key).cloned() else {
        return Ok(outcome.map(|_| ()));
    };
    let consumers = context.usage().consumers(key, &entry.identity);
    let (status, outcome) = next_status(&entry, choice, consumers, outcome);
    if is_count_only(&entry.status, &status) && context.queue.is_busy() {
        // More consumers are likely to follow; write their count once.
        context.enqueue_debounced(Task::Projection(key.clone()));
    } else if status != *entry.status {
        write(context, key, &status).await?;
    }
    Ok(outcome)
}

/// Returns whether only the number of consumers changed.
fn is_count_only(before: &ExtensionProjectionStatus, after: &ExtensionProjectionStatus) -> bool {
    let same_count = ExtensionProjectionStatus {
        consumers: before.consumers,
        ..after.clone()
    };
    before.consumers != after.consumers && same_count == *before
}

fn next_status(
    entry: &ProjectionEntry,
    choice: &Choice,
    consumers: i64,
    outcome: Result<Applied, Refusal>,
) -> (ExtensionProjectionStatus, Result<(), Refusal>) {
    let before = &entry.status;
    let unused_since = (consumers == 0).then(|| {
        let since = before
            .unused_since
            .clone()
            .unwrap_or_else(|| Time(Timestamp::now()));
        whole_seconds(&since)
    });
    let base = ExtensionProjectionStatus {
        observed_generation: Some(entry.generation),
        consumers,
        unused_since,
        ..ExtensionProjectionStatus::default()
    };
    match outcome {
        Ok(applied) => {
            let ready = DesiredCondition::status_true(
                READY,
                "Rendered",
                format!("rendered from {}", choice.record.key),
            );
            let status = ExtensionProjectionStatus {
                conditions: conditions(&before.conditions, vec![ready], entry.generation),
                secret: Some(applied.secret),
                digest: Some(applied.digest),
                keys: applied.keys,
                record_generation: Some(choice.record.generation),
                ..base
            };
            (status, Ok(()))
        }
        Err(refusal) => {
            // Another object has the name of the Secret, so the written one no longer exists.
            let is_lost = refusal.reason == Reason::SecretConflict;
            let ready =
                DesiredCondition::status_false(READY, refusal.reason.as_str(), refusal.to_string());
            let status = ExtensionProjectionStatus {
                conditions: conditions(&before.conditions, vec![ready], entry.generation),
                secret: before.secret.clone().filter(|_| !is_lost),
                digest: before.digest.clone().filter(|_| !is_lost),
                keys: before.keys.clone(),
                record_generation: before.record_generation,
                ..base
            };
            (status, Err(refusal))
        }
    }
}

async fn write(
    context: &Context,
    key: &ObjectKey,
    status: &ExtensionProjectionStatus,
) -> Result<(), Error> {
    let api = Api::<ExtensionProjection>::namespaced(context.client.clone(), &key.namespace);
    let patch = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ExtensionProjection",
        "status": status,
    });
    context.metrics.count_write("ExtensionProjection", "status");
    match api
        .patch_status(
            &key.name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(patch),
        )
        .await
    {
        Ok(object) => {
            context.stores.projections.write().upsert(key, &object);
            Ok(())
        }
        // It was deleted in the meantime; the watch reports that.
        Err(error) if code(&error) == 404 => Ok(()),
        Err(error) => Err(Error::api(
            format!("update status of ExtensionProjection {key}"),
            &error,
        )),
    }
}
