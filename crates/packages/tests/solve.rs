//! Which packages are chosen, and how it is said when none are.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod solving;

use std::collections::BTreeSet;

use extension_registry_packages::manifest::Kind;
use extension_registry_packages::solve::{Origin, Wanted, solve};
use insta::assert_snapshot;
use solving::{chosen, names, package, refused, universe, versions, want};

const ABC: &str = "team";

#[test]
fn r3_the_newest_version_that_fits_the_platform_is_taken_and_the_newer_one_is_named() {
    let mut universe = universe([
        package(ABC, "mlflow", "1.0.0").requires("kubernetes", ">=1.27"),
        package(ABC, "mlflow", "1.4.0").requires("kubernetes", ">=1.27"),
        package(ABC, "mlflow", "2.0.0").requires("kubernetes", ">=1.40"),
        package(ABC, "mlflow", "2.1.0").requires("kubernetes", ">=1.40"),
    ]);
    let platform = Some("1.36.3".to_owned());
    universe.platform.insert("kubernetes".to_owned(), platform);
    let solution = solve(&[want("mlflow", "*")], &universe).unwrap();
    assert_eq!(names(&solution), ["mlflow 1.4.0"]);
    assert_eq!(
        solution.notes,
        [
            "mlflow 2.0.0 and 2.1.0 were passed over: it requires kubernetes `>=1.40`, here is 1.36.3"
        ]
    );
    assert_snapshot!(refused(&[want("mlflow", "^2")], &universe));
}

#[test]
fn r3_what_is_not_here_is_named() {
    let mut universe = universe([package(ABC, "mlflow", "1.0.0")
        .requires("docker", "*")
        .requires("helm", "^3")]);
    universe.platform.insert("helm".to_owned(), None);
    assert_snapshot!(refused(&[want("mlflow", "*")], &universe));
}

#[test]
fn r3_what_a_vendor_writes_after_a_version_makes_no_pre_release_of_a_platform() {
    let mut universe =
        universe([package(ABC, "mlflow", "1.0.0").requires("kubernetes", ">=1.27, <2")]);
    for (version, fits) in [
        ("v1.33.1-gke.1584", true),
        ("1.33.1+k3s1", true),
        ("1.26.9-eks-1", false),
        ("nonsense", false),
    ] {
        universe
            .platform
            .insert("kubernetes".to_owned(), Some(version.to_owned()));
        let result = solve(&[want("mlflow", "*")], &universe);
        assert_eq!(result.is_ok(), fits, "{version}");
    }
}

#[test]
fn r10_a_template_with_two_dependencies_comes_with_both_or_not_at_all() {
    let stack = || {
        package(ABC, "stack", "1.0.0")
            .needs("s3", "^1")
            .needs("mlflow", "^2")
    };
    let all = universe([
        stack(),
        package(ABC, "s3", "1.2.0"),
        package(ABC, "mlflow", "2.0.0"),
    ]);
    assert_eq!(
        chosen(&[want("stack", "*")], &all),
        ["mlflow 2.0.0", "s3 1.2.0", "stack 1.0.0"]
    );
    let one = universe([stack(), package(ABC, "s3", "1.2.0")]);
    assert_snapshot!(refused(&[want("stack", "*")], &one));
}

#[test]
fn r13_a_type_that_is_not_known_is_never_chosen() {
    let odd = Kind::Unsupported("wasm".to_owned());
    let universe = universe([
        package(ABC, "mlflow", "1.0.0"),
        package(ABC, "mlflow", "2.0.0").of_kind(odd.clone()),
    ]);
    assert_eq!(chosen(&[want("mlflow", "*")], &universe), ["mlflow 1.0.0"]);
    assert_snapshot!(refused(&[want("mlflow", "^2")], &universe));
    // Nor where somebody asks for that very type.
    let asked = Wanted {
        kind: Some(odd),
        ..want("mlflow", "*")
    };
    assert!(solve(&[asked], &universe).is_err());
}

#[test]
fn r17_a_dependency_comes_from_what_is_installed_the_system_repository_or_the_same_one() {
    let parent = || package("a", "stack", "1.0.0").needs("s3", "^1");
    let place = |place: &str| {
        let mut universe = universe([parent(), package(place, "s3", "1.0.0")]);
        universe.system = Some("base".to_owned());
        solve(&[want("stack", "*")], &universe)
    };
    for allowed in ["a", "base", "installed", "installed:b"] {
        assert!(place(allowed).is_ok(), "{allowed}");
    }
    assert!(place("b").is_err());
}

#[test]
fn r17_of_three_repositories_the_higher_version_elsewhere_is_left_alone() {
    let mut universe = universe([
        package("a", "stack", "1.0.0").needs("s3", "^1"),
        package("a", "s3", "1.1.0"),
        package("b", "s3", "1.9.0"),
        package("base", "s3", "1.2.0"),
    ]);
    universe.system = Some("base".to_owned());
    let solution = solve(&[want("stack", "*")], &universe).unwrap();
    assert_eq!(names(&solution), ["s3 1.2.0", "stack 1.0.0"]);
    assert_eq!(
        solution.notes,
        [
            "s3 1.9.0 was passed over: it is only in repository b, from which nothing is fetched for a package of repository a"
        ]
    );
}

#[test]
fn r17_the_system_repository_is_closed() {
    let mut universe = universe([
        package("base", "stack", "1.0.0").needs("s3", "^1"),
        package("a", "s3", "1.0.0"),
    ]);
    universe.system = Some("base".to_owned());
    assert!(solve(&[want("stack", "*")], &universe).is_err());
}

#[test]
fn r17_a_dependency_of_the_system_comes_from_nowhere_else_approved_or_not() {
    let mut universe = universe([
        package("a", "stack", "1.0.0").needs_of_the_system("s3", "^1"),
        package("a", "s3", "1.0.0"),
    ]);
    universe.system = Some("base".to_owned());
    universe.approved.insert(("s3".to_owned(), "a".to_owned()));
    assert_snapshot!(refused(&[want("stack", "*")], &universe));
}

#[test]
fn r17_what_is_installed_keeps_the_repository_that_it_came_from() {
    let mut universe = universe([
        package("installed:a", "stack", "1.0.0").needs("s3", "^1"),
        package("a", "s3", "1.0.0"),
    ]);
    assert_eq!(
        chosen(&[want("stack", "*")], &universe),
        ["s3 1.0.0", "stack 1.0.0"]
    );
    universe.candidates.get_mut("stack").unwrap()[0].origin = Origin::Installed(None);
    assert!(solve(&[want("stack", "*")], &universe).is_err());
}

#[test]
fn r18_a_dependency_that_is_only_elsewhere_is_refused_with_the_command_that_approves_it() {
    let mut universe = universe([
        package("a", "stack", "1.0.0").needs("mlflow", "^2"),
        package("a", "mlflow", "2.0.0").needs("s3", "^1"),
        package("b", "s3", "1.0.0").needs("ceph", "*"),
        package("c", "ceph", "1.0.0"),
    ]);
    let wanted = [want("stack", "*")];
    let refusal = refused(&wanted, &universe);
    assert_snapshot!(refusal);
    // Repository b may not fetch from c either: both are approved, or nothing comes.
    universe.approved.insert(("s3".to_owned(), "b".to_owned()));
    let second = refused(&wanted, &universe).to_string();
    assert!(second.contains("pull stack --approve ceph@c`"), "{second}");
    universe
        .approved
        .insert(("ceph".to_owned(), "c".to_owned()));
    assert_eq!(
        chosen(&wanted, &universe),
        ["ceph 1.0.0", "s3 1.0.0", "mlflow 2.0.0", "stack 1.0.0"]
    );
}

#[test]
fn r18_an_approval_is_of_one_name_in_one_repository() {
    let base = || {
        universe([
            package("a", "stack", "1.0.0").needs("s3", "^1"),
            package("b", "s3", "1.0.0"),
        ])
    };
    for (name, id, fits) in [("s3", "b", true), ("s3", "c", false), ("stack", "b", false)] {
        let mut universe = base();
        universe.approved.insert((name.to_owned(), id.to_owned()));
        assert_eq!(
            solve(&[want("stack", "*")], &universe).is_ok(),
            fits,
            "{name}@{id}"
        );
    }
}

#[test]
fn r18_an_older_version_that_stays_at_home_is_taken_and_the_newer_one_is_named() {
    let universe = universe([
        package("a", "stack", "2.0.0").needs("s3", "^2"),
        package("a", "stack", "1.0.0").needs("s3", "^1"),
        package("a", "s3", "1.0.0"),
        package("b", "s3", "2.0.0"),
    ]);
    let solution = solve(&[want("stack", "*")], &universe).unwrap();
    assert_eq!(names(&solution), ["s3 1.0.0", "stack 1.0.0"]);
    assert_eq!(
        solution.notes,
        [
            "stack 2.0.0 was passed over: it needs s3 `^2`, but s3 2.0.0 cannot be taken: it is only in \
          repository b, from which nothing is fetched for a package of repository a"
        ]
    );
}

#[test]
fn r19_dependencies_come_before_what_needs_them_and_circles_end() {
    let universe = universe([
        package(ABC, "a", "1.0.0").needs("z", "*"),
        package(ABC, "z", "1.0.0").needs("m", "*"),
        package(ABC, "m", "1.0.0").needs("n", "*"),
        package(ABC, "n", "1.0.0")
            .needs("m", "*")
            .needs("leaf", "*"),
        package(ABC, "leaf", "1.0.0"),
    ]);
    let solution = solve(&[want("a", "*")], &universe).unwrap();
    assert_eq!(
        names(&solution),
        ["leaf 1.0.0", "n 1.0.0", "m 1.0.0", "z 1.0.0", "a 1.0.0"]
    );
    let m = solution.get("m").unwrap();
    assert_eq!(
        m.requested_by,
        BTreeSet::from(["n".to_owned(), "z".to_owned()])
    );
    assert!(m.wanted.is_empty());
    let a = solution.get("a").unwrap();
    assert_eq!(a.wanted, BTreeSet::from(["*".to_owned()]));
}

#[test]
fn r19_in_a_circle_what_is_optional_waits() {
    let universe = universe([
        package(ABC, "a", "1.0.0").needs("c", "*"),
        package(ABC, "b", "1.0.0").needs("a", "*"),
        package(ABC, "c", "1.0.0").can_use("b", "*"),
    ]);
    assert_eq!(
        chosen(&[want("a", "*")], &universe),
        ["c 1.0.0", "a 1.0.0", "b 1.0.0"]
    );
}

#[test]
fn r49_an_exact_version_is_that_version() {
    let universe = universe(versions(ABC, "mlflow", &["1.2.3", "1.9.0"], |one| one));
    assert_eq!(
        chosen(&[want("mlflow", "1.2.3")], &universe),
        ["mlflow 1.2.3"]
    );
}

#[test]
fn r50_caret_and_tilde_end_where_they_should() {
    let all = [
        "0.0.3", "0.0.4", "0.2.3", "0.2.9", "0.3.0", "1.2.0", "1.2.9", "1.3.0", "1.9.0", "2.0.0",
    ];
    let universe = universe(versions(ABC, "mlflow", &all, |one| one));
    for (range, version) in [
        ("^1.2.0", "1.9.0"),
        ("^0.2.3", "0.2.9"),
        ("^0.0.3", "0.0.3"),
        ("~1.2.0", "1.2.9"),
        ("~1.2", "1.2.9"),
        ("~1", "1.9.0"),
    ] {
        let expected = format!("mlflow {version}");
        assert_eq!(
            chosen(&[want("mlflow", range)], &universe),
            [expected],
            "{range}"
        );
    }
}

#[test]
fn r51_a_range_has_both_its_ends_and_its_like_with_a_pre_release_is_no_part_of_it() {
    let all = ["1.1.0", "1.2.0", "1.5.0", "1.5.1", "1.2.0-1.5.0"];
    let everything = universe(versions(ABC, "mlflow", &all, |one| one));
    for range in ["1.2.0-1.5.0", "1.2.0 - 1.5.0", ">=1.2.0, <=1.5.0"] {
        assert_eq!(
            chosen(&[want("mlflow", range)], &everything),
            ["mlflow 1.5.0"],
            "{range}"
        );
    }
    let low = universe(versions(ABC, "mlflow", &["1.2.0", "1.1.0"], |one| one));
    assert_eq!(
        chosen(&[want("mlflow", "1.2.0-1.5.0")], &low),
        ["mlflow 1.2.0"]
    );
    assert_eq!(
        chosen(&[want("mlflow", "=1.2.0-1.5.0")], &everything),
        ["mlflow 1.2.0-1.5.0"]
    );
}

#[test]
fn r52_any_version_is_the_highest_release() {
    let all = ["1.9.0", "1.10.0", "2.0.0-rc.1"];
    let mixed = universe(versions(ABC, "mlflow", &all, |one| one));
    for range in ["*", "latest"] {
        assert_eq!(
            chosen(&[want("mlflow", range)], &mixed),
            ["mlflow 1.10.0"],
            "{range}"
        );
    }
    let early = universe(versions(
        ABC,
        "mlflow",
        &["2.0.0-rc.1", "2.0.0-rc.2"],
        |one| one,
    ));
    assert_snapshot!(refused(&[want("mlflow", "latest")], &early));
}

#[test]
fn r75_it_goes_back_to_an_older_version_where_the_newest_does_not_fit() {
    let universe = universe([
        package(ABC, "stack", "1.0.0")
            .needs("mlflow", "*")
            .needs("s3", "^1"),
        package(ABC, "mlflow", "3.0.0").needs("s3", "^3"),
        package(ABC, "mlflow", "2.0.0").needs("s3", "^2"),
        package(ABC, "mlflow", "1.0.0").needs("s3", "^1"),
        package(ABC, "s3", "1.0.0"),
        package(ABC, "s3", "2.0.0"),
        package(ABC, "s3", "3.0.0"),
    ]);
    assert_eq!(
        chosen(&[want("stack", "*")], &universe),
        ["s3 1.0.0", "mlflow 1.0.0", "stack 1.0.0"]
    );
}

#[test]
fn r75_a_conflict_names_every_package_version_constraint_and_parent() {
    let mut packages = versions(ABC, "mlflow", &["2.0.0", "2.1.0", "2.4.0"], |one| {
        one.needs("s3", "^3")
    });
    packages.extend(versions(ABC, "mlflow", &["1.4.0"], |one| {
        one.needs("s3", "^2")
    }));
    packages.push(package(ABC, "minio", "1.0.0").needs("s3", ">=2, <3"));
    packages.extend(versions(ABC, "s3", &["2.0.0", "2.1.0", "3.0.0"], |one| one));
    let universe = universe(packages);
    assert_snapshot!(refused(
        &[want("mlflow", "^2"), want("minio", "*")],
        &universe
    ));
}

#[test]
fn r75_what_is_not_in_the_cache_is_not_taken_offline() {
    let offline = "it is not in the cache, and --offline fetches nothing";
    let universe = universe([
        package(ABC, "mlflow", "1.0.0"),
        package(ABC, "mlflow", "1.1.0").barred(offline),
        package(ABC, "s3", "1.0.0").barred(offline),
    ]);
    let solution = solve(&[want("mlflow", "*")], &universe).unwrap();
    assert_eq!(names(&solution), ["mlflow 1.0.0"]);
    assert_eq!(
        solution.notes,
        [format!("mlflow 1.1.0 was passed over: {offline}")]
    );
    assert_snapshot!(refused(&[want("s3", "*")], &universe));
}
