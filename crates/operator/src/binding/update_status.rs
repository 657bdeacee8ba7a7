//! Writes the status of a binding and publishes events about changes.

use std::sync::Arc;

use extension_registry_api::kinds::strip;
use extension_registry_api::status::{self, EventReason, READY, RESOLVED, STALLED, SUPERSEDED};
use extension_registry_api::{ExtensionBinding, ExtensionBindingStatus, REBIND_ANNOTATION};
use extension_registry_core::diagnostic::{Explain, explained};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::Selection;
use kube::Resource;

use crate::binding::apply::Outcome;
use crate::binding::dereference::Dereferenced;
use crate::context::Context;
use crate::status::{DesiredCondition, Live, ObjectName, Updated, conditions, find, read, update};
use crate::task::Task;
use extension_registry_runtime::error::Error;

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    outcome: Outcome,
) -> Result<(), Error> {
    let binding = &dereferenced.binding;
    let before = binding.status.clone().unwrap_or_default();
    let refused = match &outcome {
        Outcome::Bound { .. } => None,
        Outcome::Refused { refusal, .. } => Some(refusal.reason),
    };
    let selection = dereferenced.selected.as_ref().ok();
    let selection = selection.map(|selected| &selected.selection);
    let status = next_status(&key.name, binding, &before, selection, outcome);
    let object = ObjectName::binding(key);
    let task = Task::Binding(key.clone());
    let updated = update::<ExtensionBinding, _>(context, object, task, &before, &status).await?;
    if let Updated::Written(written) = updated {
        if let Some(mut written) = written {
            strip(written.meta_mut());
            context.stores.bindings.write().upsert(key, written);
        }
        publish_events(context, binding, &before, &status, refused).await;
    }
    // No watch reports the change that resolves these.
    if matches!(
        refused,
        Some(Reason::DecryptionFailed | Reason::SecretConflict)
    ) {
        context.requeue(Task::Binding(key.clone()));
    }
    Ok(())
}

fn next_status(
    name: &str,
    binding: &ExtensionBinding,
    before: &ExtensionBindingStatus,
    selection: Option<&Selection>,
    outcome: Outcome,
) -> ExtensionBindingStatus {
    let generation = binding.metadata.generation.unwrap_or_default();
    let annotations = binding.metadata.annotations.as_ref();
    let base = ExtensionBindingStatus {
        observed_generation: Some(generation),
        last_rebind: annotations
            .and_then(|all| all.get(REBIND_ANNOTATION))
            .cloned(),
        ..ExtensionBindingStatus::default()
    };
    match outcome {
        Outcome::Bound {
            choice,
            applied,
            unmoved,
        } => {
            let mut desired = vec![resolved(&choice)];
            let (written, described) = match applied {
                Some(applied) => (Some(applied.written), Some(applied.described)),
                None => (before.written.clone(), None),
            };
            let files = written.as_ref().map_or("", |written| &written.files.name);
            desired.push(DesiredCondition::status_true(
                READY,
                status::Reason::Ready,
                format!("Secrets {files} and {files}.env are up to date"),
            ));
            desired.extend(
                selection.map(|selection| superseded(name, &choice, selection, unmoved.as_ref())),
            );
            let kept = ExtensionBindingStatus {
                binding: before.binding.clone(),
                environment: before.environment.clone(),
                choice: before.choice.clone(),
                notes: before.notes.clone(),
                ..base
            };
            let described = match described {
                Some(described) => ExtensionBindingStatus {
                    binding: Some(described.binding),
                    environment: Some(described.environment),
                    choice: Some(described.choice),
                    notes: described.notes,
                    ..kept
                },
                None => kept,
            };
            ExtensionBindingStatus {
                conditions: conditions(&before.conditions, desired, generation),
                written,
                ..described
            }
        }
        Outcome::Refused { kept, refusal } => {
            let message = refusal.explained();
            let mut desired = vec![
                match selection {
                    Some(selection) => resolved(kept.as_ref().unwrap_or(&selection.choice)),
                    None => {
                        DesiredCondition::status_false(RESOLVED, refusal.reason, message.clone())
                    }
                },
                DesiredCondition::status_false(READY, refusal.reason, message.clone()),
            ];
            if refusal.reason.is_stalled() {
                desired.push(DesiredCondition::status_true(
                    STALLED,
                    refusal.reason,
                    message,
                ));
            }
            let conditions = conditions(&before.conditions, desired, generation);
            match kept {
                // The Secrets exist, with the values that were last rendered.
                Some(_) => ExtensionBindingStatus {
                    conditions,
                    observed_generation: base.observed_generation,
                    last_rebind: base.last_rebind,
                    ..before.clone()
                },
                None => ExtensionBindingStatus { conditions, ..base },
            }
        }
    }
}

fn resolved(choice: &Choice) -> DesiredCondition {
    let record = &choice.record.key;
    let message = format!(
        "resolved to service `{}` of {record}",
        choice.service().name
    );
    DesiredCondition::status_true(RESOLVED, status::Reason::Resolved, message)
}

/// Returns the condition that tells whether the binding would now select another service.
fn superseded(
    name: &str,
    used: &Choice,
    selection: &Selection,
    unmoved: Option<&Refusal>,
) -> DesiredCondition {
    if let Some(message) = selection.superseded(used) {
        let message = if let Some(refusal) = unmoved {
            format!("{message}, which cannot be used: {}", refusal.explained())
        } else {
            let hint = format!("to move the binding, run `kubectl ext rebind {name}`");
            explained(&message, &[&hint])
        };
        return DesiredCondition::status_true(SUPERSEDED, status::Reason::BetterMatch, message);
    }
    match &selection.fresh {
        Ok(_) => DesiredCondition::status_false(
            SUPERSEDED,
            status::Reason::Current,
            "the requirement selects this service",
        ),
        Err(refusal) => {
            let note = "the binding keeps its service, but a new binding would be refused: ";
            let message = format!("{note}{}", refusal.explained());
            DesiredCondition::status_false(SUPERSEDED, refusal.reason, message)
        }
    }
}

/// Updates the status of a binding that does not match its schema. The message does not include the
/// deserialization error, because that may quote values.
pub(super) async fn set_invalid(context: &Context, key: &ObjectKey) -> Result<(), Error> {
    let message = explained(
        "the object does not match the schema of its CustomResourceDefinition",
        &["apply it again to see the invalid field"],
    );
    let object = ObjectName::binding(key);
    let live = read::<ExtensionBinding, ExtensionBindingStatus>(&context.client, object).await?;
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
    let desired = desired.into_iter().chain([stalled]).collect();
    let status = ExtensionBindingStatus {
        observed_generation: Some(generation),
        conditions: conditions(&before.conditions, desired, generation),
        ..before.clone()
    };
    let task = Task::Binding(key.clone());
    let updated = update::<ExtensionBinding, _>(context, object, task, &before, &status).await;
    updated.map(|_| ())
}

/// Publishes events for a binding that was refused, became ready again or moved to another service. A new binding that
/// becomes ready gets none.
async fn publish_events(
    context: &Context,
    binding: &ExtensionBinding,
    before: &ExtensionBindingStatus,
    after: &ExtensionBindingStatus,
    refused: Option<Reason>,
) {
    let object = binding.object_ref(&());
    let old = find(&before.conditions, READY);
    let new = find(&after.conditions, READY);
    let events = &context.events;
    match (refused, new) {
        (Some(reason), Some(ready)) => {
            let is_new =
                old.map(|old| (&old.reason, &old.message)) != Some((&ready.reason, &ready.message));
            if is_new {
                events
                    .warning(&object, reason, "Resolve", &ready.message)
                    .await;
            }
        }
        (None, _) if old.is_some_and(|old| old.status == "False") => {
            let note = "the requirement is resolved again";
            events
                .normal(&object, EventReason::Resolved, "Resolve", note)
                .await;
        }
        _ => {}
    }
    let (Some(old), Some(new)) = (&before.choice, &after.choice) else {
        if before.written.is_some() && after.written.is_none() {
            let note = "deleted the Secrets, because no service matches and grants access";
            events
                .normal(&object, EventReason::Revoked, "Withdraw", note)
                .await;
        }
        return;
    };
    if (&old.kind, &old.record, &old.service) != (&new.kind, &new.record, &new.service) {
        let note = format!(
            "changed from service `{}` of {} {} to service `{}` of {} {}",
            old.service, old.kind, old.record, new.service, new.kind, new.record
        );
        events
            .normal(&object, EventReason::Rebound, "Resolve", &note)
            .await;
    }
}
