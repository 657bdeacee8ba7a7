//! Suggests ways out of a conflict by solving again under relaxed rules.

use std::collections::BTreeSet;

use extension_registry_core::suggest;

use super::proof::{Fact, Proof};
use super::query::{Failure, Query, fitting};
use super::universe::{Origin, RequestedPackage};
use super::version_map::{Constraint, Name, ROOT, Source, VersionMap, root_constraints};
use super::wording;
use extension_registry_package_format::version;

/// Step limit for all attempts of one kind of hint.
const STEPS: u64 = 4_000;

/// Maximum number of attempts of each kind.
const ATTEMPTS: usize = 8;

/// Returns all hints for a proof, the most certain first.
pub(super) fn all<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    proof: &Proof,
) -> Vec<String> {
    let map = query.map;
    let mut hints = Vec::new();
    for fact in &proof.facts {
        hints.extend(of_fact(query, wanted, fact));
    }
    hints.extend(approval(query, wanted, proof));
    hints.extend(wider(map, wanted, proof));
    if hints.is_empty() {
        hints.extend(relaxed(query, wanted, proof));
    }
    let mut seen = BTreeSet::new();
    hints.retain(|hint| seen.insert(hint.clone()));
    hints
}

/// Returns what each version of the parent requires of the child; for the root, what was requested.
fn constraints_of<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    fact: &Fact,
) -> Vec<Vec<Constraint<'u>>> {
    if fact.parent == ROOT {
        return vec![root_constraints(query.map, wanted, fact.child)];
    }
    let count = query.map.entries(fact.parent).len();
    let numbers = fact.numbers.below(count);
    numbers
        .map(|number| query.constraints(fact.parent, number, fact.child))
        .collect()
}

/// Suggests similar names and pre-releases.
fn of_fact<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    fact: &Fact,
) -> Option<String> {
    let map = query.map;
    let name = map.name(fact.child);
    if map.entries(fact.child).is_empty() {
        let near = suggest::closest(name, map.known())?;
        return Some(format!("did you mean `{near}` instead of `{name}`?"));
    }
    if !fact.fitting.is_empty() {
        return None;
    }
    constraints_of(query, wanted, fact).iter().find_map(|constraints| {
        let [constraint] = constraints.as_slice() else {
            return None;
        };
        let versions = map.entries(fact.child).iter();
        let versions = versions.filter(|entry| entry.rejection.is_none());
        let mismatch = version::newest(constraint.range, versions.map(|entry| &entry.candidate.version)).err()?;
        if let Some(build) = mismatch.builds.first() {
            return Some(if fact.parent == ROOT {
                format!("request `={build}` to use the build {name} {build}")
            } else {
                format!(
                    "to use the build {name} {build}, {} must name it in its range, such as `={build}`",
                    map.name(fact.parent)
                )
            });
        }
        let pre_release = mismatch.pre_release?;
        Some(if fact.parent == ROOT {
            format!("request `={pre_release}` to use the pre-release {name} {pre_release}")
        } else {
            format!(
                "to use the pre-release {name} {pre_release}, {} must depend on it with a range such as `={pre_release}`",
                map.name(fact.parent)
            )
        })
    })
}

/// Suggests the command that approves another repository for dependencies.
fn approval<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    proof: &Proof,
) -> Option<String> {
    let map = query.map;
    let mut approved = BTreeSet::new();
    let mut approvals: Vec<(String, String)> = Vec::new();
    let mut first = None;
    let mut facts = proof.facts.clone();
    let mut left = STEPS;
    // An approved package may have dependencies that need approval too.
    for _ in 0..ATTEMPTS {
        let known = approved.len();
        let open = facts.iter();
        for fact in open.filter(|fact| fact.parent != ROOT && fact.fitting.is_empty()) {
            let constraints = constraints_of(query, wanted, fact);
            let Some(id) = constraints
                .iter()
                .find_map(|constraints| elsewhere(map, fact.child, constraints))
            else {
                continue;
            };
            let (parent, child) = (map.name(fact.parent), map.name(fact.child));
            first.get_or_insert(fact.parent);
            if approved.insert((child.to_owned(), id.to_owned())) {
                approvals.push((
                    format!("{child} from repository {id} for {parent}"),
                    format!(" --approve {child}@{id}"),
                ));
            }
        }
        if approved.len() == known {
            break;
        }
        let relaxed_query = Query::new(map, wanted, left).approving(&approved);
        let answer = relaxed_query.answer();
        left = relaxed_query.left();
        match answer {
            Err(Failure::Proved(tree)) => facts = Proof::of(&tree).facts,
            _ => break,
        }
    }
    let root = root_of(map, wanted, first?)?;
    let (what, flags): (Vec<String>, Vec<String>) = approvals.into_iter().unzip();
    Some(format!(
        "if you trust these sources, approve {}: `kubectl ext package pull {root}{}`",
        wording::listed(&what, "and"),
        flags.concat()
    ))
}

/// Returns the repository that could provide a dependency if it were approved.
fn elsewhere<'u>(
    map: &VersionMap<'u>,
    name: Name,
    constraints: &[Constraint<'u>],
) -> Option<&'u str> {
    if !constraints
        .iter()
        .all(|constraint| matches!(constraint.source, Source::SameOrSystem(_)))
    {
        return None;
    }
    let anywhere: Vec<Constraint<'u>> = constraints
        .iter()
        .map(|constraint| Constraint {
            source: Source::Any,
            ..*constraint
        })
        .collect();
    let set = fitting(map, name, &anywhere, &BTreeSet::new());
    let number = map.first(name, |number| pubgrub::VersionSet::contains(&set, &number))?;
    match &map.entry(name, number)?.candidate.origin {
        Origin::Repository(id) => Some(id),
        Origin::Installed(_) => None,
    }
}

/// Returns the first requested name that leads to a package.
fn root_of<'u>(
    map: &VersionMap<'u>,
    wanted: &'u [RequestedPackage],
    name: Name,
) -> Option<&'u str> {
    let target = map.name(name);
    let mut names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.into_iter().find(|start| {
        let mut seen = BTreeSet::from([*start]);
        let mut next = vec![*start];
        while let Some(name) = next.pop() {
            if name == target {
                return true;
            }
            let candidates = map.universe.candidates.get(name).into_iter().flatten();
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

/// Suggests versions of requested packages that would work with a wider range.
fn wider<'u>(map: &VersionMap<'u>, wanted: &'u [RequestedPackage], proof: &Proof) -> Vec<String> {
    let roots = proof.facts.iter().filter(|fact| fact.parent == ROOT);
    let names: BTreeSet<Name> = roots.map(|fact| fact.child).collect();
    let mut left = STEPS;
    let hints = names.into_iter().take(ATTEMPTS).filter_map(|name| {
        let relaxed_query = Query::new(map, wanted, left).widening(name, wanted)?;
        let answer = relaxed_query.answer();
        left = relaxed_query.left();
        let answer = answer.ok()?;
        let candidate = map.entry(name, *answer.get(&name)?)?.candidate;
        let (text, version) = (map.name(name), &candidate.version);
        let which = if candidate.origin.is_installed() {
            "which is installed and compatible"
        } else {
            "the newest compatible version"
        };
        Some(format!("request {text} `={version}`, {which}"))
    });
    hints.collect()
}

/// Suggests the dependency whose range its author would have to widen.
fn relaxed<'u>(
    query: &Query<'_, 'u>,
    wanted: &'u [RequestedPackage],
    proof: &Proof,
) -> Option<String> {
    let map = query.map;
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
        let relaxed_query = Query::new(map, wanted, left).relaxing(fact.parent, fact.child);
        let answer = relaxed_query.answer();
        left = relaxed_query.left();
        let Ok(answer) = answer else {
            continue;
        };
        let (Some(parent), Some(child)) = (answer.get(&fact.parent), answer.get(&fact.child))
        else {
            continue;
        };
        let [parent, child] =
            [(fact.parent, *parent), (fact.child, *child)].map(|(name, number)| {
                let shown = wording::versions(map, name, std::iter::once(number), "and");
                format!("{} {shown}", map.name(name))
            });
        return Some(format!(
            "ask the author of {parent} to allow {child}, which would resolve the conflict"
        ));
    }
    None
}
