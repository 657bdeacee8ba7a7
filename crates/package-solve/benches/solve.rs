//! Measures the solver on a large universe, with and without a solution.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark of a wrong answer is worth nothing, and its ratios are its answer"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use extension_registry_package_format::manifest::{Dependency, From, Kind};
use extension_registry_package_solve::{Candidate, Origin, RequestedPackage, Universe, solve};

const VERSIONS: u64 = 20;

/// For 500 packages with a conflict.
const TARGET: Duration = Duration::from_secs(1);

/// How wide the ranges are that packages ask for.
#[derive(Clone, Copy, PartialEq)]
enum Ranges {
    /// Any version of the next three.
    Wide,
    /// Versions near their own: whoever chose wrongly has to go back through all that was chosen.
    Narrow,
}

/// Each package needs the next three. With a conflict, the last two want different things of a package that they
/// share.
fn world(packages: usize, ranges: Ranges, with_conflict: bool) -> Universe {
    let mut universe = Universe::default();
    for package in 0..packages {
        let candidates = (0..VERSIONS).map(|version| {
            let range = match ranges {
                Ranges::Wide => ">=1.0".to_owned(),
                Ranges::Narrow => format!(">=1.{}, <=1.{version}", version.saturating_sub(2)),
            };
            let mut dependencies: Vec<Dependency> = (package + 1..packages.min(package + 4))
                .map(|next| needs(&name(next), &range))
                .collect();
            if with_conflict && package + 2 >= packages {
                let is_last = package + 1 == packages;
                dependencies.push(needs("shared", if is_last { "=1.0.0" } else { "=1.1.0" }));
            }
            candidate(version, dependencies)
        });
        universe
            .candidates
            .insert(name(package), candidates.collect());
    }
    let shared = (0..VERSIONS).map(|version| candidate(version, Vec::new()));
    universe
        .candidates
        .insert("shared".to_owned(), shared.collect());
    universe
}

fn name(package: usize) -> String {
    format!("package-{package}")
}

fn needs(name: &str, range: &str) -> Dependency {
    Dependency {
        name: name.to_owned(),
        kind: None,
        range: range.parse().unwrap(),
        optional: false,
        from: From::Same,
    }
}

fn candidate(version: u64, dependencies: Vec<Dependency>) -> Candidate {
    Candidate {
        version: semver::Version::new(1, version, 0),
        kind: Kind::Record,
        origin: Origin::Repository("hub".to_owned()),
        dependencies,
        requires: Vec::new(),
        rejection: None,
    }
}

fn root() -> Vec<RequestedPackage> {
    vec![RequestedPackage {
        name: name(0),
        range: "*".parse().unwrap(),
        kind: None,
        repository: None,
    }]
}

/// One run, and whether there was an answer.
fn timed(universe: &Universe) -> (Duration, bool) {
    let start = Instant::now();
    let is_solved = solve(&root(), universe).is_ok();
    (start.elapsed(), is_solved)
}

fn solver(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("solve");
    group.sample_size(10);
    for packages in [50, 500] {
        let universe = world(packages, Ranges::Wide, true);
        group.bench_function(format!("{packages} packages with a conflict"), |bencher| {
            bencher.iter(|| black_box(timed(&universe)));
        });
    }
    group.finish();
    for ranges in [Ranges::Wide, Ranges::Narrow] {
        let what = match ranges {
            Ranges::Wide => "any version will do",
            Ranges::Narrow => "near versions only",
        };
        for packages in [50, 500] {
            for with_conflict in [false, true] {
                let (took, is_solved) = timed(&world(packages, ranges, with_conflict));
                assert_eq!(is_solved, !with_conflict);
                let end = if with_conflict {
                    "a conflict"
                } else {
                    "an answer"
                };
                println!(
                    "{packages} packages, {VERSIONS} versions each, {what}: {end} after {took:?}"
                );
                if packages == 500 && ranges == Ranges::Wide && with_conflict {
                    assert!(took < TARGET, "target missed: {took:?}");
                }
            }
        }
    }
}

criterion_group!(benches, solver);
criterion_main!(benches);
