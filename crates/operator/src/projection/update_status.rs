//! Writes the status of a projection, which also persists the written Secret across restarts.

use extension_registry_api::status::{self, READY};
use extension_registry_api::{ExtensionProjection, ExtensionProjectionStatus};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_runtime::error::Error;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::context::Context;
use crate::projection::apply::Applied;
use crate::status::{DesiredCondition, ObjectName, Updated, conditions, update, whole_seconds};
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
    let object = ObjectName::projection(key);
    let task = Task::Projection(key.clone());
    let updated =
        update::<ExtensionProjection, _>(context, object, task, &*entry.status, &status).await?;
    if let Updated::Written(Some(written)) = updated {
        context.stores.projections.write().upsert(key, &written);
    }
    Ok(outcome)
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
                status::Reason::Rendered,
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
            let ready = DesiredCondition::status_false(READY, refusal.reason, refusal.explained());
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
