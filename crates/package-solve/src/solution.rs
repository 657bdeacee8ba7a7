//! The solution: selected packages in download order, and what was skipped and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use extension_registry_core::diagnostic::Note;
use pubgrub::VersionSet;

use super::query::{Query, fitting};
use super::universe::{Origin, RequestedPackage};
use super::version_map::{Constraint, Name, VersionMap, root_constraints};
use super::wording;
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_format::version;

/// Step limit for an optional package.
const OPTIONAL_STEPS: u64 = 20_000;

/// Packages that are compatible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// Selected packages, each after its dependencies, and after its optional dependencies unless these form a
    /// cycle. In a cycle of required dependencies the order is arbitrary but stable.
    pub chosen: Vec<Chosen>,
    /// Optional packages that were left out.
    pub skipped: Vec<SkippedPackage>,
    /// Notes for the user, in sentences: newer versions that cannot be used, and why.
    pub notes: Vec<String>,
    /// Choices between versions that differ only in build metadata.
    pub builds: Vec<Note>,
}

impl Solution {
    /// Returns the selected package of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Chosen> {
        self.chosen.iter().find(|chosen| chosen.name == name)
    }
}

/// A selected package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
    /// Its type.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
    /// The requested ranges; empty if it is only a dependency.
    pub wanted: BTreeSet<String>,
    /// Names of the dependent packages.
    pub requested_by: BTreeSet<String>,
}

/// An optional package that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedPackage {
    /// Name of the package.
    pub name: String,
    /// The required range.
    pub range: String,
    /// Name of the package that optionally depends on it.
    pub wanted_by: String,
    /// Reason, as a sentence.
    pub why: String,
}

/// Builds the solution. Optional packages are added if they do not change the rest of it.
pub(super) fn write<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    answer: BTreeMap<Name, u32>,
) -> Solution {
    let map = query.map;
    let (answer, skipped) = with_optional(map, answer);
    let links = links(map, &answer);
    let mut chosen = Vec::new();
    let mut notes = Vec::new();
    let mut builds = Vec::new();
    for name in ordered(&links) {
        let Some(entry) = answer
            .get(&name)
            .and_then(|number| map.entry(name, *number))
        else {
            continue;
        };
        let mut constraints = root_constraints(map, wanted, name);
        let wanted = constraints
            .iter()
            .map(|constraint| constraint.range.to_string())
            .collect();
        let parents = links
            .iter()
            .filter(|(_, children)| children.contains_key(&name));
        let mut requested_by = BTreeSet::new();
        for (parent, children) in parents {
            requested_by.insert(map.name(*parent).to_owned());
            constraints.extend(
                children
                    .get(&name)
                    .into_iter()
                    .flat_map(|link| &link.constraints),
            );
        }
        notes.extend(skipped_newer(query, name, answer[&name], &constraints));
        builds.extend(build_choice(
            map,
            name,
            &entry.candidate.version,
            &constraints,
        ));
        chosen.push(Chosen {
            name: map.name(name).to_owned(),
            version: entry.candidate.version.clone(),
            kind: entry.candidate.kind.clone(),
            origin: entry.candidate.origin.clone(),
            wanted,
            requested_by,
        });
    }
    Solution {
        chosen,
        skipped,
        notes,
        builds,
    }
}

/// Explains the choice between several builds of a version. A locked version is no choice.
fn build_choice<'u>(
    map: &VersionMap<'u>,
    name: Name,
    chosen: &semver::Version,
    constraints: &[Constraint<'u>],
) -> Option<Note> {
    let locked = map.universe.preferred.get(map.name(name));
    if locked.is_some_and(|(version, _)| version == chosen) {
        return None;
    }
    let set = fitting(map, name, constraints, &map.universe.approved);
    let numbers = set.below(map.entries(name).len());
    let versions = numbers.filter_map(|number| map.entry(name, number));
    let note = version::build_choice(chosen, versions.map(|entry| &entry.candidate.version));
    note.map(|note| note.under(map.name(name)))
}

/// Adds optional packages one by one, with their dependencies.
fn with_optional(
    map: &VersionMap<'_>,
    mut answer: BTreeMap<Name, u32>,
) -> (BTreeMap<Name, u32>, Vec<SkippedPackage>) {
    let mut skipped = BTreeSet::new();
    let mut open: VecDeque<Name> = answer.keys().copied().collect();
    while let Some(parent) = open.pop_front() {
        let Some(entry) = answer
            .get(&parent)
            .and_then(|number| map.entry(parent, *number))
        else {
            continue;
        };
        let mut optional: Vec<_> = entry
            .candidate
            .dependencies
            .iter()
            .filter(|one| one.optional)
            .collect();
        optional.sort_by_key(|one| (one.name.clone(), one.range.to_string()));
        for dependency in optional {
            let Some(child) = map.number(&dependency.name) else {
                continue;
            };
            if child == parent {
                continue;
            }
            let constraint = Constraint::by(entry.candidate, dependency);
            let set = fitting(map, child, &[constraint], &map.universe.approved);
            let why = match answer.get(&child) {
                Some(number) if set.contains(number) => continue,
                Some(number) => {
                    let there = versions_of(map, child, *number);
                    format!("{} {there} is already selected", dependency.name)
                }
                None if set.is_empty() => {
                    format!(
                        "{} optionally depends on {}",
                        map.name(parent),
                        wording::need(map, child, &[constraint])
                    )
                }
                None => {
                    let mut roots: Vec<_> = answer
                        .iter()
                        .map(|(name, number)| (*name, VersionSet::singleton(*number)))
                        .collect();
                    roots.push((child, set));
                    if let Ok(more) = Query::of(map, roots, OPTIONAL_STEPS).answer() {
                        open.extend(more.keys().filter(|name| !answer.contains_key(name)));
                        answer = more;
                        continue;
                    }
                    format!("{} conflicts with the selected packages", dependency.name)
                }
            };
            skipped.insert(SkippedPackage {
                name: dependency.name.clone(),
                range: dependency.range.to_string(),
                wanted_by: map.name(parent).to_owned(),
                why,
            });
        }
    }
    (answer, skipped.into_iter().collect())
}

fn versions_of(map: &VersionMap<'_>, name: Name, number: u32) -> String {
    wording::versions(map, name, std::iter::once(number), "and")
}

/// Requirements of one selected package on another.
#[derive(Default)]
struct Link<'u> {
    constraints: Vec<Constraint<'u>>,
    /// Whether one of them is not optional.
    is_needed: bool,
}

/// Requirements between selected packages.
type Links<'u> = BTreeMap<Name, BTreeMap<Name, Link<'u>>>;

fn links<'u>(map: &VersionMap<'u>, answer: &BTreeMap<Name, u32>) -> Links<'u> {
    let mut links = Links::new();
    for (parent, number) in answer {
        let children = links.entry(*parent).or_default();
        let Some(entry) = map.entry(*parent, *number) else {
            continue;
        };
        for dependency in &entry.candidate.dependencies {
            let Some(child) = map.number(&dependency.name) else {
                continue;
            };
            let constraint = Constraint::by(entry.candidate, dependency);
            let fits = answer.get(&child).is_some_and(|number| {
                fitting(map, child, &[constraint], &map.universe.approved).contains(number)
            });
            if fits && child != *parent {
                let link = children.entry(child).or_default();
                link.constraints.push(constraint);
                link.is_needed |= !dependency.optional;
            }
        }
    }
    links
}

/// Sorts names after their dependencies, iteratively since chains can be long. Optional dependencies in a cycle
/// come last.
fn ordered(links: &Links<'_>) -> Vec<Name> {
    let mut ordered = Vec::new();
    let mut seen = BTreeSet::new();
    for start in links.keys() {
        let mut open = vec![(*start, false)];
        while let Some((name, is_done)) = open.pop() {
            if is_done {
                ordered.push(name);
            } else if seen.insert(name) {
                open.push((name, true));
                let children = links.get(&name).into_iter().flatten().rev();
                let first = children
                    .filter(|(child, link)| link.is_needed || !depends_on(links, **child, name));
                open.extend(first.map(|(child, _)| (*child, false)));
            }
        }
    }
    ordered
}

/// Returns whether a package depends on another one, directly or transitively.
fn depends_on(links: &Links<'_>, start: Name, target: Name) -> bool {
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        if name == target {
            return true;
        }
        let children = links.get(&name).into_iter().flatten();
        open.extend(
            children
                .map(|(child, _)| *child)
                .filter(|child| seen.insert(*child)),
        );
    }
    false
}

/// Explains why newer requested versions were skipped. For installed or locked versions, no newer ones were
/// considered.
fn skipped_newer<'u>(
    query: &Query<'_, 'u>,
    name: Name,
    number: u32,
    constraints: &[Constraint<'u>],
) -> Vec<String> {
    let map = query.map;
    let Some(taken) = map.entry(name, number).map(|entry| entry.candidate) else {
        return Vec::new();
    };
    let locked = map.universe.preferred.get(map.name(name));
    if taken.origin.is_installed() || locked.is_some_and(|(version, _)| *version == taken.version) {
        return Vec::new();
    }
    let mut groups = wording::blocked(map, name, constraints);
    let set = fitting(map, name, constraints, &map.universe.approved);
    for newer in set.below(map.entries(name).len()) {
        let needs = query.needs(name, newer);
        if let Some((child, _)) = needs.iter().find(|(_, set)| set.is_empty()) {
            let constraints = query.constraints(name, newer, *child);
            groups.push((
                vec![newer],
                format!("depends on {}", wording::need(map, *child, &constraints)),
            ));
        }
    }
    let is_newer = |number: &u32| {
        let entry = map.entry(name, *number);
        entry.is_some_and(|entry| entry.candidate.version > taken.version)
    };
    let mut merged: Vec<(String, Vec<u32>)> = Vec::new();
    for (numbers, why) in groups {
        let newer = numbers.into_iter().filter(is_newer);
        match merged.iter_mut().find(|(known, _)| *known == why) {
            Some((_, numbers)) => numbers.extend(newer),
            None => merged.push((why, newer.collect())),
        }
    }
    merged.retain(|(_, numbers)| !numbers.is_empty());
    let notes = merged.into_iter().map(|(why, numbers)| {
        let shown = wording::versions(map, name, numbers.into_iter(), "and");
        format!("skipped {} {shown}: {why}", map.name(name))
    });
    notes.collect()
}
