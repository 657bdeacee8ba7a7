//! The answer: what was chosen, in which order it is fetched, and what was not taken and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pubgrub::VersionSet;

use super::question::{Question, fitting};
use super::shelf::{Ask, Name, Shelves};
use super::universe::{Origin, Wanted};
use super::wording;
use crate::manifest::Kind;

/// Steps that an optional package is worth.
const OPTIONAL_STEPS: u64 = 20_000;

/// Packages that go together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// What was chosen, each after what it needs, and after what it can use where that is no circle. In a
    /// circle of packages that need each other one has to be first.
    pub chosen: Vec<Chosen>,
    /// Optional packages that were left out.
    pub left_out: Vec<LeftOut>,
    /// What people may want to know, in sentences: newer versions that cannot be taken, and why.
    pub notes: Vec<String>,
}

impl Solution {
    /// What was chosen of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Chosen> {
        self.chosen.iter().find(|chosen| chosen.name == name)
    }
}

/// A package that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
    /// Its type.
    pub kind: Kind,
    /// Where it is.
    pub origin: Origin,
    /// The ranges in which people asked for it; empty for what only others need.
    pub wanted: BTreeSet<String>,
    /// Names of the packages that need it.
    pub requested_by: BTreeSet<String>,
}

/// An optional package that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// The range in which it was asked for.
    pub range: String,
    /// Name of the package that can use it.
    pub wanted_by: String,
    /// Why, as a sentence.
    pub why: String,
}

/// Writes an answer down. Optional packages are added to it as far as they change nothing in it.
pub(super) fn write<'u>(
    question: &Question<'_, 'u>,
    wanted: &'u [Wanted],
    answer: BTreeMap<Name, u32>,
) -> Solution {
    let shelves = question.shelves;
    let (answer, left_out) = with_optional(shelves, answer);
    let links = links(shelves, &answer);
    let mut chosen = Vec::new();
    let mut notes = Vec::new();
    for name in ordered(&links) {
        let Some(offer) = answer
            .get(&name)
            .and_then(|number| shelves.offer(name, *number))
        else {
            continue;
        };
        let mut asks = wording::root_asks(shelves, wanted, name);
        let wanted = asks.iter().map(|ask| ask.range.to_string()).collect();
        let parents = links
            .iter()
            .filter(|(_, children)| children.contains_key(&name));
        let mut requested_by = BTreeSet::new();
        for (parent, children) in parents {
            requested_by.insert(shelves.name(*parent).to_owned());
            asks.extend(children.get(&name).into_iter().flat_map(|link| &link.asks));
        }
        notes.extend(passed_over(question, name, answer[&name], &asks));
        chosen.push(Chosen {
            name: shelves.name(name).to_owned(),
            version: offer.candidate.version.clone(),
            kind: offer.candidate.kind.clone(),
            origin: offer.candidate.origin.clone(),
            wanted,
            requested_by,
        });
    }
    Solution {
        chosen,
        left_out,
        notes,
    }
}

/// Adds optional packages, one after the other, with all that they need.
fn with_optional(
    shelves: &Shelves<'_>,
    mut answer: BTreeMap<Name, u32>,
) -> (BTreeMap<Name, u32>, Vec<LeftOut>) {
    let mut left_out = BTreeSet::new();
    let mut open: VecDeque<Name> = answer.keys().copied().collect();
    while let Some(parent) = open.pop_front() {
        let Some(offer) = answer
            .get(&parent)
            .and_then(|number| shelves.offer(parent, *number))
        else {
            continue;
        };
        let mut optional: Vec<_> = offer
            .candidate
            .dependencies
            .iter()
            .filter(|one| one.optional)
            .collect();
        optional.sort_by_key(|one| (one.name.clone(), one.range.to_string()));
        for dependency in optional {
            let Some(child) = shelves.number(&dependency.name) else {
                continue;
            };
            if child == parent {
                continue;
            }
            let ask = Ask::by(offer.candidate, dependency);
            let set = fitting(shelves, child, &[ask], &shelves.universe.approved);
            let why = match answer.get(&child) {
                Some(number) if set.contains(number) => continue,
                Some(number) => {
                    let there = versions_of(shelves, child, *number);
                    format!("{} {there} is taken already", dependency.name)
                }
                None if set.is_empty() => {
                    format!(
                        "{} can use {}",
                        shelves.name(parent),
                        wording::need(shelves, child, &[ask])
                    )
                }
                None => {
                    let mut roots: Vec<_> = answer
                        .iter()
                        .map(|(name, number)| (*name, VersionSet::singleton(*number)))
                        .collect();
                    roots.push((child, set));
                    if let Ok(more) = Question::of(shelves, roots, OPTIONAL_STEPS).answer() {
                        open.extend(more.keys().filter(|name| !answer.contains_key(name)));
                        answer = more;
                        continue;
                    }
                    format!("{} does not go with what else is taken", dependency.name)
                }
            };
            left_out.insert(LeftOut {
                name: dependency.name.clone(),
                range: dependency.range.to_string(),
                wanted_by: shelves.name(parent).to_owned(),
                why,
            });
        }
    }
    (answer, left_out.into_iter().collect())
}

fn versions_of(shelves: &Shelves<'_>, name: Name, number: u32) -> String {
    wording::versions(shelves, name, std::iter::once(number), "and")
}

/// What a package asks of another that was chosen.
#[derive(Default)]
struct Link<'u> {
    asks: Vec<Ask<'u>>,
    /// Whether it cannot do without it.
    is_needed: bool,
}

/// What each package asks of others that were chosen.
type Links<'u> = BTreeMap<Name, BTreeMap<Name, Link<'u>>>;

fn links<'u>(shelves: &Shelves<'u>, answer: &BTreeMap<Name, u32>) -> Links<'u> {
    let mut links = Links::new();
    for (parent, number) in answer {
        let children = links.entry(*parent).or_default();
        let Some(offer) = shelves.offer(*parent, *number) else {
            continue;
        };
        for dependency in &offer.candidate.dependencies {
            let Some(child) = shelves.number(&dependency.name) else {
                continue;
            };
            let ask = Ask::by(offer.candidate, dependency);
            let fits = answer.get(&child).is_some_and(|number| {
                fitting(shelves, child, &[ask], &shelves.universe.approved).contains(number)
            });
            if fits && child != *parent {
                let link = children.entry(child).or_default();
                link.asks.push(ask);
                link.is_needed |= !dependency.optional;
            }
        }
    }
    links
}

/// The names, each after those that it asks for; without recursion, for chains can be long. In a circle that
/// has something optional, what is optional waits.
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
                    .filter(|(child, link)| link.is_needed || !leads_to(links, **child, name));
                open.extend(first.map(|(child, _)| (*child, false)));
            }
        }
    }
    ordered
}

/// Whether a package asks for another one, itself or through others.
fn leads_to(links: &Links<'_>, start: Name, target: Name) -> bool {
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

/// Newer versions that were asked for and cannot be taken. Where something is here already or locked, nothing
/// newer was looked for.
fn passed_over<'u>(
    question: &Question<'_, 'u>,
    name: Name,
    number: u32,
    asks: &[Ask<'u>],
) -> Vec<String> {
    let shelves = question.shelves;
    let Some(taken) = shelves.offer(name, number).map(|offer| offer.candidate) else {
        return Vec::new();
    };
    let locked = shelves.universe.preferred.get(shelves.name(name));
    if taken.origin.is_installed() || locked.is_some_and(|(version, _)| *version == taken.version) {
        return Vec::new();
    }
    let mut groups = wording::blocked(shelves, name, asks);
    let set = fitting(shelves, name, asks, &shelves.universe.approved);
    for newer in set.below(shelves.offers(name).len()) {
        let needs = question.needs(name, newer);
        if let Some((child, _)) = needs.iter().find(|(_, set)| set.is_empty()) {
            let asks = question.asks(name, newer, *child);
            groups.push((
                vec![newer],
                format!("it needs {}", wording::need(shelves, *child, &asks)),
            ));
        }
    }
    let is_newer = |number: &u32| {
        let offer = shelves.offer(name, *number);
        offer.is_some_and(|offer| offer.candidate.version > taken.version)
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
        let verb = if numbers.len() == 1 { "was" } else { "were" };
        let shown = wording::versions(shelves, name, numbers.into_iter(), "and");
        format!("{} {shown} {verb} passed over: {why}", shelves.name(name))
    });
    notes.collect()
}
