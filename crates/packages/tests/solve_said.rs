//! What the solver prefers, and what it says where there is no answer.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod solving;

use extension_registry_packages::manifest::Kind;
use extension_registry_packages::solve::{Origin, Wanted, solve};
use insta::assert_snapshot;
use solving::{chosen, names, package, refused, universe, versions, want};

const ABC: &str = "team";

#[test]
fn what_is_installed_stays_where_it_fits() {
    let mut packages = versions(ABC, "s3", &["1.0.0", "1.5.0", "2.0.0"], |one| one);
    packages.push(package("installed", "s3", "1.2.0"));
    let universe = universe(packages);
    assert_eq!(chosen(&[want("s3", "^1")], &universe), ["s3 1.2.0"]);
    assert_eq!(chosen(&[want("s3", "^2")], &universe), ["s3 2.0.0"]);
}

#[test]
fn of_the_same_version_the_repository_that_is_named_first_has_it() {
    let mut universe = universe([package("a", "s3", "1.0.0"), package("b", "s3", "1.0.0")]);
    for (order, expected) in [(["a", "b"], "a"), (["b", "a"], "b")] {
        universe.order = order.map(str::to_owned).to_vec();
        let solution = solve(&[want("s3", "*")], &universe).unwrap();
        assert_eq!(
            solution.chosen[0].origin,
            Origin::Repository(expected.to_owned())
        );
    }
    let asked = Wanted {
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
fn a_version_that_is_preferred_is_taken_while_it_fits() {
    let mut packages = versions(ABC, "s3", &["1.0.0", "1.5.0", "2.0.0"], |one| one);
    packages.push(package("installed", "s3", "1.2.0"));
    let mut universe = universe(packages);
    let preference = ("1.0.0".parse().unwrap(), ABC.to_owned());
    universe.preferred.insert("s3".to_owned(), preference);
    assert_eq!(chosen(&[want("s3", "^1")], &universe), ["s3 1.0.0"]);
    assert_eq!(chosen(&[want("s3", "^2")], &universe), ["s3 2.0.0"]);
}

#[test]
fn an_optional_package_is_taken_where_it_changes_nothing_and_told_where_not() {
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
    let left_out: Vec<String> = solution
        .left_out
        .iter()
        .map(|one| {
            format!(
                "{} {} of {}: {}",
                one.name, one.range, one.wanted_by, one.why
            )
        })
        .collect();
    assert_eq!(
        left_out,
        [
            "flink * of stack: flink does not go with what else is taken",
            "ghost * of stack: stack can use ghost, and there is no package ghost",
            "s3 ^1 of stack: s3 2.0.0 is taken already",
        ]
    );
}

#[test]
fn a_package_may_need_itself_in_a_version_that_it_has() {
    let universe = universe([
        package(ABC, "s3", "1.0.0").needs("s3", "^1"),
        package(ABC, "s3", "2.0.0").needs("s3", "^3"),
    ]);
    assert_eq!(chosen(&[want("s3", "*")], &universe), ["s3 1.0.0"]);
}

#[test]
fn nothing_wanted_is_nothing_chosen() {
    assert!(chosen(&[], &universe([])).is_empty());
}

#[test]
fn names_that_nothing_was_looked_for_are_told_until_there_are_none() {
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
fn a_name_that_is_nowhere_has_its_nearest_named() {
    let universe = universe([package(ABC, "mlflow", "1.0.0")]);
    assert_snapshot!(refused(&[want("mlfow", "*")], &universe));
}

#[test]
fn a_dependency_that_is_nowhere_names_who_needs_it() {
    let universe = universe([package(ABC, "stack", "1.0.0").needs("postgres", "^15")]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe));
}

#[test]
fn a_signature_that_is_not_trusted_is_the_reason() {
    let mut packages = versions(ABC, "s3", &["2.0.0", "2.1.0", "2.2.0"], |one| {
        one.barred("its signature is by nobody who is trusted")
    });
    packages.push(package(ABC, "s3", "1.0.0"));
    packages.push(package(ABC, "s3", "2.3.0").barred("it was withdrawn"));
    packages.push(package(ABC, "stack", "1.0.0").needs("s3", "^2"));
    assert_snapshot!(refused(&[want("stack", "*")], &universe(packages)));
}

#[test]
fn a_dependency_of_another_type_is_the_reason() {
    let universe = universe([
        package(ABC, "stack", "1.0.0").needs_of_kind("s3", "*", Kind::Provider),
        package(ABC, "s3", "1.0.0"),
    ]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe));
}

#[test]
fn a_pre_release_that_a_dependency_would_have_to_name() {
    let universe = universe([
        package(ABC, "stack", "1.0.0").needs("s3", "^2"),
        package(ABC, "s3", "2.0.0-rc.1"),
    ]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe));
}

#[test]
fn a_repository_that_does_not_have_it() {
    let universe = universe([package("a", "s3", "1.0.0"), package("b", "s3", "1.0.0")]);
    let asked = Wanted {
        repository: Some("c".to_owned()),
        ..want("s3", "*")
    };
    assert_snapshot!(refused(&[asked], &universe));
}

#[test]
fn two_wishes_for_one_name() {
    let universe = universe(versions(ABC, "s3", &["1.0.0", "2.0.0"], |one| one));
    assert_snapshot!(refused(&[want("s3", "^1"), want("s3", "^2")], &universe));
}

#[test]
fn versions_that_are_not_there_in_one_row_are_grouped() {
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
    assert_snapshot!(refused(&[want("mlflow", "^1 || ^3")], &universe));
}

#[test]
fn a_dependency_that_nobody_here_can_widen() {
    let universe = universe([
        package(ABC, "stack", "1.0.0")
            .needs("mlflow", "*")
            .needs("minio", "*"),
        package(ABC, "mlflow", "1.0.0").needs("s3", "^1"),
        package(ABC, "minio", "1.0.0").needs("s3", "^2"),
        package(ABC, "s3", "1.0.0"),
        package(ABC, "s3", "2.0.0"),
    ]);
    assert_snapshot!(refused(&[want("stack", "*")], &universe));
}

#[test]
fn a_long_story_is_told_in_steps() {
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
    assert_snapshot!(refusal);
}
