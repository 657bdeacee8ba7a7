//! Writes the status of a workflow and publishes events about changes.

use std::sync::Arc;

use extension_registry_api::kinds::strip;
use extension_registry_api::status::{self, EventReason, READY, RESOLVED, STALLED, is_true, join};
use extension_registry_api::workflow::{Binding, WorkflowSummary};
use extension_registry_api::{Workflow, WorkflowStatus};
use extension_registry_core::diagnostic::explained;
use extension_registry_core::refusal::Reason;
use extension_registry_pipeline::PIPELINES;
use extension_registry_render::ObjectKey;
use extension_registry_render::workflow::Refusals;
use extension_registry_runtime::error::Error;
use kube::Resource;

use crate::context::Context;
use crate::status::{DesiredCondition, Live, ObjectName, Updated, conditions, find, read, update};
use crate::task::Task;
use crate::workflow::apply::Applied;
use crate::workflow::dereference::Dereferenced;

/// Returns whether a reason is resolved by changes which no watch reports: of the sealing keys, of objects that
/// the operator does not manage, or of admission policies, which reject requests while an API server that has
/// just started does not know their parameters.
fn is_requeued(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::DecryptionFailed
            | Reason::EngineMissing
            | Reason::PipelineConflict
            | Reason::PipelineRejected
            | Reason::SecretConflict
    )
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    outcome: Result<Applied, Refusals>,
) -> Result<(), Error> {
    let workflow = &dereferenced.resolved.workflow;
    let before = workflow.status.clone().unwrap_or_default();
    let generation = workflow.metadata.generation.unwrap_or_default();
    let refused = outcome.as_ref().err().map(|refusals| refusals.reason);
    let status = next_status(&before, generation, outcome);
    let object = ObjectName::workflow(key);
    let task = Task::Workflow(key.clone());
    let updated = update::<Workflow, _>(context, object, task, &before, &status).await?;
    if let Updated::Written(written) = updated {
        if let Some(mut written) = written {
            strip(written.meta_mut());
            context.stores.workflows.write().upsert(key, written);
        }
        publish_events(context, workflow, &before, &status, refused).await;
    }
    if refused.is_some_and(is_requeued) {
        context.requeue(Task::Workflow(key.clone()));
    }
    Ok(())
}

fn next_status(
    before: &WorkflowStatus,
    generation: i64,
    outcome: Result<Applied, Refusals>,
) -> WorkflowStatus {
    let base = WorkflowStatus {
        observed_generation: Some(generation),
        ..WorkflowStatus::default()
    };
    match outcome {
        Ok(Applied {
            pipeline,
            bindings,
            run_as,
            notes,
        }) => {
            let resolved = match bindings.len() {
                1 => "resolved 1 requirement".to_owned(),
                many => format!("resolved {many} requirements"),
            };
            let message = format!(
                "{} {} and its Secrets are up to date",
                PIPELINES.kind, pipeline.name
            );
            let desired = vec![
                DesiredCondition::status_true(RESOLVED, status::Reason::Resolved, resolved),
                DesiredCondition::status_true(READY, status::Reason::Ready, message),
            ];
            WorkflowStatus {
                conditions: conditions(&before.conditions, desired, generation),
                summary: Some(summary(&bindings)),
                pipeline: Some(pipeline),
                bindings,
                run_as,
                notes,
                ..base
            }
        }
        // The last pipeline and its bindings are kept.
        Err(Refusals {
            resolved,
            reason,
            stalled,
            message,
            problems: _,
        }) => {
            let mut desired = vec![
                if resolved {
                    DesiredCondition::status_true(
                        RESOLVED,
                        status::Reason::Resolved,
                        "all requirements are resolved",
                    )
                } else {
                    DesiredCondition::status_false(RESOLVED, reason, message.clone())
                },
                DesiredCondition::status_false(READY, reason, message.clone()),
            ];
            if stalled {
                desired.push(DesiredCondition::status_true(STALLED, reason, message));
            }
            WorkflowStatus {
                conditions: conditions(&before.conditions, desired, generation),
                pipeline: before.pipeline.clone(),
                bindings: before.bindings.clone(),
                run_as: before.run_as.clone(),
                notes: before.notes.clone(),
                summary: before.summary.clone(),
                ..base
            }
        }
    }
}

fn summary(bindings: &[Binding]) -> WorkflowSummary {
    let mut records: Vec<&str> = bindings
        .iter()
        .map(|binding| binding.record.as_str())
        .collect();
    records.sort_unstable();
    records.dedup();
    WorkflowSummary {
        extensions: join(records),
    }
}

/// Updates the status of a workflow that does not match its schema. The message does not include the
/// deserialization error, because that may quote values.
pub(super) async fn set_invalid(context: &Context, key: &ObjectKey) -> Result<(), Error> {
    let message = explained(
        "the object does not match the schema of its CustomResourceDefinition",
        &["apply it again to see the invalid field"],
    );
    let object = ObjectName::workflow(key);
    let live = read::<Workflow, WorkflowStatus>(&context.client, object).await?;
    let Some(Live {
        generation,
        status: before,
    }) = live
    else {
        return Ok(());
    };
    let desired = [READY, RESOLVED]
        .map(|kind| DesiredCondition::status_false(kind, Reason::Invalid, message.clone()));
    let stalled = DesiredCondition::status_true(STALLED, Reason::Invalid, message);
    let status = WorkflowStatus {
        observed_generation: Some(generation),
        conditions: conditions(
            &before.conditions,
            desired.into_iter().chain([stalled]).collect(),
            generation,
        ),
        ..before.clone()
    };
    let task = Task::Workflow(key.clone());
    update::<Workflow, _>(context, object, task, &before, &status)
        .await
        .map(|_| ())
}

/// Publishes events for a workflow that was refused, became ready again or was bound to another record. A
/// new workflow that becomes ready gets none.
async fn publish_events(
    context: &Context,
    workflow: &Workflow,
    before: &WorkflowStatus,
    after: &WorkflowStatus,
    refused: Option<Reason>,
) {
    let object = workflow.object_ref(&());
    let was_refused =
        find(&before.conditions, READY).is_some_and(|condition| condition.status == "False");
    let old =
        find(&before.conditions, READY).map(|condition| (&condition.reason, &condition.message));
    if let Some(ready) = find(&after.conditions, READY) {
        if let Some(reason) = refused {
            if old != Some((&ready.reason, &ready.message)) {
                context
                    .events
                    .warning(&object, reason, "Resolve", &ready.message)
                    .await;
            }
        } else if was_refused && is_true(&after.conditions, READY) {
            context
                .events
                .normal(
                    &object,
                    EventReason::Resolved,
                    "Resolve",
                    "all requirements are resolved again",
                )
                .await;
        }
    }
    for binding in &after.bindings {
        let same = |other: &&Binding| {
            other.step == binding.step && other.requirement == binding.requirement
        };
        let Some(old) = before.bindings.iter().find(same) else {
            continue;
        };
        if (&old.kind, &old.record) != (&binding.kind, &binding.record) {
            let note = format!(
                "step `{}`, requirement `{}`: changed from {} {} to {} {}",
                binding.step,
                binding.requirement,
                old.kind,
                old.record,
                binding.kind,
                binding.record
            );
            context
                .events
                .normal(&object, EventReason::Rebound, "Resolve", &note)
                .await;
        }
    }
}
