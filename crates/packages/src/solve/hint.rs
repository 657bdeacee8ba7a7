//! What would help: found by asking again under other rules.

use std::collections::BTreeSet;

use extension_registry_core::suggest;

use super::proof::{Fact, Proof};
use super::question::{Failure, Question, fitting};
use super::shelf::{Ask, Name, ROOT, Shelves, Source};
use super::universe::{Origin, Wanted};
use super::wording;
use crate::version;

/// Steps that all attempts of one kind are worth.
const STEPS: u64 = 4_000;

/// Attempts of each kind.
const ATTEMPTS: usize = 8;

/// All hints for a proof, the surest first.
pub(super) fn all<'u>(
    question: &Question<'_, 'u>,
    wanted: &'u [Wanted],
    proof: &Proof,
) -> Vec<String> {
    let shelves = question.shelves;
    let mut hints = Vec::new();
    for fact in &proof.facts {
        hints.extend(of_fact(question, wanted, fact));
    }
    hints.extend(approval(question, wanted, proof));
    hints.extend(wider(shelves, wanted, proof));
    if hints.is_empty() {
        hints.extend(relaxed(question, wanted, proof));
    }
    let mut seen = BTreeSet::new();
    hints.retain(|hint| seen.insert(hint.clone()));
    hints
}

/// What each version of the parent asks of the child; of people, what they want.
fn asked<'u>(question: &Question<'_, 'u>, wanted: &'u [Wanted], fact: &Fact) -> Vec<Vec<Ask<'u>>> {
    if fact.parent == ROOT {
        return vec![wording::root_asks(question.shelves, wanted, fact.child)];
    }
    let count = question.shelves.offers(fact.parent).len();
    let numbers = fact.numbers.below(count);
    numbers
        .map(|number| question.asks(fact.parent, number, fact.child))
        .collect()
}

/// Names that are near, and versions that come before their release.
fn of_fact<'u>(question: &Question<'_, 'u>, wanted: &'u [Wanted], fact: &Fact) -> Option<String> {
    let shelves = question.shelves;
    let name = shelves.name(fact.child);
    if shelves.offers(fact.child).is_empty() {
        let near = suggest::closest(name, shelves.known())?;
        return Some(format!("did you mean `{near}` where `{name}` stands?"));
    }
    if !fact.fitting.is_empty() {
        return None;
    }
    asked(question, wanted, fact).iter().find_map(|asks| {
        let [ask] = asks.as_slice() else {
            return None;
        };
        let versions = shelves.offers(fact.child).iter();
        let versions = versions.filter(|offer| offer.refused.is_none());
        let early = version::newest(ask.range, versions.map(|offer| &offer.candidate.version)).err()?.early?;
        Some(if fact.parent == ROOT {
            format!("{name} {early} is there, and comes before its release: ask for `={early}`")
        } else {
            format!(
                "{name} {early} is there, and comes before its release: only a range that names it, like `={early}`, has {} take it",
                shelves.name(fact.parent)
            )
        })
    })
}

/// The command by which a person lets dependencies come from another repository (seed 001, section 6.A).
fn approval<'u>(
    question: &Question<'_, 'u>,
    wanted: &'u [Wanted],
    proof: &Proof,
) -> Option<String> {
    let shelves = question.shelves;
    let mut approved = BTreeSet::new();
    let mut told: Vec<(String, String)> = Vec::new();
    let mut first = None;
    let mut facts = proof.facts.clone();
    let mut left = STEPS;
    // What one approval brings may need another.
    for _ in 0..ATTEMPTS {
        let known = approved.len();
        let open = facts.iter();
        for fact in open.filter(|fact| fact.parent != ROOT && fact.fitting.is_empty()) {
            let asks = asked(question, wanted, fact);
            let Some(id) = asks
                .iter()
                .find_map(|asks| elsewhere(shelves, fact.child, asks))
            else {
                continue;
            };
            let (parent, child) = (shelves.name(fact.parent), shelves.name(fact.child));
            first.get_or_insert(fact.parent);
            if approved.insert((child.to_owned(), id.to_owned())) {
                told.push((
                    format!("{child} of repository {id} for {parent}"),
                    format!(" --approve {child}@{id}"),
                ));
            }
        }
        if approved.len() == known {
            break;
        }
        let bent = Question::new(shelves, wanted, left).approving(&approved);
        let answer = bent.answer();
        left = bent.left();
        match answer {
            Err(Failure::Proved(tree)) => facts = Proof::of(&tree).facts,
            _ => break,
        }
    }
    let root = root_of(shelves, wanted, first?)?;
    let (what, flags): (Vec<String>, Vec<String>) = told.into_iter().unzip();
    Some(format!(
        "if you trust it there, approve {}: `kubectl ext package pull {root}{}`",
        wording::listed(&what, "and"),
        flags.concat()
    ))
}

/// The repository where a dependency would be, if it could come from there.
fn elsewhere<'u>(shelves: &Shelves<'u>, name: Name, asks: &[Ask<'u>]) -> Option<&'u str> {
    if !asks
        .iter()
        .all(|ask| matches!(ask.source, Source::Beside(_)))
    {
        return None;
    }
    let anywhere: Vec<Ask<'u>> = asks
        .iter()
        .map(|ask| Ask {
            source: Source::Any,
            ..*ask
        })
        .collect();
    let set = fitting(shelves, name, &anywhere, &BTreeSet::new());
    let number = shelves.first(name, |number| pubgrub::VersionSet::contains(&set, &number))?;
    match &shelves.offer(name, number)?.candidate.origin {
        Origin::Repository(id) => Some(id),
        Origin::Installed(_) => None,
    }
}

/// The first name that is wanted and leads to a package.
fn root_of<'u>(shelves: &Shelves<'u>, wanted: &'u [Wanted], name: Name) -> Option<&'u str> {
    let target = shelves.name(name);
    let mut names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.into_iter().find(|start| {
        let mut seen = BTreeSet::from([*start]);
        let mut next = vec![*start];
        while let Some(name) = next.pop() {
            if name == target {
                return true;
            }
            let candidates = shelves.universe.candidates.get(name).into_iter().flatten();
            let dependencies = candidates.flat_map(|one| &one.dependencies);
            next.extend(
                dependencies
                    .map(|one| one.name.as_str())
                    .filter(|name| seen.insert(*name)),
            );
        }
        false
    })
}

/// Names that people want with a narrower range than would do.
fn wider<'u>(shelves: &Shelves<'u>, wanted: &'u [Wanted], proof: &Proof) -> Vec<String> {
    let roots = proof.facts.iter().filter(|fact| fact.parent == ROOT);
    let names: BTreeSet<Name> = roots.map(|fact| fact.child).collect();
    let mut left = STEPS;
    let hints = names.into_iter().take(ATTEMPTS).filter_map(|name| {
        let bent = Question::new(shelves, wanted, left).widening(name, wanted)?;
        let answer = bent.answer();
        left = bent.left();
        let answer = answer.ok()?;
        let candidate = shelves.offer(name, *answer.get(&name)?)?.candidate;
        let (text, version) = (shelves.name(name), &candidate.version);
        let which = if candidate.origin.is_installed() {
            "is installed and suits"
        } else {
            "is the newest that suits"
        };
        Some(format!("{text} {version} {which}: ask for `={version}`"))
    });
    hints.collect()
}

/// Dependencies of packages whose range is narrower than would do: nobody but their authors can widen them.
fn relaxed<'u>(question: &Question<'_, 'u>, wanted: &'u [Wanted], proof: &Proof) -> Option<String> {
    let shelves = question.shelves;
    let facts = proof.facts.iter().filter(|fact| fact.parent != ROOT);
    let mut tried = BTreeSet::new();
    let mut left = STEPS;
    for fact in facts {
        if tried.len() == ATTEMPTS {
            break;
        }
        if !tried.insert((fact.parent, fact.child)) {
            continue;
        }
        let bent = Question::new(shelves, wanted, left).relaxing(fact.parent, fact.child);
        let answer = bent.answer();
        left = bent.left();
        let Ok(answer) = answer else {
            continue;
        };
        let (Some(parent), Some(child)) = (answer.get(&fact.parent), answer.get(&fact.child))
        else {
            continue;
        };
        let [parent, child] =
            [(fact.parent, *parent), (fact.child, *child)].map(|(name, number)| {
                let shown = wording::versions(shelves, name, std::iter::once(number), "and");
                format!("{} {shown}", shelves.name(name))
            });
        return Some(format!(
            "it would do if {parent} took {child}: ask its author for a wider range"
        ));
    }
    None
}
