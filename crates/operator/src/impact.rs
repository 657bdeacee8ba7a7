//! Enqueues the objects that a change affects.

use std::collections::HashSet;
use std::sync::Arc;

use extension_registry_api::{ExtensionBinding, Workflow};
use extension_registry_core::record::{Record, RecordKey};
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::projection_key;
use extension_registry_render::source::SourceState;
use extension_registry_runtime::error::Error;
use extension_registry_runtime::queue::Priority;
use parking_lot::RwLock;

use crate::context::Context;
use crate::run_gate;
use crate::source::{self, SourceChange, SourceRead};
use crate::store::{BoundRequirement, Consumer, RecordChange, Requirer, RequirerStore};
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
        enqueue_projection(context, projection, priority);
    }
    let bound = context.stores.consumers.read().bound_to(key);
    let (workflows, bindings): (Vec<_>, Vec<_>) = bound
        .iter()
        .partition(|consumer| matches!(consumer, Consumer::Workflow(_)));
    let stores = &context.stores;
    enqueue_affected(
        context,
        &stores.workflows,
        &workflows,
        key,
        change,
        Task::Workflow,
    );
    enqueue_affected(
        context,
        &stores.bindings,
        &bindings,
        key,
        change,
        Task::Binding,
    );
}

/// Enqueues the objects of a store that are bound to a changed record, or that select it before or after the change.
fn enqueue_affected<T: Requirer>(
    context: &Context,
    store: &RwLock<RequirerStore<T>>,
    bound: &[&Consumer],
    record: &RecordKey,
    change: &RecordChange,
    task: fn(ObjectKey) -> Task,
) {
    let store = store.read();
    let mut affected: HashSet<&ObjectKey> = HashSet::new();
    let bound = bound.iter().map(|consumer| consumer.key());
    affected.extend(bound.filter(|bound| store.get(bound).is_some()));
    for version in [&change.before, &change.after].into_iter().flatten() {
        affected.extend(store.selecting(version));
    }
    let is_visible = |key: &&ObjectKey| is_visible(record, key);
    for key in affected.iter().copied().filter(is_visible) {
        context.enqueue(task(key.clone()), Priority::Dependent);
    }
    // They stay unresolved, but their messages may suggest another candidate now.
    for key in store.unresolved().filter(is_visible) {
        if !affected.contains(key) {
            context.enqueue_debounced(task(key.clone()));
        }
    }
}

/// Returns whether an object can see a record: every object sees cluster-scoped records, and those of its project.
fn is_visible(record: &RecordKey, object: &ObjectKey) -> bool {
    let project = record.namespace.as_ref();
    project.is_none_or(|project| *project == object.namespace)
}

/// Returns the task that maintains a projection: that of its binding, if it has one.
pub(crate) fn projection_task(context: &Context, projection: ObjectKey) -> Task {
    let binding = {
        let projections = context.stores.projections.read();
        let entry = projections.get(&projection);
        entry.and_then(|entry| entry.binding.clone())
    };
    match binding {
        Some(name) => Task::Binding(ObjectKey {
            namespace: projection.namespace,
            name,
        }),
        None => Task::Projection(projection),
    }
}

/// Enqueues the task that maintains a projection.
pub(crate) fn enqueue_projection(context: &Context, projection: ObjectKey, priority: Priority) {
    context.enqueue(projection_task(context, projection), priority);
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
            enqueue_projection(context, projection, Priority::Dependent);
        }
        if !keys_changed {
            continue;
        }
        context.enqueue(Task::Record(record.clone()), Priority::Dependent);
        let Some(known) = context.stores.records.read().index.get(&record).cloned() else {
            continue;
        };
        let stores = &context.stores;
        enqueue_selecting(context, &stores.workflows, &known, Task::Workflow);
        enqueue_selecting(context, &stores.bindings, &known, Task::Binding);
    }
}

fn enqueue_selecting<T: Requirer>(
    context: &Context,
    store: &RwLock<RequirerStore<T>>,
    record: &Record,
    task: fn(ObjectKey) -> Task,
) {
    let store = store.read();
    let selecting: HashSet<&ObjectKey> = store.selecting(record).collect();
    for key in selecting {
        if is_visible(&record.key, key) {
            context.enqueue(task(key.clone()), Priority::Dependent);
        }
    }
}

/// Restores what a workflow uses from its status after a start, so that its Secrets count as used.
pub(crate) fn restore_workflow(context: &Arc<Context>, key: &ObjectKey, workflow: &Workflow) {
    if context.stores.workflows.read().get(key).is_some() {
        return;
    }
    if let Some(status) = &workflow.status {
        let bound = BoundRequirement::from_status(key, &status.bindings);
        set_bound(context, &Consumer::Workflow(key.clone()), bound);
    }
}

/// Restores what a binding uses from its status after a start.
pub(crate) fn restore_binding(context: &Arc<Context>, key: &ObjectKey, binding: &ExtensionBinding) {
    if context.stores.bindings.read().get(key).is_some() {
        return;
    }
    let choice = binding.status.as_ref();
    if let Some(choice) = choice.and_then(|status| status.choice.as_ref()) {
        let record = RecordKey::of_kind(&choice.kind, &key.namespace, &choice.record);
        set_binding(context, key, Some(record));
    }
}

/// Sets what a consumer uses and enqueues the objects whose consumer count changed.
pub(crate) fn set_bound(
    context: &Arc<Context>,
    consumer: &Consumer,
    mut bound: Vec<BoundRequirement>,
) {
    bound.sort();
    let touched = context.stores.consumers.write().set(consumer, bound);
    for entry in touched {
        context.enqueue_debounced(Task::Record(entry.record));
        // The projection of a binding has no other consumer, so its count is not recorded.
        if let Consumer::Workflow(workflow) = consumer {
            context.enqueue_debounced(Task::Projection(ObjectKey {
                namespace: Arc::clone(&workflow.namespace),
                name: entry.projection,
            }));
        }
    }
}

/// Sets the record that a binding uses.
pub(crate) fn set_binding(context: &Arc<Context>, binding: &ObjectKey, record: Option<RecordKey>) {
    let bound = record.map(|record| BoundRequirement {
        projection: projection_key(binding).name,
        record,
    });
    let consumer = Consumer::Binding(binding.clone());
    set_bound(context, &consumer, bound.into_iter().collect());
}

/// Handles a deleted binding: its Secrets are deleted.
pub(crate) fn binding_deleted(context: &Arc<Context>, key: &ObjectKey) {
    let known = context.stores.bindings.read().get(key).cloned();
    let written = known.and_then(|binding| binding.status.as_ref()?.written.clone());
    let mut projections = context.stores.projections.write();
    projections.set_written(&projection_key(key), written);
    drop(projections);
    context.stores.bindings.write().remove(key);
    set_binding(context, key, None);
    context.enqueue(Task::Binding(key.clone()), Priority::Revocation);
}

/// Handles a workflow with another author, or the same author with other groups: enqueues the user-scoped
/// projections that it uses, whether or not it still resolves.
pub(crate) fn identity_changed(context: &Arc<Context>, workflow: &ObjectKey) {
    if !context.is_started() {
        return;
    }
    let bound = bound_to_workflow(context, workflow);
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
    set_bound(context, &Consumer::Workflow(key.clone()), Vec::new());
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
    let bound = bound_to_workflow(context, key);
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

/// Handles a projection whose Secret was deleted or replaced: the objects that use it are not ready until
/// it is restored.
pub(crate) fn secret_lost(context: &Arc<Context>, key: &ObjectKey) {
    let consumers = context.stores.consumers.read().using(key);
    for consumer in consumers {
        context.enqueue(consumer.into(), Priority::Dependent);
    }
}

fn bound_to_workflow(context: &Context, workflow: &ObjectKey) -> Vec<BoundRequirement> {
    let consumer = Consumer::Workflow(workflow.clone());
    context.stores.consumers.read().get(&consumer).to_vec()
}
