//! Checks whether a projection is still admitted and used. Uses no client.

use std::time::Duration;

use extension_registry_core::projection::Identity;
use extension_registry_core::record::Name;
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::person::{Person, consumer};
use k8s_openapi::jiff::Timestamp;

use crate::context::Context;
use crate::store::ProjectionEntry;

/// What to do with a projection.
pub(super) enum Verdict {
    /// Delete it immediately, because access was revoked.
    Revoked,
    /// Delete it, because it was unused during the grace period.
    Expired,
    /// Keep it and render it again.
    Keep {
        /// The current choice of its identity.
        choice: Choice,
        /// Set if no workflow uses it.
        unused: Option<Unused>,
    },
}

/// An unused projection. It is kept for a grace period, because later tasks of a running `PipelineRun` may
/// still mount the Secret.
pub(super) struct Unused {
    /// Remaining grace period.
    pub(super) left: Duration,
}

pub(super) fn run(
    context: &Context,
    key: &ObjectKey,
    entry: &ProjectionEntry,
    now: Timestamp,
) -> Verdict {
    let Some(choice) = choice(context, key, &entry.identity) else {
        return Verdict::Revoked;
    };
    // The operator derives the name from the identity, so it did not create a projection with another name.
    if entry.identity.name() != *key.name {
        return Verdict::Revoked;
    }
    if consumers(context, key, &entry.identity) > 0 {
        return Verdict::Keep {
            choice,
            unused: None,
        };
    }
    let since = entry
        .status
        .unused_since
        .as_ref()
        .map_or(now, |since| since.0);
    let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    match context.settings.unused_grace.checked_sub(waited) {
        Some(left) if !left.is_zero() => Verdict::Keep {
            choice,
            unused: Some(Unused { left }),
        },
        _ => Verdict::Expired,
    }
}

/// Returns the number of requirements that use a projection. Only workflows of its user count for a
/// user-scoped projection: a workflow that another user has changed keeps its last pipeline, but not the
/// access.
pub(super) fn consumers(context: &Context, key: &ObjectKey, identity: &Identity) -> i64 {
    let known = context.stores.bindings.read().consumers(key);
    match &identity.user {
        Some(user) if persons(context, key, user).is_empty() => 0,
        _ => known,
    }
}

/// Returns the choice of an identity if its record still admits this namespace and user.
pub(super) fn choice(context: &Context, key: &ObjectKey, identity: &Identity) -> Option<Choice> {
    let Some(user) = &identity.user else {
        return find(context, key, identity, None);
    };
    let mut persons = persons(context, key, user);
    if persons.is_empty() {
        persons.push(last_known(context, key, user));
    }
    persons
        .iter()
        .find_map(|person| find(context, key, identity, Some(person)))
}

fn find(
    context: &Context,
    key: &ObjectKey,
    identity: &Identity,
    person: Option<&Person>,
) -> Option<Choice> {
    let consumer = consumer(&key.namespace, context.settings.zone.as_ref(), person);
    let records = context.stores.records.read();
    Choice::find(records.index.get(&identity.record)?, identity, &consumer)
}

/// Returns the user of a projection once for each of their workflows that uses it, with the groups recorded
/// there. Access requires that one of them is admitted.
fn persons(context: &Context, key: &ObjectKey, user: &Name) -> Vec<Person> {
    // Take the locks one after the other, never nested.
    let consumers = context.stores.bindings.read().consuming_workflows(key);
    let workflows: Vec<_> = {
        let workflows = context.stores.workflows.read();
        consumers
            .iter()
            .filter_map(|consumer| workflows.get(consumer).cloned())
            .collect()
    };
    workflows
        .iter()
        .filter_map(|workflow| context.author(workflow))
        .filter(|person| person.user == *user)
        .collect()
}

/// Returns the user of an unused projection with their last known groups, for the grace period. After a
/// restart the groups are unknown and therefore empty, so that access is revoked rather than kept.
fn last_known(context: &Context, key: &ObjectKey, user: &Name) -> Person {
    let projections = context.stores.projections.read();
    let groups = projections.get(key).and_then(|entry| entry.groups.clone());
    Person {
        user: user.clone(),
        groups: groups.unwrap_or_default(),
    }
}
