//! The question which workflows a change would affect.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use extension_registry_core::diagnostic::Failure;
use extension_registry_core::record::RecordKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::inventory::{Input, Inventory, Note, ReadLog};
use crate::resolve::{Answer, Outcome, answers};
use crate::suggest::similar;

/// Effect on a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It no longer resolves.
    Stops,
    /// It resolves to another service.
    Changes,
    /// It starts to resolve.
    Starts,
    /// It still does not resolve, for another reason.
    OtherRefusal,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Affected {
    pub namespace: String,
    pub workflow: String,
    pub step: String,
    pub requirement: String,
    pub effect: Effect,
    pub before: Outcome,
    pub after: Outcome,
}

#[derive(JsonSchema, Serialize)]
pub struct Answered {
    pub affected: Vec<Affected>,
}

/// An inventory to which a change is applied, with the resolutions before the change.
pub struct Preview {
    inventory: Inventory,
    before: BTreeMap<Key, Outcome>,
}

impl Preview {
    /// Creates a preview without a change.
    #[must_use]
    pub fn new(inventory: Inventory) -> Self {
        let before = all(&inventory);
        Self { inventory, before }
    }

    /// Deletes a record: NAME, or NAMESPACE/NAME for a record of a project.
    ///
    /// # Errors
    /// If there is no such record.
    pub fn delete(&mut self, name: &str) -> Result<()> {
        let key = match name.split_once('/') {
            Some((namespace, name)) => RecordKey::project(namespace, name),
            None => RecordKey::cluster(name),
        };
        let mut records = self.inventory.records.iter();
        if !records.any(|entry| entry.key == key) {
            let names = self.inventory.records.iter().map(|entry| &*entry.key.name);
            let failure = Failure::new(format!("{key} not found"));
            return Err(failure.hint(similar(name, names).unwrap_or_default()));
        }
        self.inventory.index.remove(&key);
        Ok(())
    }

    /// Reads the objects of a change, with the settings of the inventory.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(&self, input: &Input<'_>, log: &mut ReadLog) -> Result<Inventory> {
        self.inventory.read_change(input, log)
    }

    /// Applies the records of a change, and returns what of it is ignored.
    ///
    /// # Errors
    /// If the change contains no records.
    pub fn apply(&mut self, change: &Inventory) -> Result<Option<Note>> {
        if change.records.is_empty() {
            return Err(Failure::new("the change contains no records"));
        }
        for record in change.index.records() {
            self.inventory.index.insert(Arc::clone(record));
        }
        Ok((!change.workflows.is_empty()).then(|| {
            Note::new("workflows in the change are ignored; only its records are applied")
        }))
    }

    /// Compares the resolutions before and after the change.
    #[must_use]
    pub fn affected(self) -> Answered {
        Answered {
            affected: compare(self.before, all(&self.inventory)),
        }
    }
}

impl Answered {
    /// Returns the most severe effect; None if no workflow is affected.
    #[must_use]
    pub fn worst(&self) -> Option<Effect> {
        self.affected.iter().map(|one| one.effect).min()
    }
}

type Key = (String, String, String, String);

fn all(inventory: &Inventory) -> BTreeMap<Key, Outcome> {
    inventory
        .workflows
        .iter()
        .flat_map(|entry| answers(&inventory.resolved(entry)).collect::<Vec<_>>())
        .map(
            |Answer {
                 namespace,
                 workflow,
                 step,
                 requirement,
                 outcome,
             }| ((namespace, workflow, step, requirement), outcome),
        )
        .collect()
}

fn compare(before: BTreeMap<Key, Outcome>, mut after: BTreeMap<Key, Outcome>) -> Vec<Affected> {
    let mut affected = Vec::new();
    for (key, before) in before {
        let Some(after) = after.remove(&key) else {
            continue;
        };
        let effect = match (&before, &after) {
            (before, after) if before == after => continue,
            (Outcome::Bound { .. }, Outcome::Bound { .. }) => Effect::Changes,
            (Outcome::Bound { .. }, Outcome::Refused { .. }) => Effect::Stops,
            (Outcome::Refused { .. }, Outcome::Bound { .. }) => Effect::Starts,
            (Outcome::Refused { reason, .. }, Outcome::Refused { reason: other, .. }) => {
                if reason == other {
                    continue;
                }
                Effect::OtherRefusal
            }
        };
        let (namespace, workflow, step, requirement) = key;
        affected.push(Affected {
            namespace,
            workflow,
            step,
            requirement,
            effect,
            before,
            after,
        });
    }
    affected
}
