//! Which projections are in use, by whom, and whether these users still have access. Uses no client.

use extension_registry_core::projection::Identity;
use extension_registry_core::record::Name;
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::person::{Person, consumer};

use crate::settings::Settings;
use crate::store::{Consumer, Stores};

/// Answers from the caches.
pub(crate) struct Usage<'a> {
    pub(crate) stores: &'a Stores,
    pub(crate) settings: &'a Settings,
}

impl Usage<'_> {
    /// Returns whether access to a projection was revoked: its record, service, endpoint or credentials
    /// were removed, or no longer admit its namespace or user.
    pub(crate) fn is_revoked(&self, key: &ObjectKey) -> bool {
        let Some(entry) = self.stores.projections.read().get(key).cloned() else {
            return false;
        };
        self.choice(key, &entry.identity).is_none()
    }

    /// Returns the number of requirements that use a projection. Only workflows of its user count for a
    /// user-scoped projection: a workflow that another user has changed keeps its last pipeline, but not the
    /// access.
    pub(crate) fn consumers(&self, key: &ObjectKey, identity: &Identity) -> i64 {
        let known = self.stores.consumers.read().count(key);
        match &identity.user {
            Some(user) if self.persons(key, user).is_empty() => 0,
            _ => known,
        }
    }

    /// Returns the choice of an identity if its record still admits this namespace and user.
    pub(crate) fn choice(&self, key: &ObjectKey, identity: &Identity) -> Option<Choice> {
        let Some(user) = &identity.user else {
            return self.find(key, identity, None);
        };
        let mut persons = self.persons(key, user);
        if persons.is_empty() {
            persons.push(self.last_known(key, user));
        }
        persons
            .iter()
            .find_map(|person| self.find(key, identity, Some(person)))
    }

    fn find(
        &self,
        key: &ObjectKey,
        identity: &Identity,
        person: Option<&Person>,
    ) -> Option<Choice> {
        let consumer = consumer(&key.namespace, self.settings.zone.as_ref(), person);
        let records = self.stores.records.read();
        Choice::find(records.index.get(&identity.record)?, identity, &consumer)
    }

    /// Returns the user of a projection once for each of their workflows that uses it, with the groups recorded
    /// there. Access requires that one of them is admitted.
    fn persons(&self, key: &ObjectKey, user: &Name) -> Vec<Person> {
        // Take the locks one after the other, never nested.
        let consumers = self.stores.consumers.read().using(key);
        let workflows: Vec<_> = {
            let workflows = self.stores.workflows.read();
            let workflow = |consumer: &Consumer| match consumer {
                Consumer::Workflow(key) => workflows.get(key).cloned(),
                // A binding has no user.
                Consumer::Binding(_) => None,
            };
            consumers.iter().filter_map(workflow).collect()
        };
        workflows
            .iter()
            .filter_map(|workflow| self.settings.author(workflow))
            .filter(|person| person.user == *user)
            .collect()
    }

    /// Returns the user of an unused projection with their last known groups, for the grace period. After a
    /// restart the groups are unknown and therefore empty, so that access is revoked rather than kept.
    fn last_known(&self, key: &ObjectKey, user: &Name) -> Person {
        let projections = self.stores.projections.read();
        let groups = projections.get(key).and_then(|entry| entry.groups.clone());
        Person {
            user: user.clone(),
            groups: groups.unwrap_or_default(),
        }
    }
}
