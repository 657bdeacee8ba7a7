//! Explains why there is no solution.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use extension_registry_core::diagnostic::{Explain, explained};

use super::hint;
use super::proof::{Conclusion, Fact, Proof, Tree};
use super::query::Query;
use super::set::Set;
use super::universe::RequestedPackage;
use super::version_map::{Name, ROOT, VersionMap};
use super::wording::{listed, named, sentences};

/// A conflict with more facts than this is explained step by step.
const AT_A_GLANCE: usize = 6;

/// Number of last steps that are shown: a proof can have a hundred thousand.
const SHOWN: usize = 20;

/// Why the requested packages cannot be resolved.
///
/// Its text names every package, its versions, the ranges as written, the packages that require them, and
/// hints. It is deterministic and does not depend on the order of the candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsolvable {
    /// The facts that contradict each other, each a sentence.
    pub facts: Vec<String>,
    /// The last steps of the derivation, if there are too many facts to see it at once.
    pub steps: Vec<Deduction>,
    /// Ways out, the most certain first.
    pub hints: Vec<String>,
}

/// A step of an explanation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deduction {
    /// Number of the step, from 1.
    pub number: usize,
    /// Numbers of the steps that it builds on, from 1.
    pub from: Vec<usize>,
    /// The facts that it adds.
    pub facts: Vec<String>,
    /// The conclusion.
    pub conclusion: String,
}

impl Unsolvable {
    pub(super) fn proved<'u>(
        query: &Query<'_, 'u>,
        wanted: &'u [RequestedPackage],
        tree: &Tree,
    ) -> Self {
        let proof = Proof::of(tree);
        let facts = format_facts(query, wanted, &proof.facts);
        let mut steps = Vec::new();
        if facts.len() > AT_A_GLANCE {
            let skipped = proof.steps.len().saturating_sub(SHOWN);
            let numbered = (1..).zip(&proof.steps).skip(skipped);
            steps.extend(numbered.map(|(number, step)| Deduction {
                number,
                from: step.from.iter().map(|number| number + 1).collect(),
                facts: format_facts(query, wanted, &step.facts),
                conclusion: format_conclusion(query.map, &step.conclusion),
            }));
        }
        Self {
            facts,
            steps,
            hints: hint::all(query, wanted, &proof),
        }
    }

    /// Returns the fact of an explanation that fits on one line.
    fn single_fact(&self) -> Option<&str> {
        match (self.facts.as_slice(), self.hints.as_slice()) {
            ([fact], [] | [_]) => Some(fact),
            _ => None,
        }
    }

    pub(super) fn step_limit() -> Self {
        Self {
            facts: vec!["no solution was found within the step limit".to_owned()],
            steps: Vec::new(),
            hints: vec!["request exact versions, such as `=1.2.0`".to_owned()],
        }
    }
}

/// Formats facts in dependency order: requests first, then their dependencies.
fn format_facts<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    facts: &[Fact],
) -> Vec<String> {
    let mut ordered: Vec<&Fact> = Vec::new();
    let mut of_parents = BTreeMap::<Name, Vec<&Fact>>::new();
    for fact in facts {
        of_parents.entry(fact.parent).or_default().push(fact);
    }
    let mut open = vec![ROOT];
    let mut seen = BTreeSet::new();
    // A step may start from packages that are not requested.
    open.splice(
        0..0,
        of_parents
            .keys()
            .rev()
            .copied()
            .filter(|name| *name != ROOT),
    );
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        let mut own = of_parents.remove(&name).unwrap_or_default();
        let of = |set: &Set| {
            set.below(query.map.entries(name).len())
                .collect::<Vec<u32>>()
        };
        own.sort_by_cached_key(|fact| (fact.child, of(&fact.numbers)));
        open.extend(own.iter().rev().map(|fact| fact.child));
        ordered.extend(own);
    }
    let all = ordered
        .into_iter()
        .flat_map(|fact| sentences(query, wanted, fact));
    let mut known = BTreeSet::new();
    all.filter(|sentence| known.insert(sentence.clone()))
        .collect()
}

fn format_conclusion(map: &VersionMap<'_>, conclusion: &Conclusion) -> String {
    let all = |terms: &[(Name, Set)], word: &str| {
        let terms = terms.iter();
        let named = terms.map(|(name, set)| named(map, *name, set, word));
        named.collect::<Vec<String>>()
    };
    let needs = listed(&all(&conclusion.needs, "or"), "or");
    match (all(&conclusion.with, "or").as_slice(), needs.is_empty()) {
        ([], true) => "the requested packages are incompatible".to_owned(),
        ([], false) => format!("{needs} is required"),
        ([one], true) => format!("{one} cannot be used"),
        ([one], false) => format!("{one} requires {needs}"),
        ([one, rest @ ..], true) => format!("{one} is incompatible with {}", listed(rest, "and")),
        ([one, rest @ ..], false) => {
            format!("{one} with {} requires {needs}", listed(rest, "and"))
        }
    }
}

impl fmt::Display for Unsolvable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fact) = self.single_fact() {
            return formatter.write_str(fact);
        }
        formatter.write_str("cannot resolve the requested packages:")?;
        if self.steps.is_empty() {
            for fact in &self.facts {
                write!(formatter, "\n  {fact}")?;
            }
        }
        if let Some(first) = self.steps.first().filter(|first| first.number > 1) {
            let skipped = first.number - 1;
            write!(formatter, "\n  (steps 1 to {skipped} omitted)")?;
        }
        for step in &self.steps {
            let mut lines = step.facts.clone();
            if !step.from.is_empty() {
                let numbers: Vec<String> = step.from.iter().map(ToString::to_string).collect();
                let word = if numbers.len() == 1 { "step" } else { "steps" };
                lines.push(format!("and from {word} {}", listed(&numbers, "and")));
            }
            lines.push(format!("so {}", step.conclusion));
            write!(
                formatter,
                "\n{:>4}. {}",
                step.number,
                lines.join("\n      ")
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Unsolvable {}

impl Explain for Unsolvable {
    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }

    /// Formats an explanation of several lines with each hint on its own line.
    fn explained(&self) -> String {
        if self.single_fact().is_some() {
            return explained(&self.to_string(), &self.hints);
        }
        let hints = self.hints.iter().map(|hint| format!("\nhint: {hint}"));
        let lines: String = hints.collect();
        format!("{self}{lines}")
    }
}
