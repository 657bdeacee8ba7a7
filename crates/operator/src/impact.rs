//! What a change touches: everything that depends on it and nothing else.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::status::RESOLVED;
use extension_registry_api::workflow::RequirementSpec;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::SourceState;
use extension_registry_core::record::{Record, RecordKey};

use crate::condition;
use crate::context::Context;
use crate::projection;
use crate::queue::Urgency;
use crate::run_gate;
use crate::store::{Bound, RecordChange};
use crate::task::Task;

/// A record came, changed or went.
pub(crate) fn record_changed(context: &Arc<Context>, key: &RecordKey, change: &RecordChange) {
    if !context.is_leading() {
        return;
    }
    if change.look {
        context.want(Task::Record(key.clone()), Urgency::Dependent);
    }
    if !change.spec {
        return;
    }
    let projections: Vec<ObjectKey> = context
        .world
        .ledger
        .read()
        .of_record(key)
        .cloned()
        .collect();
    for projection in projections {
        let urgency = if projection::is_revoked(context, &projection) {
            Urgency::Revocation
        } else {
            Urgency::Dependent
        };
        context.want(Task::Projection(projection), urgency);
    }
    let workflows = context.world.workflows.read();
    for (workflow_key, workflow) in workflows.iter() {
        let project_matters = key
            .namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == workflow_key.namespace);
        if !project_matters {
            continue;
        }
        let bound = context
            .world
            .bindings
            .read()
            .of(workflow_key)
            .iter()
            .any(|bound| bound.record == *key);
        if bound || selects(workflow, change) {
            context.want(Task::Workflow(workflow_key.clone()), Urgency::Dependent);
        } else if !is_resolved(workflow) {
            // Its outcome stays, but the nearest miss that it names may be another one now.
            context.want_settled(Task::Workflow(workflow_key.clone()));
        }
    }
}

fn selects(workflow: &Workflow, change: &RecordChange) -> bool {
    let mut requirements = workflow.spec.steps.iter().flat_map(|step| &step.extensions);
    requirements.any(|requirement| {
        let of = |record: &Option<Arc<Record>>| {
            record
                .as_ref()
                .is_some_and(|record| may_match(requirement, record))
        };
        of(&change.before) || of(&change.after)
    })
}

/// Whether the exact selectors hold; version and access are left to the resolver.
fn may_match(requirement: &RequirementSpec, record: &Record) -> bool {
    let holds = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
    };
    holds(&requirement.extension, Some(&record.key.name))
        && holds(&requirement.product, record.product.as_deref())
        && holds(&requirement.zone, record.zone.as_deref())
        && record.services.iter().any(|service| {
            holds(&requirement.service, Some(&service.name))
                && holds(&requirement.resource, service.resource.as_deref())
                && holds(&requirement.category, service.category.as_deref())
        })
}

fn is_resolved(workflow: &Workflow) -> bool {
    workflow
        .status
        .as_ref()
        .is_some_and(|status| condition::is_true(&status.conditions, RESOLVED))
}

/// A source Secret came, changed (with its new version) or went.
pub(crate) fn source_changed(context: &Arc<Context>, key: &ObjectKey, version: Option<u64>) {
    if !context.world.records.read().is_referenced(key) {
        // Whoever refers to it next looks for himself.
        context.world.sources.write().forget(key);
        return;
    }
    let known = context.world.sources.read().get(key).cloned();
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
        let before = context.world.sources.write().forget(&key);
        match crate::source::look(&context, &key).await {
            Ok(after) => source_read(&context, &key, before.as_ref(), &after),
            // Whoever needs it looks for himself, and tries until there is an answer.
            Err(_) => source_settled(&context, &key, true),
        }
    });
}

/// Somebody who read a source Secret saw another state than the one known before. Its watch stays
/// silent then: it has nothing newer to tell.
pub(crate) fn source_read(
    context: &Arc<Context>,
    key: &ObjectKey,
    before: Option<&SourceState>,
    after: &SourceState,
) {
    if let Some(before) = before.filter(|before| *before != after) {
        source_settled(context, key, !before.offers_the_same(after));
    }
}

fn source_settled(context: &Arc<Context>, key: &ObjectKey, keys_changed: bool) {
    let records: Vec<RecordKey> = context
        .world
        .records
        .read()
        .referring_to(key)
        .cloned()
        .collect();
    for record in records {
        let projections: Vec<ObjectKey> = context
            .world
            .ledger
            .read()
            .of_record(&record)
            .cloned()
            .collect();
        for projection in projections {
            context.want(Task::Projection(projection), Urgency::Dependent);
        }
        if !keys_changed {
            continue;
        }
        context.want(Task::Record(record.clone()), Urgency::Dependent);
        let Some(known) = context.world.records.read().index.get(&record).cloned() else {
            continue;
        };
        let change = RecordChange {
            after: Some(known),
            ..RecordChange::default()
        };
        for (workflow_key, workflow) in context.world.workflows.read().iter() {
            let project_matters = record
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == workflow_key.namespace);
            if project_matters && selects(workflow, &change) {
                context.want(Task::Workflow(workflow_key.clone()), Urgency::Dependent);
            }
        }
    }
}

/// Takes the bindings of a workflow from its status, where this process has none of its own: after a
/// start they decide which Secrets are in use.
pub(crate) fn remember_bindings(context: &Arc<Context>, key: &ObjectKey, workflow: &Workflow) {
    if context.world.workflows.read().get(key).is_some() {
        return;
    }
    let Some(status) = &workflow.status else {
        return;
    };
    bind(context, key, Bound::all(key, &status.bindings));
}

/// Notes what a workflow uses and has the changed counts written once they have settled.
pub(crate) fn bind(context: &Arc<Context>, workflow: &ObjectKey, mut bound: Vec<Bound>) {
    bound.sort();
    let touched = context.world.bindings.write().set(workflow, bound);
    for entry in touched {
        context.want_settled(Task::Record(entry.record));
        context.want_settled(Task::Projection(ObjectKey {
            namespace: Arc::clone(&workflow.namespace),
            name: entry.projection,
        }));
    }
}

/// Somebody else wrote a workflow, or the same person with other groups: what it uses of a person is
/// looked at again, whether or not the workflow resolves now.
pub(crate) fn identity_changed(context: &Arc<Context>, workflow: &ObjectKey) {
    if !context.is_started() {
        return;
    }
    let bound = context.world.bindings.read().of(workflow).to_vec();
    for entry in bound {
        let key = ObjectKey {
            namespace: Arc::clone(&workflow.namespace),
            name: entry.projection,
        };
        let known = context.world.ledger.read().get(&key).cloned();
        if known.is_none_or(|known| known.identity.user.is_none()) {
            continue;
        }
        let urgency = if projection::is_revoked(context, &key) {
            Urgency::Revocation
        } else {
            Urgency::Dependent
        };
        context.want(Task::Projection(key), urgency);
    }
}

/// A workflow went; its pipeline goes by its owner reference.
pub(crate) fn workflow_gone(context: &Arc<Context>, key: &ObjectKey) {
    remember_person(context, key);
    context.world.workflows.write().remove(key);
    bind(context, key, Vec::new());
    // What it leaves behind must not run; what it takes along is not held back any more.
    context.want(Task::Workflow(key.clone()), Urgency::Dependent);
}

/// A workflow is about to lose its person: what it uses keeps that person's groups in mind, for the
/// grace period.
pub(crate) fn remember_person(context: &Arc<Context>, key: &ObjectKey) {
    let before = context.world.workflows.read().get(key).cloned();
    let Some(person) = before.and_then(|before| context.author(&before)) else {
        return;
    };
    let bound = context.world.bindings.read().of(key).to_vec();
    let mut ledger = context.world.ledger.write();
    for entry in bound {
        let projection = ObjectKey {
            namespace: Arc::clone(&key.namespace),
            name: entry.projection,
        };
        ledger.set_groups(&projection, &person);
    }
}

/// A projection is gone: the workflows that use it have it created again, if they still may.
pub(crate) fn projection_gone(context: &Arc<Context>, key: &ObjectKey) {
    if !context.world.ledger.write().remove(key) {
        return;
    }
    run_gate::withdraw(context, key);
    projection_lost(context, key);
}

/// The Secret of a projection is gone, or is another object now: the workflows that use it are not
/// ready until there is one.
pub(crate) fn projection_lost(context: &Arc<Context>, key: &ObjectKey) {
    let consumers = context.world.bindings.read().consumers_of(key);
    for workflow in consumers {
        context.want(Task::Workflow(workflow), Urgency::Dependent);
    }
}
