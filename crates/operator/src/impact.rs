//! Enqueues the objects that a change affects.

use std::collections::HashSet;
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_core::record::RecordKey;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::SourceState;
use extension_registry_runtime::error::Error;
use extension_registry_runtime::queue::Priority;

use crate::context::Context;
use crate::run_gate;
use crate::source::{self, SourceChange, SourceRead};
use crate::store::{BoundRequirement, RecordChange};
use crate::task::Task;

/// Handles an added, changed or deleted record.
pub(crate) fn record_changed(context: &Arc<Context>, key: &RecordKey, change: &RecordChange) {
    if !context.is_leading() {
        return;
    }
    if change.reconcile {
        context.enqueue(Task::Record(key.clone()), Priority::Dependent);
    }
    if !change.spec_changed {
        return;
    }
    let projections: Vec<ObjectKey> = context
        .stores
        .projections
        .read()
        .for_record(key)
        .cloned()
        .collect();
    for projection in projections {
        let priority = if context.usage().is_revoked(&projection) {
            Priority::Revocation
        } else {
            Priority::Dependent
        };
        context.enqueue(Task::Projection(projection), priority);
    }
    let bound = context.stores.bindings.read().workflows_bound_to(key);
    let workflows = context.stores.workflows.read();
    let mut affected: HashSet<&ObjectKey> = HashSet::new();
    affected.extend(bound.iter().filter(|bound| workflows.get(bound).is_some()));
    for record in [&change.before, &change.after].into_iter().flatten() {
        affected.extend(workflows.selecting(record));
    }
    let is_visible = |workflow: &&ObjectKey| is_visible(key, workflow);
    for workflow in affected.iter().copied().filter(is_visible) {
        context.enqueue(Task::Workflow(workflow.clone()), Priority::Dependent);
    }
    // They stay unresolved, but their messages may suggest another candidate now.
    for workflow in workflows.unresolved().filter(is_visible) {
        if !affected.contains(workflow) {
            context.enqueue_debounced(Task::Workflow(workflow.clone()));
        }
    }
}

/// Returns whether a workflow can see a record: every workflow sees cluster-scoped records, and those of its project.
fn is_visible(record: &RecordKey, workflow: &ObjectKey) -> bool {
    let project = record.namespace.as_ref();
    project.is_none_or(|project| *project == workflow.namespace)
}

/// Handles an added or changed (with its new version) or deleted source Secret.
pub(crate) fn source_changed(context: &Arc<Context>, key: &ObjectKey, version: Option<u64>) {
    if !context.stores.records.read().is_referenced(key) {
        // The next record that refers to it fetches it.
        context.stores.sources.write().forget(key);
        return;
    }
    let known = context.stores.sources.read().get(key).cloned();
    let same = match (&known, version) {
        (Some(SourceState::Present { version: known, .. }), Some(version)) => *known >= version,
        (Some(SourceState::Missing), None) | (None, _) => true,
        _ => false,
    };
    if same {
        return;
    }
    let (context, key) = (Arc::clone(context), key.clone());
    tokio::spawn(async move {
        let SourceRead { result, changes } = source::fetch_again(&context, &key).await;
        enqueue_changes(&context, &changes);
        if result.is_err() {
            // The dependents fetch it again, with retries.
            enqueue_dependents(&context, &key, true);
        }
    });
}

/// Enqueues the dependents of the source Secrets that a read found changed. Their watches then report no
/// newer version. Returns the result of the read.
///
/// # Errors
/// If the read failed.
pub(crate) fn sources_read<T>(context: &Arc<Context>, read: SourceRead<T>) -> Result<T, Error> {
    enqueue_changes(context, &read.changes);
    read.result
}

fn enqueue_changes(context: &Arc<Context>, changes: &[SourceChange]) {
    for change in changes {
        enqueue_dependents(context, &change.secret, change.keys_changed);
    }
}

fn enqueue_dependents(context: &Arc<Context>, key: &ObjectKey, keys_changed: bool) {
    let records: Vec<RecordKey> = context
        .stores
        .records
        .read()
        .referring_to(key)
        .cloned()
        .collect();
    for record in records {
        let projections: Vec<ObjectKey> = context
            .stores
            .projections
            .read()
            .for_record(&record)
            .cloned()
            .collect();
        for projection in projections {
            context.enqueue(Task::Projection(projection), Priority::Dependent);
        }
        if !keys_changed {
            continue;
        }
        context.enqueue(Task::Record(record.clone()), Priority::Dependent);
        let Some(known) = context.stores.records.read().index.get(&record).cloned() else {
            continue;
        };
        let workflows = context.stores.workflows.read();
        let selecting: HashSet<&ObjectKey> = workflows.selecting(&known).collect();
        for workflow in selecting {
            if is_visible(&record, workflow) {
                context.enqueue(Task::Workflow(workflow.clone()), Priority::Dependent);
            }
        }
    }
}

/// Restores the bindings of a workflow from its status after a start, so that its Secrets count as used.
pub(crate) fn restore_bindings(context: &Arc<Context>, key: &ObjectKey, workflow: &Workflow) {
    if context.stores.workflows.read().get(key).is_some() {
        return;
    }
    let Some(status) = &workflow.status else {
        return;
    };
    set_bindings(
        context,
        key,
        BoundRequirement::from_status(key, &status.bindings),
    );
}

/// Sets the bindings of a workflow and enqueues the objects whose consumer count changed.
pub(crate) fn set_bindings(
    context: &Arc<Context>,
    workflow: &ObjectKey,
    mut bound: Vec<BoundRequirement>,
) {
    bound.sort();
    let touched = context.stores.bindings.write().set(workflow, bound);
    for entry in touched {
        context.enqueue_debounced(Task::Record(entry.record));
        context.enqueue_debounced(Task::Projection(ObjectKey {
            namespace: Arc::clone(&workflow.namespace),
            name: entry.projection,
        }));
    }
}

/// Handles a workflow with another author, or the same author with other groups: enqueues the user-scoped
/// projections that it uses, whether or not it still resolves.
pub(crate) fn identity_changed(context: &Arc<Context>, workflow: &ObjectKey) {
    if !context.is_started() {
        return;
    }
    let bound = context.stores.bindings.read().get(workflow).to_vec();
    for entry in bound {
        let key = ObjectKey {
            namespace: Arc::clone(&workflow.namespace),
            name: entry.projection,
        };
        let known = context.stores.projections.read().get(&key).cloned();
        if known.is_none_or(|known| known.identity.user.is_none()) {
            continue;
        }
        let priority = if context.usage().is_revoked(&key) {
            Priority::Revocation
        } else {
            Priority::Dependent
        };
        context.enqueue(Task::Projection(key), priority);
    }
}

/// Handles a deleted workflow. The garbage collector deletes its pipeline.
pub(crate) fn workflow_deleted(context: &Arc<Context>, key: &ObjectKey) {
    retain_groups(context, key);
    context.stores.workflows.write().remove(key);
    set_bindings(context, key, Vec::new());
    // Puts an orphaned pipeline on hold, and releases one that is deleted with the workflow.
    context.enqueue(Task::Workflow(key.clone()), Priority::Dependent);
}

/// Records the groups of the current author in the projections that a workflow uses, before the author
/// changes. They apply during the grace period.
pub(crate) fn retain_groups(context: &Arc<Context>, key: &ObjectKey) {
    let before = context.stores.workflows.read().get(key).cloned();
    let Some(person) = before.and_then(|before| context.settings.author(&before)) else {
        return;
    };
    let bound = context.stores.bindings.read().get(key).to_vec();
    let mut projections = context.stores.projections.write();
    for entry in bound {
        let projection = ObjectKey {
            namespace: Arc::clone(&key.namespace),
            name: entry.projection,
        };
        projections.set_groups(&projection, &person);
    }
}

/// Handles a deleted projection: the workflows that use it create it again if they still have access.
pub(crate) fn projection_deleted(context: &Arc<Context>, key: &ObjectKey) {
    if !context.stores.projections.write().remove(key) {
        return;
    }
    run_gate::remove_secret(context, key);
    secret_lost(context, key);
}

/// Handles a projection whose Secret was deleted or replaced: the workflows that use it are not ready until
/// it is restored.
pub(crate) fn secret_lost(context: &Arc<Context>, key: &ObjectKey) {
    let consumers = context.stores.bindings.read().consuming_workflows(key);
    for workflow in consumers {
        context.enqueue(Task::Workflow(workflow), Priority::Dependent);
    }
}
