//! Why nothing fits, in sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::hint;
use super::proof::{Conclusion, Fact, Proof};
use super::question::{Question, Tree};
use super::set::Set;
use super::shelf::{Name, ROOT, Shelves};
use super::universe::Wanted;
use super::wording::{listed, named, sentences};

/// More facts than this are led through step by step.
const AT_A_GLANCE: usize = 6;

/// Steps that are told: the last ones. A proof can have a hundred thousand.
const SHOWN: usize = 20;

/// Why no packages fit what is wanted.
///
/// Its text names every package, its versions, the range as it is written and who wrote it, and what would
/// help. It is the same for the same universe, in whatever order that was gathered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsolvable {
    /// What cannot be true together, each a sentence.
    pub facts: Vec<String>,
    /// How it follows, where the facts are too many to see it: the last steps.
    pub steps: Vec<Deduction>,
    /// What would help.
    pub hints: Vec<String>,
}

/// A step of an explanation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deduction {
    /// Its number, from 1.
    pub number: usize,
    /// Numbers of the steps that it builds on, from 1.
    pub from: Vec<usize>,
    /// The facts that it adds.
    pub facts: Vec<String>,
    /// What follows.
    pub so: String,
}

impl Unsolvable {
    pub(super) fn proved<'u>(
        question: &Question<'_, 'u>,
        wanted: &'u [Wanted],
        tree: &Tree,
    ) -> Self {
        let proof = Proof::of(tree);
        let facts = told(question, wanted, &proof.facts);
        let mut steps = Vec::new();
        if facts.len() > AT_A_GLANCE {
            let skipped = proof.steps.len().saturating_sub(SHOWN);
            let numbered = (1..).zip(&proof.steps).skip(skipped);
            steps.extend(numbered.map(|(number, step)| Deduction {
                number,
                from: step.from.iter().map(|number| number + 1).collect(),
                facts: told(question, wanted, &step.facts),
                so: concluded(question.shelves, &step.conclusion),
            }));
        }
        Self {
            facts,
            steps,
            hints: hint::all(question, wanted, &proof),
        }
    }

    pub(super) fn gave_up() -> Self {
        Self {
            facts: vec!["no answer was found in the time that a question may take".to_owned()],
            steps: Vec::new(),
            hints: vec!["ask for single versions: `=1.2.0`".to_owned()],
        }
    }
}

/// Facts in the order of their packages: what is wanted, then what that needs.
fn told<'u>(question: &Question<'_, 'u>, wanted: &'u [Wanted], facts: &[Fact]) -> Vec<String> {
    let mut ordered: Vec<&Fact> = Vec::new();
    let mut of_parents = BTreeMap::<Name, Vec<&Fact>>::new();
    for fact in facts {
        of_parents.entry(fact.parent).or_default().push(fact);
    }
    let mut open = vec![ROOT];
    let mut seen = BTreeSet::new();
    // A step may begin in the middle.
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
            set.below(question.shelves.offers(name).len())
                .collect::<Vec<u32>>()
        };
        own.sort_by_cached_key(|fact| (fact.child, of(&fact.numbers)));
        open.extend(own.iter().rev().map(|fact| fact.child));
        ordered.extend(own);
    }
    let all = ordered
        .into_iter()
        .flat_map(|fact| sentences(question, wanted, fact));
    let mut known = BTreeSet::new();
    all.filter(|sentence| known.insert(sentence.clone()))
        .collect()
}

fn concluded(shelves: &Shelves<'_>, conclusion: &Conclusion) -> String {
    let all = |terms: &[(Name, Set)], word: &str| {
        let terms = terms.iter();
        let named = terms.map(|(name, set)| named(shelves, *name, set, word));
        named.collect::<Vec<String>>()
    };
    let needs = listed(&all(&conclusion.needs, "or"), "or");
    match (all(&conclusion.with, "or").as_slice(), needs.is_empty()) {
        ([], true) => "nothing fits all that is wanted".to_owned(),
        ([], false) => format!("it takes {needs}"),
        ([one], true) => format!("no {one} can be taken"),
        ([one], false) => format!("{one} takes {needs}"),
        ([one, rest @ ..], true) => format!("{one} does not go with {}", listed(rest, "and")),
        ([one, rest @ ..], false) => {
            format!("{one} with {} takes {needs}", listed(rest, "and"))
        }
    }
}

impl fmt::Display for Unsolvable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ([fact], [] | [_]) = (self.facts.as_slice(), self.hints.as_slice()) {
            formatter.write_str(fact)?;
            return self
                .hints
                .iter()
                .try_for_each(|hint| write!(formatter, "; hint: {hint}"));
        }
        formatter.write_str("no packages fit all that is wanted:")?;
        if self.steps.is_empty() {
            for fact in &self.facts {
                write!(formatter, "\n  {fact}")?;
            }
        }
        if let Some(first) = self.steps.first().filter(|first| first.number > 1) {
            let skipped = first.number - 1;
            write!(formatter, "\n  (steps 1 to {skipped} are not shown)")?;
        }
        for step in &self.steps {
            let mut lines = step.facts.clone();
            if !step.from.is_empty() {
                let numbers: Vec<String> = step.from.iter().map(ToString::to_string).collect();
                lines.push(format!("and by {}", listed(&numbers, "and")));
            }
            lines.push(format!("so {}", step.so));
            write!(
                formatter,
                "\n{:>4}. {}",
                step.number,
                lines.join("\n      ")
            )?;
        }
        self.hints
            .iter()
            .try_for_each(|hint| write!(formatter, "\nhint: {hint}"))
    }
}

impl std::error::Error for Unsolvable {}
