//! The question which workflows and bindings a change would affect.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use extension_registry_api::convert;
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::record::RecordKey;
use extension_registry_core::requirement::Requirement;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::consumer::ConsumerName;
use crate::inventory::{Input, Inventory, Note, ReadLog};
use crate::resolve::{Answer, Outcome, all_answers, binding_answer, selection_outcome};
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
    #[serde(flatten)]
    pub consumer: ConsumerName,
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
    pub fn new(mut inventory: Inventory) -> Self {
        let before = all(&inventory);
        inventory.keep_choices();
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
        Ok((!change.has_no_consumers()).then(|| {
            Note::new(
                "workflows and bindings in the change are ignored; only its records are applied",
            )
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
    /// Returns the most severe effect; None if no workflow or binding is affected.
    #[must_use]
    pub fn worst(&self) -> Option<Effect> {
        self.affected.iter().map(|one| one.effect).min()
    }
}

/// Returns which of the current resolutions change if a record is deleted.
#[must_use]
pub fn removal(inventory: &Inventory, key: &RecordKey, answers: &[Answer]) -> Answered {
    let Some(record) = inventory.index.get(key) else {
        return Answered {
            affected: Vec::new(),
        };
    };
    // Only a record that matches a requirement has an effect on it: as a candidate, or because it shadows others.
    let matches = |requirement: &Requirement| {
        let mut services = record.services.iter();
        services.any(|service| requirement.matches(record, service))
    };
    let mut index = inventory.index.clone();
    index.remove(key);
    let before = answers.iter().cloned().map(keyed).collect();
    let workflows = inventory.workflows.iter().filter(|entry| {
        let steps = entry.workflow.spec.steps.iter();
        let mut requirements = steps.flat_map(|step| &step.extensions);
        requirements.any(|spec| convert::requirement("", spec).is_ok_and(|one| matches(&one)))
    });
    let steps = workflows.flat_map(|entry| {
        crate::resolve::answers(&inventory.resolved_with(&index, entry)).collect::<Vec<_>>()
    });
    let bindings = inventory.bindings.iter().filter(|entry| {
        let converted = convert::binding(&entry.key.name, &entry.binding.spec);
        converted.is_ok_and(|binding| matches(&binding.requirement))
    });
    let bindings = bindings.map(|entry| {
        let current = inventory.kept(entry);
        let selected = inventory.selected_with(&index, current.as_ref(), entry);
        Answer {
            outcome: selection_outcome(selected),
            ..binding_answer(inventory, entry)
        }
    });
    Answered {
        affected: compare(before, steps.chain(bindings).map(keyed).collect()),
    }
}

type Key = (String, ConsumerName);

fn all(inventory: &Inventory) -> BTreeMap<Key, Outcome> {
    all_answers(inventory).map(keyed).collect()
}

fn keyed(answer: Answer) -> (Key, Outcome) {
    ((answer.namespace, answer.consumer), answer.outcome)
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
        let (namespace, consumer) = key;
        affected.push(Affected {
            namespace,
            consumer,
            effect,
            before,
            after,
        });
    }
    affected
}
