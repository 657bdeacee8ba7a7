//! Ownership of credentials that several field managers apply. ADR 0017 explains the rules.
//!
//! The API server computes `metadata.managedFields` from the request, before the webhook changes it, so they
//! describe the file that was applied. The webhook adapts them to the stored object. A server-side apply
//! removes only what no other manager owns; [`settle`] completes such a removal. Pure functions. Managed fields
//! are untrusted; those with an unexpected structure are left unchanged.

mod report;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Value, json};

use self::report::{Fate, Owner, Owners};
use self::tree::{EntryNames, Notation, Path};
use crate::walk::EntryKey;

/// Fields of a set of credentials that restrict access. They are removed only with their set, because access
/// would be wider without them.
const RESTRICTIONS: [&str; 3] = ["scope", "project", "user"];

/// A version of a record.
#[derive(Clone, Copy)]
pub struct Version<'r> {
    /// The spec.
    pub spec: &'r Value,
    /// The managed fields.
    pub managed_fields: &'r [ManagedFieldsEntry],
}

/// What a request changes for all field managers.
#[derive(Debug, Default)]
pub struct Settled {
    /// The spec and the managed fields to store; `None` if they equal those of the request.
    pub changed: Option<(Value, Vec<ManagedFieldsEntry>)>,
    /// Warnings for the requester.
    pub warnings: Vec<String>,
}

/// Completes a server-side apply: parts that its manager applied before and no longer applies are removed even
/// if other managers own them, and a source of a value replaces another one. `is_sealing` specifies whether a
/// `value` is stored as a sealed value. Other requests change nothing.
///
/// # Errors
/// Returns why the request is denied: it would replace a reference to a Secret that another manager applies.
pub fn settle(
    manager: &str,
    old: Version<'_>,
    new: Version<'_>,
    is_sealing: bool,
) -> Result<Settled, String> {
    let before = applied_paths(old.managed_fields, manager);
    let after = applied_paths(new.managed_fields, manager);
    let lost: BTreeSet<&Path> = before.difference(&after).collect();
    let sources: Vec<&Path> = after
        .iter()
        .filter(|path| path.source().is_some())
        .collect();
    let others = sources.iter().flat_map(|source| source.alternatives());
    let applied = lost.iter().chain(&sources).map(|path| (*path).clone());
    let wanted: BTreeSet<Path> = applied.chain(others).collect();
    if wanted.is_empty() {
        return Ok(Settled::default());
    }
    let parts = Parts {
        found: tree::values(new.spec, &wanted),
        stored: tree::values(old.spec, &wanted),
        after: &after,
    };
    let mut fates: BTreeMap<Path, Fate> = BTreeMap::new();
    fates.extend(lost.iter().filter_map(|path| parts.lost(path)));
    let replaced = sources
        .iter()
        .flat_map(|path| parts.replaced(path, is_sealing));
    fates.extend(replaced);
    if fates.is_empty() {
        return Ok(Settled::default());
    }

    let (mut spec, mut managed_fields) = (new.spec.clone(), new.managed_fields.to_vec());
    let mut owners: BTreeMap<Path, Owners> = BTreeMap::new();
    for (owner, fields) in trees(&mut managed_fields) {
        if owner.applies && owner.manager == manager {
            continue;
        }
        tree::retain(fields, Notation::ManagedFields, &mut |path, _| {
            let fate = fates.get(path).copied();
            if fate.is_some() {
                owners.entry(path.clone()).or_default().add(&owner);
            }
            !fate.is_some_and(Fate::is_removal)
        });
    }
    // Only what another manager owns remains after its removal. Anything else is not the result of an apply.
    fates.retain(|path, fate| *fate != Fate::Remove || owners.contains_key(path));
    let mut warnings = Vec::new();
    for (path, fate) in &fates {
        let owners = owners.remove(path).unwrap_or_default();
        if let Fate::Replace { is_literal: true } = fate
            && path.source() == Some("secretKeyRef")
            && owners.apply()
            && !before.contains(path)
        {
            return Err(report::refusal(path, &owners));
        }
        warnings.extend(report::warning(path, *fate, &owners));
    }
    let is_removal = fates.values().any(|fate| fate.is_removal());
    if is_removal {
        tree::retain(&mut spec, Notation::Spec, &mut |path, _| {
            !fates.get(path).is_some_and(|fate| fate.is_removal())
        });
    }
    Ok(Settled {
        changed: is_removal.then_some((spec, managed_fields)),
        warnings: report::limited(warnings),
    })
}

/// Parts that the manager of a request no longer applies, and the sources of values that it applies.
struct Parts<'r> {
    /// Their values in the request.
    found: BTreeMap<Path, Value>,
    /// Their stored values.
    stored: BTreeMap<Path, Value>,
    /// What the manager applies.
    after: &'r BTreeSet<Path>,
}

impl Parts<'_> {
    /// Returns the fate of a part that the manager no longer applies. If the request changes the part, it is
    /// not the result of an apply.
    fn lost(&self, path: &Path) -> Option<(Path, Fate)> {
        let (found, stored) = (self.found.get(path)?, self.stored.get(path)?);
        if found.is_null() {
            return (!stored.is_null()).then(|| (path.clone(), Fate::Clear));
        }
        let fate = match (self.after.contains(&path.container()), path.set_field()) {
            // The manager hands the service over. Access to the set must not be wider afterwards.
            (false, _) if path.is_set() => {
                let is_wider = is_part(found, stored)
                    && RESTRICTIONS
                        .iter()
                        .any(|field| found.get(field).is_none() && stored.get(field).is_some());
                if is_wider { Fate::Remove } else { Fate::Keep }
            }
            (true, _) if path.is_set() || path.is_entry() => {
                is_part(found, stored).then_some(Fate::Remove)?
            }
            (true, Some("default" | "secretRef")) => (found == stored).then_some(Fate::Remove)?,
            (true, Some(field)) if RESTRICTIONS.contains(&field) => Fate::Keep,
            _ => return None,
        };
        Some((path.clone(), fate))
    }

    /// Returns the stored sources of a value that another source replaces.
    fn replaced(&self, source: &Path, is_sealing: bool) -> Vec<(Path, Fate)> {
        let name = source.source();
        if !self.found.contains_key(source) || self.stored.contains_key(source) {
            return Vec::new();
        }
        let is_replaced = |other: &Path| {
            let is_resealed =
                is_sealing && name == Some("value") && other.source() == Some("sealed");
            let found = self.found.get(other);
            found.is_some()
                && found == self.stored.get(other)
                && !self.after.contains(other)
                && !is_resealed
        };
        let is_literal = matches!(name, Some("value" | "sealed"));
        let others = source.alternatives().filter(is_replaced);
        others
            .map(|other| (other, Fate::Replace { is_literal }))
            .collect()
    }
}

/// Returns whether a part equals the stored one, or is what remains of it after a removal.
fn is_part(found: &Value, stored: &Value) -> bool {
    match (found, stored) {
        (Value::Object(found), Value::Object(stored)) => found.iter().all(|(name, value)| {
            let stored = stored.get(name);
            stored.is_some_and(|stored| is_part(value, stored))
        }),
        (Value::Array(found), Value::Array(stored)) => found
            .iter()
            .all(|item| stored.iter().any(|stored| is_part(item, stored))),
        _ => found == stored,
    }
}

/// Makes the managers that own the `value` of these entries own `valueFrom.sealed`, as it is stored.
pub fn own_sealed<'k>(
    managed_fields: &mut [ManagedFieldsEntry],
    keys: impl IntoIterator<Item = &'k EntryKey>,
) {
    let keys: BTreeSet<EntryNames<'_>> = keys.into_iter().map(names).collect();
    if keys.is_empty() {
        return;
    }
    for (_, fields) in trees(managed_fields) {
        tree::retain(fields, Notation::ManagedFields, &mut |path, fields| {
            let is_sealed = path
                .entry_names()
                .is_some_and(|names| keys.contains(&names));
            if is_sealed
                && path.is_entry()
                && let Some(fields) = fields.as_object_mut()
                && fields.remove("f:value").is_some()
                && let Some(sources) = fields
                    .entry("f:valueFrom")
                    .or_insert_with(|| json!({}))
                    .as_object_mut()
            {
                sources.insert("f:sealed".to_owned(), json!({}));
            }
            true
        });
    }
}

/// Returns warnings about values of a request that replace those of other managers. `replaced` lists the
/// entries, with their fields.
#[must_use]
pub fn replaced_values(
    manager: Option<&str>,
    stored: &[ManagedFieldsEntry],
    replaced: &BTreeMap<EntryKey, String>,
) -> Vec<String> {
    if replaced.is_empty() {
        return Vec::new();
    }
    let fields: BTreeMap<EntryNames<'_>, &String> = replaced
        .iter()
        .map(|(key, field)| (names(key), field))
        .collect();
    let mut owners: BTreeMap<&String, Owners> = BTreeMap::new();
    for (owner, tree) in trees(&mut stored.to_vec()) {
        if !owner.applies || Some(owner.manager) == manager {
            continue;
        }
        for path in tree::paths(tree) {
            let names = path
                .entry_names()
                .filter(|_| path.source() == Some("sealed"));
            if let Some(field) = names.and_then(|names| fields.get(&names)) {
                owners.entry(field).or_default().add(&owner);
            }
        }
    }
    let warnings = owners
        .iter()
        .map(|(field, owners)| report::replaced_value(field, owners));
    report::limited(warnings.collect())
}

fn names(key: &EntryKey) -> EntryNames<'_> {
    [&key.service, &key.credentials, &key.entry]
}

/// Returns the paths that a manager applies.
fn applied_paths(managed_fields: &[ManagedFieldsEntry], manager: &str) -> BTreeSet<Path> {
    trees(&mut managed_fields.to_vec())
        .filter(|(owner, _)| owner.applies && owner.manager == manager)
        .flat_map(|(_, fields)| tree::paths(fields))
        .collect()
}

/// Returns the managed fields of the spec, except those of subresources.
fn trees(entries: &mut [ManagedFieldsEntry]) -> impl Iterator<Item = (Owner<'_>, &mut Value)> {
    entries.iter_mut().filter_map(|entry| {
        let owner = Owner {
            manager: entry.manager.as_deref().unwrap_or_default(),
            applies: entry.operation.as_deref() == Some("Apply"),
        };
        let is_spec = entry.subresource.as_deref().unwrap_or_default().is_empty();
        let fields = entry.fields_v1.as_mut().filter(|_| is_spec)?;
        Some((owner, fields.0.get_mut("f:spec")?))
    })
}
