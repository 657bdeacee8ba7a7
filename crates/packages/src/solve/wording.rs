//! Versions and dependencies in words, measured by the versions that there are.

use std::collections::{BTreeMap, BTreeSet};

use pubgrub::VersionSet;

use super::proof::Fact;
use super::question::{Question, fitting};
use super::set::Set;
use super::shelf::{Ask, Name, ROOT, Shelves, Source};
use super::universe::{Origin, Wanted};

/// Groups of versions that a sentence names; of more, it names the first and the last.
const GROUPS: usize = 6;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} {word} {last}", all.join(", ")),
    }
}

/// Versions of candidates: those that follow each other as `1.0.0 to 1.4.0`. What comes before a release
/// and is not among them does not part them.
pub(super) fn versions(
    shelves: &Shelves<'_>,
    name: Name,
    numbers: impl Iterator<Item = u32>,
    word: &str,
) -> String {
    let offers = shelves.offers(name);
    let version = |number: u32| {
        offers
            .get(number as usize)
            .map(|offer| &offer.candidate.version)
    };
    let mentioned: BTreeSet<&semver::Version> = numbers.filter_map(version).collect();
    let all: BTreeSet<&semver::Version> = offers
        .iter()
        .map(|offer| &offer.candidate.version)
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
        let left_out = groups.len() - GROUPS;
        groups.splice(GROUPS - 1..groups.len() - 1, [format!("{left_out} more")]);
    }
    listed(&groups, word)
}

/// `minio 1.0.0 to 1.4.0`.
pub(super) fn named(shelves: &Shelves<'_>, name: Name, numbers: &Set, word: &str) -> String {
    let shown = versions(
        shelves,
        name,
        numbers.below(shelves.offers(name).len()),
        word,
    );
    let name = shelves.name(name);
    if shown.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {shown}")
    }
}

/// A fact in sentences: one for each way in which versions of the parent ask for the child.
pub(super) fn sentences<'u>(
    question: &Question<'_, 'u>,
    wanted: &'u [Wanted],
    fact: &Fact,
) -> Vec<String> {
    let shelves = question.shelves;
    if fact.parent == ROOT {
        return vec![format!(
            "you want {}",
            need(shelves, fact.child, &root_asks(shelves, wanted, fact.child))
        )];
    }
    let mut groups: Vec<(String, Vec<u32>)> = Vec::new();
    for number in fact.numbers.below(shelves.offers(fact.parent).len()) {
        let asks = question.asks(fact.parent, number, fact.child);
        let need = need(shelves, fact.child, &asks);
        match groups.iter_mut().find(|(known, _)| *known == need) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((need, vec![number])),
        }
    }
    let sentences = groups.into_iter().map(|(need, numbers)| {
        let shown = versions(shelves, fact.parent, numbers.into_iter(), "and");
        format!("{} {shown} needs {need}", shelves.name(fact.parent))
    });
    sentences.collect()
}

/// What people ask of a package.
pub(super) fn root_asks<'u>(
    shelves: &Shelves<'_>,
    wanted: &'u [Wanted],
    name: Name,
) -> Vec<Ask<'u>> {
    let name = shelves.name(name);
    let mut wanted: Vec<&Wanted> = wanted.iter().filter(|one| one.name == name).collect();
    wanted.sort_by_key(|one| (one.range.to_string(), one.repository.clone()));
    wanted.into_iter().map(Ask::of).collect()
}

/// What is asked of a package, what of it there is, and what is in the way: `s3 ^2, that is 2.0.0`.
pub(super) fn need<'u>(shelves: &Shelves<'u>, name: Name, asks: &[Ask<'u>]) -> String {
    let mut words = shelves.name(name).to_owned();
    let mut ranges: Vec<String> = asks.iter().map(|ask| format!("`{}`", ask.range)).collect();
    ranges.dedup();
    if asks.iter().any(|ask| !ask.range.is_any()) {
        words.push(' ');
        words.push_str(&listed(&ranges, "and"));
    }
    for ask in asks {
        if let Some(kind) = ask.kind {
            words.push_str(" of type ");
            words.push_str(kind.name());
        }
        match ask.source {
            Source::Named(id) => {
                words.push_str(" from repository ");
                words.push_str(id);
            }
            Source::System => words.push_str(" from the System Repository"),
            Source::Any | Source::Beside(_) => {}
        }
    }
    let count = shelves.offers(name).len();
    if count == 0 {
        return format!("{words}, and there is no package {}", shelves.name(name));
    }
    let set = fitting(shelves, name, asks, &shelves.universe.approved);
    let fits = versions(shelves, name, set.below(count), "or");
    let blocked: Vec<String> = blocked(shelves, name, asks)
        .into_iter()
        .map(|(numbers, why)| {
            let shown = versions(shelves, name, numbers.into_iter(), "and");
            format!("{} {shown} cannot be taken: {why}", shelves.name(name))
        })
        .collect();
    let is_said = asks
        .iter()
        .any(|ask| ask.range.to_string().trim_start_matches(['=', 'v', ' ']) == fits);
    if !set.is_empty() {
        if !is_said {
            words = format!("{words}, that is {fits}");
        }
    } else if blocked.is_empty() {
        let all = versions(shelves, name, (0..).take(count), "and");
        return format!("{words}, which no version fits: there is {all}");
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

/// Candidates whose version is asked for and that cannot be taken, with the reason. What is to be had
/// elsewhere in the same version is left out.
pub(super) fn blocked<'u>(
    shelves: &Shelves<'u>,
    name: Name,
    asks: &[Ask<'u>],
) -> Vec<(Vec<u32>, String)> {
    let approved = &shelves.universe.approved;
    let set = fitting(shelves, name, asks, approved);
    let offers = shelves.offers(name);
    let fits: BTreeSet<&semver::Version> = set
        .below(offers.len())
        .filter_map(|number| offers.get(number as usize))
        .map(|offer| &offer.candidate.version)
        .collect();
    let mut groups: Vec<(Vec<u32>, String)> = Vec::new();
    let mut elsewhere: BTreeMap<&semver::Version, (Vec<u32>, BTreeSet<String>, String)> =
        BTreeMap::new();
    for (number, offer) in (0_u32..).zip(offers) {
        let candidate = offer.candidate;
        let is_asked = asks
            .iter()
            .all(|ask| shelves.admitted(name, ask.range).contains(&number));
        if !is_asked || fits.contains(&candidate.version) {
            continue;
        }
        let other_kind = asks
            .iter()
            .find(|ask| ask.kind.is_some_and(|kind| *kind != candidate.kind));
        let refusing = asks
            .iter()
            .find(|ask| !shelves.permits(ask, name, candidate, approved));
        let why = match (&offer.refused, other_kind, refusing) {
            (Some(why), _, _) => why.clone(),
            (None, Some(_), _) => format!("it is of type {}", candidate.kind.name()),
            (None, None, Some(ask)) => {
                let entry = elsewhere.entry(&candidate.version).or_default();
                entry.0.push(number);
                entry.1.insert(match &candidate.origin {
                    Origin::Repository(id) => format!("in repository {id}"),
                    Origin::Installed(_) => "installed".to_owned(),
                });
                entry.2 = rule(ask);
                continue;
            }
            (None, None, None) => continue,
        };
        group(&mut groups, vec![number], why);
    }
    for (_, (numbers, places, rule)) in elsewhere {
        let places: Vec<String> = places.into_iter().collect();
        let why = format!("it is only {}{rule}", listed(&places, "and"));
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

/// Why a place will not do (seed 001, section 6.A).
fn rule(ask: &Ask<'_>) -> String {
    match ask.source {
        Source::Any | Source::Named(_) => String::new(),
        Source::System => ", and the System Repository alone will do".to_owned(),
        Source::Beside(Some(id)) => {
            format!(", from which nothing is fetched for a package of repository {id}")
        }
        Source::Beside(None) => {
            ", from which nothing is fetched for a package that is installed".to_owned()
        }
    }
}
