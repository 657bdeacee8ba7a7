//! Tests of preferences and error messages of the solver.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod solving;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_solve::{Origin, RequestedPackage, solve};
use insta::assert_snapshot;
use solving::{chosen, names, package, refused, universe, versions, want};

const ABC: &str = "team";

#[test]
fn keeps_matching_installed_version() {
    let mut packages = versions(ABC, "s3", &["1.0.0", "1.5.0", "2.0.0"], |one| one);
    packages.push(package("installed", "s3", "1.2.0"));
    let universe = universe(packages);
    assert_eq!(chosen(&[want("s3", "^1")], &universe), ["s3 1.2.0"]);
    assert_eq!(chosen(&[want("s3", "^2")], &universe), ["s3 2.0.0"]);
}

#[test]
fn first_repository_wins_for_equal_versions() {
    let mut universe = universe([package("a", "s3", "1.0.0"), package("b", "s3", "1.0.0")]);
    for (order, expected) in [(["a", "b"], "a"), (["b", "a"], "b")] {
        universe.order = order.map(str::to_owned).to_vec();
        let solution = solve(&[want("s3", "*")], &universe).unwrap();
        assert_eq!(
            solution.chosen[0].origin,
            Origin::Repository(expected.to_owned())
        );
    }
    let asked = RequestedPackage {
        repository: Some("a".to_owned()),
        ..want("s3", "*")
    };
    let solution = solve(&[asked], &universe).unwrap();
    assert_eq!(
        solution.chosen[0].origin,
        Origin::Repository("a".to_owned())
    );
}

#[test]
fn preferred_version_is_selected_while_it_matches() {
    let mut packages = versions(ABC, "s3", &["1.0.0", "1.5.0", "2.0.0"], |one| one);
    packages.push(package("installed", "s3", "1.2.0"));
    let mut universe = universe(packages);
    let preference = ("1.0.0".parse().unwrap(), ABC.to_owned());
    universe.preferred.insert("s3".to_owned(), preference);
    assert_eq!(chosen(&[want("s3", "^1")], &universe), ["s3 1.0.0"]);
    assert_eq!(chosen(&[want("s3", "^2")], &universe), ["s3 2.0.0"]);
}

#[test]
fn reports_skipped_optional_packages() {
    let universe = universe([
        package(ABC, "stack", "1.0.0")
            .needs("s3", "*")
            .can_use("kafka", "^1")
            .can_use("s3", "^1")
            .can_use("ghost", "*")
            .can_use("flink", "*"),
        package(ABC, "s3", "2.0.0"),
        package(ABC, "s3", "1.0.0"),
        package(ABC, "kafka", "1.0.0").needs("zookeeper", "*"),
        package(ABC, "zookeeper", "3.0.0").can_use("curator", "*"),
        package(ABC, "curator", "1.0.0"),
        package(ABC, "flink", "1.0.0").needs("s3", "^1"),
    ]);
    let solution = solve(&[want("stack", "*")], &universe).unwrap();
    assert_eq!(
        names(&solution),
        [
            "curator 1.0.0",
            "zookeeper 3.0.0",
            "kafka 1.0.0",
            "s3 2.0.0",
            "stack 1.0.0"
        ]
    );
    let skipped: Vec<String> = solution
        .skipped
        .iter()
        .map(|one| {
            format!(
                "{} {} of {}: {}",
                one.name, one.range, one.wanted_by, one.why
            )
        })
        .collect();
    assert_eq!(
        skipped,
        [
            "flink * of stack: flink conflicts with the selected packages",
            "ghost * of stack: stack optionally depends on ghost, but package ghost was not found",
            "s3 ^1 of stack: s3 2.0.0 is already selected",
        ]
    );
}

#[test]
fn package_may_depend_on_itself() {
    let universe = universe([
        package(ABC, "s3", "1.0.0").needs("s3", "^1"),
        package(ABC, "s3", "2.0.0").needs("s3", "^3"),
    ]);
    assert_eq!(chosen(&[want("s3", "*")], &universe), ["s3 1.0.0"]);
}

#[test]
fn empty_request_selects_nothing() {
    assert!(chosen(&[], &universe([])).is_empty());
}

#[test]
fn open_names_shrink_to_none() {
    let mut universe = universe([package("a", "stack", "1.0.0")
        .needs("s3", "*")
        .can_use("kafka", "*")]);
    let wanted = [want("stack", "*"), want("mlflow", "*")];
    let open: Vec<String> = universe.open(&wanted).into_iter().collect();
    assert_eq!(open, ["kafka", "mlflow", "s3"]);
    for name in open {
        universe.candidates.insert(name, Vec::new());
    }
    assert!(universe.open(&wanted).is_empty());
}

#[test]
fn suggests_similar_name() {
    let universe = universe([package(ABC, "mlflow", "1.0.0")]);
    assert_snapshot!(refused(&[want("mlfow", "*")], &universe).explained());
}

#[test]
fn missing_dependency_names_dependent() {
    let universe = universe([package(ABC, "stack", "1.0.0").needs("postgres", "^15")]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe).explained());
}

#[test]
fn names_untrusted_signature_as_reason() {
    let mut packages = versions(ABC, "s3", &["2.0.0", "2.1.0", "2.2.0"], |one| {
        one.rejection("signed by an untrusted key")
    });
    packages.push(package(ABC, "s3", "1.0.0"));
    packages.push(package(ABC, "s3", "2.3.0").rejection("withdrawn"));
    packages.push(package(ABC, "stack", "1.0.0").needs("s3", "^2"));
    assert_snapshot!(refused(&[want("stack", "*")], &universe(packages)).explained());
}

#[test]
fn names_wrong_type_as_reason() {
    let universe = universe([
        package(ABC, "stack", "1.0.0").needs_of_kind("s3", "*", Kind::Provider),
        package(ABC, "s3", "1.0.0"),
    ]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe).explained());
}

#[test]
fn suggests_naming_pre_release() {
    let universe = universe([
        package(ABC, "stack", "1.0.0").needs("s3", "^2"),
        package(ABC, "s3", "2.0.0-rc.1"),
    ]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe).explained());
}

#[test]
fn names_repositories_that_have_package() {
    let universe = universe([package("a", "s3", "1.0.0"), package("b", "s3", "1.0.0")]);
    let asked = RequestedPackage {
        repository: Some("c".to_owned()),
        ..want("s3", "*")
    };
    assert_snapshot!(refused(&[asked], &universe).explained());
}

#[test]
fn reports_conflicting_requests() {
    let universe = universe(versions(ABC, "s3", &["1.0.0", "2.0.0"], |one| one));
    assert_snapshot!(refused(&[want("s3", "^1"), want("s3", "^2")], &universe).explained());
}

#[test]
fn groups_consecutive_versions() {
    let all = [
        "1.0.0",
        "1.1.0",
        "1.2.0",
        "2.0.0-rc.1",
        "2.0.0",
        "3.0.0",
        "3.1.0",
    ];
    let mut packages = versions(ABC, "mlflow", &all, |one| one.needs("s3", "^9"));
    packages.push(package(ABC, "s3", "1.0.0"));
    let universe = universe(packages);
    assert_snapshot!(refused(&[want("mlflow", "^1 || ^3")], &universe).explained());
}

#[test]
fn suggests_asking_author_for_wider_range() {
    let universe = universe([
        package(ABC, "stack", "1.0.0")
            .needs("mlflow", "*")
            .needs("minio", "*"),
        package(ABC, "mlflow", "1.0.0").needs("s3", "^1"),
        package(ABC, "minio", "1.0.0").needs("s3", "^2"),
        package(ABC, "s3", "1.0.0"),
        package(ABC, "s3", "2.0.0"),
    ]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe).explained());
}

#[test]
fn explains_long_conflict_in_steps() {
    let universe = universe([
        package(ABC, "stack", "1.0.0")
            .needs("mlflow", "*")
            .needs("minio", "*"),
        package(ABC, "mlflow", "1.0.0")
            .needs("s3", "^1")
            .needs("kafka", "^1"),
        package(ABC, "mlflow", "2.0.0")
            .needs("s3", "^2")
            .needs("kafka", "^2"),
        package(ABC, "mlflow", "3.0.0")
            .needs("s3", "^3")
            .needs("kafka", "^3"),
        package(ABC, "minio", "1.0.0")
            .needs("s3", "^2")
            .needs("ceph", "^1"),
        package(ABC, "minio", "2.0.0")
            .needs("s3", "^1")
            .needs("ceph", "^2"),
        package(ABC, "ceph", "1.0.0").needs("kafka", "^1"),
        package(ABC, "ceph", "2.0.0").needs("kafka", "^3"),
        package(ABC, "s3", "1.0.0"),
        package(ABC, "s3", "2.0.0"),
        package(ABC, "s3", "3.0.0"),
        package(ABC, "kafka", "1.0.0"),
        package(ABC, "kafka", "2.0.0"),
        package(ABC, "kafka", "3.0.0"),
    ]);
    let refusal = refused(&[want("stack", "*")], &universe);
    assert!(!refusal.steps.is_empty());
    assert_snapshot!(refusal.explained());
}
