//! Traversal of the credentials in a spec and in managed fields, which describe the same tree.
//!
//! Managed fields name a field `f:NAME` and an item of a list by its keys: `k:{"name":"NAME"}`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use extension_registry_api::limits;
use serde_json::Value;

/// Number of steps of the path of a service: `services` and the service.
const SERVICE: usize = 2;
/// Number of steps of the path of a set of credentials: `credentials` and the set.
const SET: usize = SERVICE + 2;
/// Number of steps of the path of an entry of a set: `configuration` and the entry.
const ENTRY: usize = SET + 2;

/// Sources of the value of an entry. The schema allows one.
const SOURCES: [&[&str]; 4] = [
    &["value"],
    &["valueFrom", "sealed"],
    &["valueFrom", "sealedRef"],
    &["valueFrom", "secretKeyRef"],
];

/// Known fields. Other fields are not visited.
const FIELDS: [&str; 13] = [
    "services",
    "credentials",
    "configuration",
    "default",
    "project",
    "scope",
    "secretRef",
    "user",
    "value",
    "valueFrom",
    "sealed",
    "sealedRef",
    "secretKeyRef",
];

/// A step of a path: a field, or an item of a list. Shares the name, because managed fields may contain many paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Field(&'static str),
    Item(Arc<str>),
}

impl Step {
    fn field(name: &str) -> Option<Self> {
        let known = FIELDS.iter().find(|field| **field == name)?;
        Some(Self::Field(known))
    }

    /// Returns an item, unless the schema allows no item with this name.
    fn item(name: &str) -> Option<Self> {
        (name.len() <= limits::KEY).then(|| Self::Item(name.into()))
    }
}

/// Path of a part of the credentials of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Step>);

/// Names of the items on the path of an entry: service, set of credentials and entry.
pub(super) type EntryNames<'p> = [&'p str; 3];

impl Path {
    /// Returns what contains the part: the service of a set, or the set of a field or an entry.
    pub(super) fn container(&self) -> Self {
        let length = if self.is_set() { SERVICE } else { SET };
        Self(self.0.iter().take(length).cloned().collect())
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.len() == SET
    }

    pub(super) fn is_entry(&self) -> bool {
        self.0.len() == ENTRY
    }

    /// Returns the name of a field of a set of credentials.
    pub(super) fn set_field(&self) -> Option<&str> {
        match &self.0[..] {
            [.., Step::Field(name)] if self.0.len() == SET + 1 => Some(name),
            _ => None,
        }
    }

    /// Returns the name of a source of the value of an entry.
    pub(super) fn source(&self) -> Option<&str> {
        let rest = self.0.get(ENTRY..)?;
        let source = SOURCES.iter().find(|names| matches(rest, names))?;
        source.last().copied()
    }

    /// Returns the other sources of the value of the same entry.
    pub(super) fn alternatives(&self) -> impl Iterator<Item = Self> {
        let entry = self.entry();
        SOURCES.iter().filter_map(move |names| {
            let mut path = entry.clone();
            let fields = names.iter().map(|name| Step::Field(name));
            path.0.extend(fields);
            (path != *self).then_some(path)
        })
    }

    /// Returns the path of the entry.
    pub(super) fn entry(&self) -> Self {
        Self(self.0.iter().take(ENTRY).cloned().collect())
    }

    /// Returns the names on the path of an entry or of a part of it.
    pub(super) fn entry_names(&self) -> Option<EntryNames<'_>> {
        let mut names = self.0.iter().filter_map(|step| match step {
            Step::Item(name) => Some(&**name),
            Step::Field(_) => None,
        });
        Some([names.next()?, names.next()?, names.next()?])
    }

    /// Returns whether the part is known at this path.
    fn is_known(&self) -> bool {
        let Some((last, parents)) = self.0.split_last() else {
            return false;
        };
        match (parents.len(), last) {
            (0, Step::Field(name)) => *name == "services",
            (SERVICE, Step::Field(name)) => *name == "credentials",
            (SET, Step::Field(name)) => [
                "configuration",
                "default",
                "project",
                "scope",
                "secretRef",
                "user",
            ]
            .contains(name),
            (1 | 3, Step::Item(_)) => true,
            // Only the configuration of a set has items.
            (5, Step::Item(_)) => {
                matches!(parents.last(), Some(Step::Field(name)) if *name == "configuration")
            }
            (ENTRY.., Step::Field(_)) => {
                let rest = &self.0[ENTRY..];
                SOURCES.iter().any(|names| {
                    names
                        .get(..rest.len())
                        .is_some_and(|names| matches(rest, names))
                })
            }
            _ => false,
        }
    }
}

fn matches(steps: &[Step], names: &[&str]) -> bool {
    steps.len() == names.len()
        && steps
            .iter()
            .zip(names)
            .all(|(step, name)| matches!(step, Step::Field(field) if field == name))
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("spec")?;
        for step in &self.0 {
            match step {
                Step::Field(name) => write!(formatter, ".{name}")?,
                Step::Item(name) => write!(formatter, "[{}]", shown(name))?,
            }
        }
        Ok(())
    }
}

/// Returns the name of an item for messages. An invalid name may be a misplaced password.
fn shown(name: &str) -> &str {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    let is_valid = (1..=limits::KEY).contains(&name.len());
    if is_valid && name.bytes().all(allowed) {
        name
    } else {
        "…"
    }
}

/// How a tree names its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// A spec.
    Spec,
    /// Managed fields in the format `FieldsV1`.
    ManagedFields,
}

impl Notation {
    fn step(self, key: &str) -> Option<Step> {
        if self == Self::Spec {
            return Step::field(key);
        }
        if let Some(name) = key.strip_prefix("f:") {
            return Step::field(name);
        }
        let keys: BTreeMap<String, String> = serde_json::from_str(key.strip_prefix("k:")?).ok()?;
        match (keys.len(), keys.get("name")) {
            (1, Some(name)) => Step::item(name),
            _ => None,
        }
    }
}

/// Removes the parts for which `keep` returns `false`, and objects that are empty afterwards. Unknown parts are
/// kept. `keep` may change a part.
pub(super) fn retain(
    tree: &mut Value,
    notation: Notation,
    keep: &mut dyn FnMut(&Path, &mut Value) -> bool,
) {
    visit(tree, notation, &mut Path(Vec::new()), keep);
}

fn visit(
    tree: &mut Value,
    notation: Notation,
    path: &mut Path,
    keep: &mut dyn FnMut(&Path, &mut Value) -> bool,
) {
    let mut visit_child = |step: Option<Step>, child: &mut Value| {
        let Some(step) = step else {
            return true;
        };
        path.0.push(step);
        let is_kept = !path.is_known() || {
            let was_empty = is_empty_object(child);
            keep(path, child) && {
                visit(child, notation, path, keep);
                was_empty || !is_empty_object(child)
            }
        };
        path.0.pop();
        is_kept
    };
    match tree {
        Value::Object(fields) => {
            fields.retain(|key, child| visit_child(notation.step(key), child));
        }
        Value::Array(items) if notation == Notation::Spec => items.retain_mut(|item| {
            let name = item.get("name").and_then(Value::as_str);
            let step = name.and_then(Step::item);
            visit_child(step, item)
        }),
        _ => {}
    }
}

fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Returns the paths of managed fields.
pub(super) fn paths(fields: &Value) -> BTreeSet<Path> {
    let mut paths = BTreeSet::new();
    retain(
        &mut fields.clone(),
        Notation::ManagedFields,
        &mut |path, _| paths.insert(path.clone()),
    );
    paths
}

/// Returns the values at these paths of a spec.
pub(super) fn values(spec: &Value, wanted: &BTreeSet<Path>) -> BTreeMap<Path, Value> {
    let mut values = BTreeMap::new();
    retain(&mut spec.clone(), Notation::Spec, &mut |path, value| {
        if wanted.contains(path) {
            values.insert(path.clone(), value.clone());
        }
        true
    });
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{limits, paths};

    #[test]
    fn ignores_names_longer_than_the_schema_allows() {
        let count = |length: usize| {
            let key = format!("k:{}", json!({"name": "n".repeat(length)}));
            let fields = json!({"f:services": {key: {"f:credentials": {}, "f:other": {}}}});
            paths(&fields).len()
        };
        assert_eq!(count(limits::KEY), 3);
        assert_eq!(count(limits::KEY + 1), 1);
    }
}
