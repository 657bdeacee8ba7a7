//! Formats versions and requirements in relation to the available versions.

use std::collections::{BTreeMap, BTreeSet};

use pubgrub::VersionSet;

use super::proof::Fact;
use super::query::{Query, fitting};
use super::set::Set;
use super::universe::{Origin, RequestedPackage};
use super::version_map::{Constraint, Name, ROOT, Source, VersionMap, root_constraints};

/// Maximum number of groups of versions in a sentence; of more, the first ones and the last are shown.
const GROUPS: usize = 6;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} {word} {last}", all.join(", ")),
    }
}

/// Formats versions of candidates, consecutive ones as `1.0.0 to 1.4.0`. A pre-release between them does not
/// split a group.
pub(super) fn versions(
    map: &VersionMap<'_>,
    name: Name,
    numbers: impl Iterator<Item = u32>,
    word: &str,
) -> String {
    let entries = map.entries(name);
    let version = |number: u32| {
        entries
            .get(number as usize)
            .map(|entry| &entry.candidate.version)
    };
    let mentioned: BTreeSet<&semver::Version> = numbers.filter_map(version).collect();
    let all: BTreeSet<&semver::Version> = entries
        .iter()
        .map(|entry| &entry.candidate.version)
        .collect();
    let mut runs: Vec<Vec<&semver::Version>> = Vec::new();
    let mut is_open = false;
    for version in all {
        if mentioned.contains(version) {
            match runs.last_mut() {
                Some(run) if is_open => run.push(version),
                _ => runs.push(vec![version]),
            }
            is_open = true;
        } else if version.pre.is_empty() {
            is_open = false;
        }
    }
    let groups = runs.iter().flat_map(|run| match run.as_slice() {
        [first, _, .., last] => vec![format!("{first} to {last}")],
        few => few.iter().map(ToString::to_string).collect(),
    });
    let mut groups: Vec<String> = groups.collect();
    if groups.len() > GROUPS {
        let skipped = groups.len() - GROUPS;
        groups.splice(GROUPS - 1..groups.len() - 1, [format!("{skipped} more")]);
    }
    listed(&groups, word)
}

/// `minio 1.0.0 to 1.4.0`.
pub(super) fn named(map: &VersionMap<'_>, name: Name, numbers: &Set, word: &str) -> String {
    let shown = versions(map, name, numbers.below(map.entries(name).len()), word);
    let name = map.name(name);
    if shown.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {shown}")
    }
}

/// Formats a fact as sentences: one for each distinct requirement of the parent on the child.
pub(super) fn sentences<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    fact: &Fact,
) -> Vec<String> {
    let map = query.map;
    if fact.parent == ROOT {
        return vec![format!(
            "you requested {}",
            need(map, fact.child, &root_constraints(map, wanted, fact.child))
        )];
    }
    let mut groups: Vec<(String, Vec<u32>)> = Vec::new();
    for number in fact.numbers.below(map.entries(fact.parent).len()) {
        let constraints = query.constraints(fact.parent, number, fact.child);
        let need = need(map, fact.child, &constraints);
        match groups.iter_mut().find(|(known, _)| *known == need) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((need, vec![number])),
        }
    }
    let sentences = groups.into_iter().map(|(need, numbers)| {
        let shown = versions(map, fact.parent, numbers.into_iter(), "and");
        format!("{} {shown} depends on {need}", map.name(fact.parent))
    });
    sentences.collect()
}

/// Formats a requirement, the matching versions, and the obstacles: `s3 ^2 (matches 2.0.0)`.
pub(super) fn need<'u>(map: &VersionMap<'u>, name: Name, constraints: &[Constraint<'u>]) -> String {
    let mut words = map.name(name).to_owned();
    let mut ranges: Vec<String> = constraints
        .iter()
        .map(|constraint| format!("`{}`", constraint.range))
        .collect();
    ranges.dedup();
    if constraints
        .iter()
        .any(|constraint| !constraint.range.is_any())
    {
        words.push(' ');
        words.push_str(&listed(&ranges, "and"));
    }
    for constraint in constraints {
        if let Some(kind) = constraint.kind {
            words.push_str(" of type ");
            words.push_str(kind.name());
        }
        match constraint.source {
            Source::Named(id) => {
                words.push_str(" from repository ");
                words.push_str(id);
            }
            Source::System => words.push_str(" from the System Repository"),
            Source::Any | Source::SameOrSystem(_) => {}
        }
    }
    let count = map.entries(name).len();
    if count == 0 {
        return format!("{words}, but package {} was not found", map.name(name));
    }
    let set = fitting(map, name, constraints, &map.universe.approved);
    let fits = versions(map, name, set.below(count), "or");
    let blocked: Vec<String> = blocked(map, name, constraints)
        .into_iter()
        .map(|(numbers, why)| {
            let shown = versions(map, name, numbers.into_iter(), "and");
            format!("{} {shown} cannot be used: {why}", map.name(name))
        })
        .collect();
    let is_exact = constraints.iter().any(|constraint| {
        constraint
            .range
            .to_string()
            .trim_start_matches(['=', 'v', ' '])
            == fits
    });
    if !set.is_empty() {
        if !is_exact {
            words = format!("{words} (matches {fits})");
        }
    } else if blocked.is_empty() {
        let all = versions(map, name, (0..).take(count), "and");
        return format!("{words}, but no version matches; available: {all}");
    }
    for (index, one) in blocked.iter().enumerate() {
        let link = if index == 0 && set.is_empty() {
            ", but "
        } else {
            "; "
        };
        words = format!("{words}{link}{one}");
    }
    words
}

/// Returns matching candidates that cannot be used, with the reason. Versions that another candidate provides
/// are left out.
pub(super) fn blocked<'u>(
    map: &VersionMap<'u>,
    name: Name,
    constraints: &[Constraint<'u>],
) -> Vec<(Vec<u32>, String)> {
    let approved = &map.universe.approved;
    let set = fitting(map, name, constraints, approved);
    let entries = map.entries(name);
    let fits: BTreeSet<&semver::Version> = set
        .below(entries.len())
        .filter_map(|number| entries.get(number as usize))
        .map(|entry| &entry.candidate.version)
        .collect();
    let mut groups: Vec<(Vec<u32>, String)> = Vec::new();
    let mut elsewhere: BTreeMap<&semver::Version, (Vec<u32>, BTreeSet<String>, String)> =
        BTreeMap::new();
    for (number, entry) in (0_u32..).zip(entries) {
        let candidate = entry.candidate;
        let is_asked = constraints
            .iter()
            .all(|constraint| map.admitted(name, constraint.range).contains(&number));
        if !is_asked || fits.contains(&candidate.version) {
            continue;
        }
        let other_kind = constraints
            .iter()
            .find(|constraint| constraint.kind.is_some_and(|kind| *kind != candidate.kind));
        let refusing = constraints
            .iter()
            .find(|constraint| !map.permits(constraint, name, candidate, approved));
        let why = match (&entry.rejection, other_kind, refusing) {
            (Some(why), _, _) => why.clone(),
            (None, Some(_), _) => format!("the type is {}", candidate.kind.name()),
            (None, None, Some(constraint)) => {
                let entry = elsewhere.entry(&candidate.version).or_default();
                entry.0.push(number);
                entry.1.insert(match &candidate.origin {
                    Origin::Repository(id) => format!("in repository {id}"),
                    Origin::Installed(_) => "as an installed package".to_owned(),
                });
                entry.2 = rule(constraint);
                continue;
            }
            (None, None, None) => continue,
        };
        group(&mut groups, vec![number], why);
    }
    for (_, (numbers, places, rule)) in elsewhere {
        let places: Vec<String> = places.into_iter().collect();
        let why = format!("only available {}{rule}", listed(&places, "and"));
        group(&mut groups, numbers, why);
    }
    groups
}

fn group(groups: &mut Vec<(Vec<u32>, String)>, numbers: Vec<u32>, why: String) {
    match groups.iter_mut().find(|(_, known)| *known == why) {
        Some((known, _)) => known.extend(numbers),
        None => groups.push((numbers, why)),
    }
}

/// Explains why a repository may not provide a dependency.
fn rule(constraint: &Constraint<'_>) -> String {
    match constraint.source {
        Source::Any | Source::Named(_) => String::new(),
        Source::System => ", but must come from the System Repository".to_owned(),
        Source::SameOrSystem(Some(id)) => {
            format!(", which is not approved for dependencies of packages from repository {id}")
        }
        Source::SameOrSystem(None) => {
            ", which is not approved for dependencies of installed packages".to_owned()
        }
    }
}
