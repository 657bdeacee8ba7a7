//! Is the projection still admitted, and still used? No client here.

use std::time::Duration;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::person::{Person, consumer};
use extension_registry_core::projection::Identity;
use extension_registry_core::record::Name;
use extension_registry_core::resolve::Choice;
use k8s_openapi::jiff::Timestamp;

use crate::context::Context;
use crate::store::LedgerEntry;

/// What is to become of a projection.
pub(super) enum Verdict {
    /// Access was lost: it goes at once, whoever uses it.
    Revoked,
    /// Nothing has used it for the grace period.
    Expired,
    /// It stays and is kept fresh.
    Keep {
        /// What it stands for, as the record is now.
        choice: Choice,
        /// Set when nothing uses it.
        unused: Option<Unused>,
    },
}

/// Nothing uses the projection. A running pipeline may have pinned the old spec, and its later tasks
/// still mount the Secret: hence the grace.
pub(super) struct Unused {
    /// How long until it goes.
    pub(super) left: Duration,
}

pub(super) fn run(
    context: &Context,
    key: &ObjectKey,
    entry: &LedgerEntry,
    now: Timestamp,
) -> Verdict {
    let Some(choice) = choice(context, key, &entry.identity) else {
        return Verdict::Revoked;
    };
    // The name is a claim; only the identity counts, and a name that does not follow from it was not
    // written by the operator.
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

/// Requirements that use a projection. That of a person is used by that person's workflows only: one
/// that somebody else has rewritten keeps its last pipeline, and not the access.
pub(super) fn consumers(context: &Context, key: &ObjectKey, identity: &Identity) -> i64 {
    let known = context.world.bindings.read().consumers(key);
    match &identity.user {
        Some(user) if persons(context, key, user).is_empty() => 0,
        _ => known,
    }
}

/// The choice that an identity stands for, if its record still offers it to this namespace, and to
/// the person whose it is.
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
    let records = context.world.records.read();
    Choice::find(records.index.get(&identity.record)?, identity, &consumer)
}

/// The person of a projection, once with the groups of each workflow of theirs that uses it: one that
/// is admitted is enough.
fn persons(context: &Context, key: &ObjectKey, user: &Name) -> Vec<Person> {
    // One lock after the other, never one inside the other.
    let consumers = context.world.bindings.read().consumers_of(key);
    let workflows: Vec<_> = {
        let workflows = context.world.workflows.read();
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

/// The person of a projection that no workflow of theirs uses any more: for the grace period with the
/// groups as they were. Where those are not known there are none, so that a restart takes away too
/// much rather than too little.
fn last_known(context: &Context, key: &ObjectKey, user: &Name) -> Person {
    let ledger = context.world.ledger.read();
    let groups = ledger.get(key).and_then(|entry| entry.groups.clone());
    Person {
        user: user.clone(),
        groups: groups.unwrap_or_default(),
    }
}
