//! Compares the solver with exhaustive search.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::collections::{BTreeMap, BTreeSet};

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::lock::Lock;
use extension_registry_package_format::manifest::{Dependency, From, Kind, Requirement};
use extension_registry_package_format::version::admits;
use extension_registry_package_solve::{
    Candidate, Origin, RequestedPackage, Solution, Universe, solve,
};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "2.0.0", "2.1.0-rc.1"];
const RANGES: [&str; 7] = ["*", "^1", "^2", "=1.1.0", "<2", ">=3", "^2.1.0-rc.1"];
const REPOSITORIES: [&str; 3] = ["hub", "team", "system"];

fn dependency() -> impl Strategy<Value = Dependency> {
    let name = prop::sample::select(&NAMES[..]);
    let range = prop::sample::select(&RANGES[..]);
    (
        name,
        range,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(name, range, optional, system)| Dependency {
            name: name.to_owned(),
            kind: None,
            range: range.parse().unwrap(),
            optional,
            from: if system { From::System } else { From::Same },
        })
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let version = prop::sample::select(&VERSIONS[..]);
    let origin = prop_oneof![
        6 => prop::sample::select(&REPOSITORIES[..]).prop_map(|id| Origin::Repository(id.to_owned())),
        1 => Just(Origin::Installed(Some("team".to_owned()))),
    ];
    let kind =
        prop_oneof![9 => Just(Kind::Record), 1 => Just(Kind::Unsupported("camel".to_owned()))];
    let rejection = prop_oneof![9 => Just(None), 1 => Just(Some("withdrawn".to_owned()))];
    let requires =
        prop_oneof![4 => Just(None), 1 => prop::sample::select(&["^1", "^9"][..]).prop_map(Some)];
    let dependencies = prop::collection::vec(dependency(), 0..3);
    (version, origin, kind, rejection, requires, dependencies).prop_map(
        |(version, origin, kind, rejection, requires, dependencies)| Candidate {
            version: version.parse().unwrap(),
            kind,
            origin,
            dependencies,
            requires: requires
                .map(|range| Requirement {
                    name: "kubernetes".to_owned(),
                    range: range.parse().unwrap(),
                })
                .into_iter()
                .collect(),
            rejection,
        },
    )
}

fn universe() -> impl Strategy<Value = Universe> {
    let candidates = prop::collection::vec(prop::collection::vec(candidate(), 0..4), NAMES.len());
    let approved = prop::collection::btree_set(
        (
            prop::sample::select(&NAMES[..]),
            prop::sample::select(&REPOSITORIES[..]),
        ),
        0..2,
    );
    (candidates, approved, any::<bool>()).prop_map(|(candidates, approved, has_system)| Universe {
        candidates: NAMES
            .iter()
            .zip(candidates)
            .map(|(name, mut candidates)| {
                // Two of one version and place would be a mistake of whoever gathered them.
                let mut seen = BTreeSet::new();
                candidates.retain(|one: &Candidate| {
                    seen.insert((one.version.clone(), one.origin.clone()))
                });
                ((*name).to_owned(), candidates)
            })
            .collect(),
        platform: BTreeMap::from([("kubernetes".to_owned(), Some("1.36.3".to_owned()))]),
        system: has_system.then(|| "system".to_owned()),
        order: REPOSITORIES.iter().map(|id| (*id).to_owned()).collect(),
        approved: approved
            .into_iter()
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect(),
        preferred: BTreeMap::new(),
    })
}

fn wanted() -> impl Strategy<Value = Vec<RequestedPackage>> {
    let one = (
        prop::sample::select(&NAMES[..]),
        prop::sample::select(&RANGES[..]),
    );
    prop::collection::vec(one, 1..3).prop_map(|wanted| {
        let wanted = wanted.into_iter().map(|(name, range)| RequestedPackage {
            name: name.to_owned(),
            range: range.parse().unwrap(),
            kind: None,
            repository: None,
        });
        wanted.collect()
    })
}

type Choice<'u> = BTreeMap<&'u str, &'u Candidate>;

/// Whether a candidate may be taken at all.
fn is_offered(universe: &Universe, candidate: &Candidate) -> bool {
    let platform = universe.platform["kubernetes"].as_deref().unwrap();
    let here: semver::Version = platform.parse().unwrap();
    candidate.rejection.is_none()
        && !matches!(candidate.kind, Kind::Unsupported(_))
        && candidate
            .requires
            .iter()
            .all(|one| admits(&one.range, &here))
}

/// Returns whether a dependency may come from the origin of a candidate.
fn may_come(
    universe: &Universe,
    parent: &Candidate,
    needed: &Dependency,
    candidate: &Candidate,
) -> bool {
    let place = candidate.origin.repository();
    if candidate.origin.is_installed()
        || (universe.system.is_some() && place == universe.system.as_deref())
    {
        return true;
    }
    let is_approved = || {
        let mut approved = universe.approved.iter();
        approved.any(|(name, id)| *name == needed.name && Some(id.as_str()) == place)
    };
    needed.from == From::Same && (parent.origin.repository() == place || is_approved())
}

/// Whether a choice keeps every rule; optional dependencies may be missing.
fn holds(universe: &Universe, wanted: &[RequestedPackage], choice: &Choice<'_>) -> bool {
    let is_wanted = wanted.iter().all(|one| {
        choice
            .get(one.name.as_str())
            .is_some_and(|chosen| admits(&one.range, &chosen.version))
    });
    is_wanted
        && choice.values().all(|chosen| {
            let mut needed = chosen.dependencies.iter().filter(|one| !one.optional);
            is_offered(universe, chosen)
                && needed.all(|needed| {
                    choice.get(needed.name.as_str()).is_some_and(|other| {
                        // What needs itself has itself, wherever it is.
                        admits(&needed.range, &other.version)
                            && (std::ptr::eq(*other, *chosen)
                                || may_come(universe, chosen, needed, other))
                    })
                })
        })
}

/// Tries every choice.
fn is_solvable(universe: &Universe, wanted: &[RequestedPackage]) -> bool {
    fn next<'u>(
        universe: &'u Universe,
        wanted: &[RequestedPackage],
        at: usize,
        choice: &mut Choice<'u>,
    ) -> bool {
        let Some(name) = NAMES.get(at) else {
            return holds(universe, wanted, choice);
        };
        if next(universe, wanted, at + 1, choice) {
            return true;
        }
        for candidate in &universe.candidates[*name] {
            choice.insert(name, candidate);
            if next(universe, wanted, at + 1, choice) {
                return true;
            }
            choice.remove(name);
        }
        false
    }
    next(universe, wanted, 0, &mut BTreeMap::new())
}

fn choice<'u>(universe: &'u Universe, solution: &Solution) -> Choice<'u> {
    let mut choice = BTreeMap::new();
    for chosen in &solution.chosen {
        let (name, candidates) = universe.candidates.get_key_value(&chosen.name).unwrap();
        let candidate = candidates
            .iter()
            .find(|one| one.version == chosen.version && one.origin == chosen.origin);
        assert!(
            choice.insert(name.as_str(), candidate.unwrap()).is_none(),
            "one of each name"
        );
    }
    choice
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn finds_solution_iff_exhaustive_search_does(
        universe in universe(),
        wanted in wanted(),
    ) {
        let found = is_solvable(&universe, &wanted);
        match solve(&wanted, &universe) {
            Ok(solution) => {
                prop_assert!(found);
                let choice = choice(&universe, &solution);
                prop_assert!(holds(&universe, &wanted, &choice), "{solution:?}");
            }
            Err(refusal) => {
                prop_assert!(!found, "{refusal}");
                let text = refusal.explained();
                // It speaks of something that was asked for.
                prop_assert!(wanted.iter().any(|one| text.contains(&one.name)), "{text}");
            }
        }
    }

    #[test]
    fn result_is_independent_of_candidate_order(
        universe in universe(),
        wanted in wanted(),
        seed in any::<u64>(),
    ) {
        let told = |wanted: &[RequestedPackage], universe: &Universe| match solve(wanted, universe) {
            Ok(solution) => format!("{solution:?}"),
            Err(refusal) => refusal.explained(),
        };
        let mut turned = universe.clone();
        for (at, candidates) in turned.candidates.values_mut().enumerate() {
            let by = usize::try_from(seed >> at).unwrap_or(0);
            if !candidates.is_empty() {
                let middle = by % candidates.len();
                candidates.rotate_left(middle);
            }
        }
        prop_assert_eq!(told(&wanted, &universe), told(&wanted, &turned));
    }

    #[test]
    fn optional_dependencies_do_not_change_solution(
        universe in universe(),
        wanted in wanted(),
    ) {
        let mut without = universe.clone();
        for candidate in without.candidates.values_mut().flatten() {
            candidate.dependencies.retain(|one| !one.optional);
        }
        let with = solve(&wanted, &universe);
        let without = solve(&wanted, &without);
        prop_assert_eq!(with.is_ok(), without.is_ok());
        if let (Ok(with), Ok(without)) = (with, without) {
            for chosen in without.chosen {
                let same = with.get(&chosen.name).unwrap();
                prop_assert_eq!((&same.version, &same.origin), (&chosen.version, &chosen.origin));
            }
        }
    }

    #[test]
    fn dependencies_precede_dependents_except_in_cycles(
        universe in universe(),
        wanted in wanted(),
    ) {
        let Ok(solution) = solve(&wanted, &universe) else { return Ok(()) };
        let choice = choice(&universe, &solution);
        let place = |name: &str| solution.chosen.iter().position(|one| one.name == name);
        // Names that a name needs, directly or not.
        let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for _ in 0..NAMES.len() {
            for (name, candidate) in &choice {
                let mut needs: BTreeSet<&str> = BTreeSet::new();
                for needed in candidate.dependencies.iter().filter(|one| !one.optional) {
                    needs.insert(&needed.name);
                    needs.extend(reach.get(needed.name.as_str()).into_iter().flatten());
                }
                reach.insert(name, needs);
            }
        }
        for (name, candidate) in &choice {
            for needed in candidate.dependencies.iter().filter(|one| !one.optional) {
                let is_circle = reach[needed.name.as_str()].contains(name);
                prop_assert!(is_circle || place(&needed.name) < place(name), "{:?}", solution);
            }
        }
    }

    #[test]
    fn reading_lock_never_panics(text in "\\PC{0,200}") {
        let _ = Lock::read(&text);
        let _ = Lock::read(&format!("version = 1\n[[package]]\n{text}"));
    }
}
