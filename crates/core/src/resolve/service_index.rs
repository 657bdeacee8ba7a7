//! Index of the services of one scope (the cluster or a project) by the fields that requirements select.
//!
//! Two structures: a list of services for each value of each field, and for each product and resource
//! lists by zone, sorted by version. The second answers the common query (a product, a resource, a
//! range) with a binary search, however many instances are registered.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::record::{Name, Record, Service};
use crate::requirement::{ByField, Field, Requirement};
use crate::version::{Version, VersionRange};

type Slot = u32;

/// One service of one record.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) record: Arc<Record>,
    pub(super) position: usize,
}

impl Candidate {
    pub(super) fn service(&self) -> &Service {
        &self.record.services[self.position]
    }

    pub(super) fn value(&self, field: Field) -> Option<&Name> {
        field.value(&self.record, self.service())
    }

    fn version(&self) -> Option<&Version> {
        self.record
            .version
            .as_ref()
            .and_then(|version| version.parsed())
    }

    pub(super) fn fails(&self, requirement: &Requirement, field: Field) -> bool {
        requirement.fails(field, &self.record, self.service())
    }

    pub(super) fn fails_version(&self, requirement: &Requirement) -> bool {
        requirement.fails_version(&self.record)
    }

    pub(super) fn matches(&self, requirement: &Requirement) -> bool {
        requirement.matches(&self.record, self.service())
    }
}

type ByZone = HashMap<Option<Name>, Vec<Slot>>;

#[derive(Clone, Debug, Default)]
pub(super) struct ServiceIndex {
    candidates: Vec<Option<Candidate>>,
    free: Vec<Slot>,
    by_value: ByField<HashMap<Name, Vec<Slot>>>,
    by_kind: HashMap<(Name, Name), ByZone>,
}

/// Returns the fields with lists of their own. The others have none, because no requirement selects by them
/// alone.
fn listed() -> impl Iterator<Item = Field> {
    Field::ALL.into_iter().filter(|field| field.is_sufficient())
}

impl ServiceIndex {
    pub(super) fn insert(&mut self, record: &Arc<Record>) {
        for position in 0..record.services.len() {
            let candidate = Candidate {
                record: Arc::clone(record),
                position,
            };
            let slot = self.free.pop().unwrap_or_else(|| {
                self.candidates.push(None);
                Slot::try_from(self.candidates.len() - 1).unwrap_or(Slot::MAX)
            });
            for field in listed() {
                if let Some(value) = candidate.value(field) {
                    let lists = &mut self.by_value[field];
                    lists.entry(value.clone()).or_default().push(slot);
                }
            }
            if let (Some(product), Some(resource)) = (
                candidate.value(Field::Product),
                candidate.value(Field::Resource),
            ) {
                let by_zone = self
                    .by_kind
                    .entry((product.clone(), resource.clone()))
                    .or_default();
                let slots = by_zone.entry(record.zone.clone()).or_default();
                let at = slots.partition_point(|other| {
                    version_at(&self.candidates, *other) <= candidate.version()
                });
                slots.insert(at, slot);
            }
            if let Some(place) = self.candidates.get_mut(slot as usize) {
                *place = Some(candidate);
            }
        }
    }

    pub(super) fn remove(&mut self, record: &Record) {
        let Some(slots) = self.by_value[Field::Extension]
            .get(&record.key.name)
            .cloned()
        else {
            return;
        };
        for slot in slots {
            let Some(candidate) = self
                .candidates
                .get_mut(slot as usize)
                .and_then(Option::take)
            else {
                continue;
            };
            for field in listed() {
                if let Some(value) = candidate.value(field) {
                    remove_slot(&mut self.by_value[field], value, slot);
                }
            }
            if let (Some(product), Some(resource)) = (
                candidate.value(Field::Product),
                candidate.value(Field::Resource),
            ) {
                let key = (product.clone(), resource.clone());
                if let Some(by_zone) = self.by_kind.get_mut(&key) {
                    remove_slot(by_zone, &record.zone, slot);
                    if by_zone.is_empty() {
                        self.by_kind.remove(&key);
                    }
                }
            }
            self.free.push(slot);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.candidates.len() == self.free.len()
    }

    pub(super) fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().flatten()
    }

    /// Returns the services that match every selector.
    pub(super) fn matching<'a>(
        &'a self,
        requirement: &'a Requirement,
    ) -> impl Iterator<Item = &'a Candidate> {
        self.shortlist(requirement)
            .into_iter()
            .flatten()
            .filter_map(|slot| self.candidates.get(*slot as usize)?.as_ref())
            .filter(|candidate| candidate.matches(requirement))
    }

    /// Returns short lists that together contain every match.
    fn shortlist(&self, requirement: &Requirement) -> Vec<&[Slot]> {
        if let (None, Some(product), Some(resource)) = (
            &requirement.extension,
            &requirement.product,
            &requirement.resource,
        ) {
            let Some(by_zone) = self.by_kind.get(&(product.clone(), resource.clone())) else {
                return Vec::new();
            };
            let range = requirement.version.as_ref();
            return match &requirement.zone {
                Some(_) => by_zone
                    .get(&requirement.zone)
                    .map(|slots| self.within(slots, range))
                    .into_iter()
                    .collect(),
                None => by_zone
                    .values()
                    .map(|slots| self.within(slots, range))
                    .collect(),
            };
        }
        let mut shortest: Option<&[Slot]> = None;
        for field in listed() {
            let Some(expected) = requirement.selector(field) else {
                continue;
            };
            let slots = self.by_value[field]
                .get(expected)
                .map_or(&[][..], Vec::as_slice);
            if shortest.is_none_or(|other| slots.len() < other.len()) {
                shortest = Some(slots);
            }
        }
        shortest.into_iter().collect()
    }

    /// Returns the part of a list, sorted by version, that a range can match.
    fn within<'a>(&self, slots: &'a [Slot], range: Option<&VersionRange>) -> &'a [Slot] {
        let Some((low, high)) = range.and_then(VersionRange::hull) else {
            return slots;
        };
        let at = |slot: &Slot| version_at(&self.candidates, *slot);
        let start = slots.partition_point(|slot| match (at(slot), low) {
            (None, _) => true,
            (Some(version), Bound::Included(low)) => version < low,
            (Some(version), Bound::Excluded(low)) => version <= low,
            (Some(_), Bound::Unbounded) => false,
        });
        let rest = &slots[start..];
        let length = rest.partition_point(|slot| match (at(slot), high) {
            (Some(version), Bound::Included(high)) => version <= high,
            (Some(version), Bound::Excluded(high)) => version < high,
            (None, _) | (Some(_), Bound::Unbounded) => true,
        });
        &rest[..length]
    }
}

fn version_at(candidates: &[Option<Candidate>], slot: Slot) -> Option<&Version> {
    candidates.get(slot as usize)?.as_ref()?.version()
}

fn remove_slot<K: std::hash::Hash + Eq>(lists: &mut HashMap<K, Vec<Slot>>, key: &K, slot: Slot) {
    if let Some(slots) = lists.get_mut(key) {
        slots.retain(|other| *other != slot);
        if slots.is_empty() {
            lists.remove(key);
        }
    }
}
