//! Says in the status what was done or why not, and tells people what changed.

use std::sync::Arc;

use extension_registry_api::status::{READY, RESOLVED, STALLED, join};
use extension_registry_api::workflow::{Binding, WorkflowSummary};
use extension_registry_api::{FIELD_MANAGER, GROUP, VERSION, Workflow, WorkflowStatus};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::workflow::Refusals;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use serde_json::json;

use crate::condition::{Wanted, conditions, find, is_true};
use crate::context::Context;
use crate::error::{Error, code};
use crate::live::{self, Live};
use crate::task::Task;
use crate::workflow::apply::Applied;
use crate::workflow::dereference::Dereferenced;

/// Refusals that end with a change which no watch shows: of the sealing keys, or of objects that are
/// not the operator's.
/// Admission is one of them: a policy refuses while an API server that has just started does not
/// yet know its parameters.
const UNSEEN: [&str; 5] = [
    "DecryptionFailed",
    "EngineMissing",
    "PipelineConflict",
    "PipelineRejected",
    "SecretConflict",
];

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    outcome: Result<Applied, Refusals>,
) -> Result<(), Error> {
    let workflow = &dereferenced.resolved.workflow;
    let before = workflow.status.clone().unwrap_or_default();
    let generation = workflow.metadata.generation.unwrap_or_default();
    let unseen = matches!(&outcome, Err(refusals) if UNSEEN.contains(&refusals.reason));
    let status = wanted(&before, generation, outcome);
    if status != before {
        write(context, key, &status).await?;
        tell(context, workflow, &before, &status).await;
    }
    if unseen {
        context.look_again(Task::Workflow(key.clone()));
    }
    Ok(())
}

fn wanted(
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
                1 => "1 requirement is resolved".to_owned(),
                many => format!("{many} requirements are resolved"),
            };
            let message = format!("Pipeline {} and its Secrets are written", pipeline.name);
            let wanted = vec![
                Wanted::yes(RESOLVED, "Resolved", resolved),
                Wanted::yes(READY, "Ready", message),
            ];
            WorkflowStatus {
                conditions: conditions(&before.conditions, wanted, generation),
                summary: Some(summary(&bindings)),
                pipeline: Some(pipeline),
                bindings,
                run_as,
                notes,
                ..base
            }
        }
        // The last pipeline stays, and with it what it is bound to.
        Err(Refusals {
            resolved,
            reason,
            stalled,
            message,
            problems: _,
        }) => {
            let mut wanted = vec![
                if resolved {
                    Wanted::yes(RESOLVED, "Resolved", "every requirement is resolved")
                } else {
                    Wanted::no(RESOLVED, reason, message.clone())
                },
                Wanted::no(READY, reason, message.clone()),
            ];
            if stalled {
                wanted.push(Wanted::yes(STALLED, reason, message));
            }
            WorkflowStatus {
                conditions: conditions(&before.conditions, wanted, generation),
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

/// An object that does not have the shape of a Workflow: nothing of what the decoder says is
/// repeated, it quotes values.
pub(super) async fn unreadable(context: &Context, key: &ObjectKey) -> Result<(), Error> {
    let message = "the object does not have the shape that its CustomResourceDefinition demands; hint: apply it again, so that the API server names the field";
    let live =
        live::read::<Workflow, WorkflowStatus>(&context.client, Some(&key.namespace), &key.name)
            .await?;
    let Some(Live {
        generation,
        status: before,
    }) = live
    else {
        return Ok(());
    };
    let wanted = [READY, RESOLVED].map(|kind| Wanted::no(kind, "Invalid", message));
    let stalled = Wanted::yes(STALLED, "Invalid", message);
    let status = WorkflowStatus {
        observed_generation: Some(generation),
        conditions: conditions(
            &before.conditions,
            wanted.into_iter().chain([stalled]).collect(),
            generation,
        ),
        ..before.clone()
    };
    if status == before {
        return Ok(());
    }
    patch(context, key, &status).await.map(|_| ())
}

async fn write(context: &Context, key: &ObjectKey, status: &WorkflowStatus) -> Result<(), Error> {
    if let Some(mut workflow) = patch(context, key, status).await? {
        extension_registry_api::kinds::strip(workflow.meta_mut());
        context.world.workflows.write().upsert(key, workflow);
    }
    Ok(())
}

async fn patch(
    context: &Context,
    key: &ObjectKey,
    status: &WorkflowStatus,
) -> Result<Option<Workflow>, Error> {
    let api = Api::<kube::core::DeserializeGuard<Workflow>>::namespaced(
        context.client.clone(),
        &key.namespace,
    );
    let patch =
        json!({ "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "Workflow", "status": status });
    context.metrics.wrote("Workflow", "status");
    match api
        .patch_status(
            &key.name,
            &PatchParams::apply(FIELD_MANAGER).force(),
            &Patch::Apply(patch),
        )
        .await
    {
        Ok(workflow) => Ok(workflow.0.ok()),
        // It went away meanwhile.
        Err(error) if code(&error) == 404 => Ok(None),
        Err(error) => Err(Error::api(
            format!("update status of Workflow {key}"),
            &error,
        )),
    }
}

/// Events for what a person should hear of: refused, healed, bound to another record. A workflow
/// that is fine from the start is no news.
async fn tell(
    context: &Context,
    workflow: &Workflow,
    before: &WorkflowStatus,
    after: &WorkflowStatus,
) {
    let object = workflow.object_ref(&());
    let was_refused =
        find(&before.conditions, READY).is_some_and(|condition| condition.status == "False");
    let old =
        find(&before.conditions, READY).map(|condition| (&condition.reason, &condition.message));
    if let Some(ready) = find(&after.conditions, READY) {
        if ready.status == "False" && old != Some((&ready.reason, &ready.message)) {
            context
                .events
                .warning(&object, &ready.reason, "Resolve", &ready.message)
                .await;
        } else if was_refused && is_true(&after.conditions, READY) {
            context
                .events
                .normal(
                    &object,
                    "Resolved",
                    "Resolve",
                    "every requirement is resolved again",
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
                "step `{}`, requirement `{}`: from {} {} to {} {}",
                binding.step,
                binding.requirement,
                old.kind,
                old.record,
                binding.kind,
                binding.record
            );
            context
                .events
                .normal(&object, "Rebound", "Resolve", &note)
                .await;
        }
    }
}
