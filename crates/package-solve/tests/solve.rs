//! Tests of dependency resolution.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

mod solving;

use std::collections::BTreeSet;

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_solve::{Origin, RequestedPackage, solve};
use insta::assert_snapshot;
use solving::{chosen, names, package, refused, universe, versions, want};

const ABC: &str = "team";

#[test]
fn selects_newest_version_for_platform() {
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
        ["skipped mlflow 2.0.0 and 2.1.0: requires kubernetes `>=1.40`, but found 1.36.3"]
    );
    assert_snapshot!(refused(&[want("mlflow", "^2")], &universe).explained());
}

#[test]
fn names_missing_platform_components() {
    let mut universe = universe([package(ABC, "mlflow", "1.0.0")
        .requires("docker", "*")
        .requires("helm", "^3")]);
    universe.platform.insert("helm".to_owned(), None);
    assert_snapshot!(refused(&[want("mlflow", "*")], &universe).explained());
}

#[test]
fn vendor_suffix_is_not_a_pre_release() {
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
fn dependencies_are_all_or_nothing() {
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
    assert_snapshot!(refused(&[want("stack", "*")], &one).explained());
}

#[test]
fn never_selects_unsupported_type() {
    let odd = Kind::Unsupported("wasm".to_owned());
    let universe = universe([
        package(ABC, "mlflow", "1.0.0"),
        package(ABC, "mlflow", "2.0.0").of_kind(odd.clone()),
    ]);
    assert_eq!(chosen(&[want("mlflow", "*")], &universe), ["mlflow 1.0.0"]);
    assert_snapshot!(refused(&[want("mlflow", "^2")], &universe).explained());
    // Nor where somebody asks for that very type.
    let asked = RequestedPackage {
        kind: Some(odd),
        ..want("mlflow", "*")
    };
    assert!(solve(&[asked], &universe).is_err());
}

#[test]
fn dependency_comes_from_installed_system_or_same_repository() {
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
fn ignores_higher_version_in_unapproved_repository() {
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
            "skipped s3 1.9.0: only available in repository b, which is not approved for dependencies of packages from repository a"
        ]
    );
}

#[test]
fn system_repository_is_closed() {
    let mut universe = universe([
        package("base", "stack", "1.0.0").needs("s3", "^1"),
        package("a", "s3", "1.0.0"),
    ]);
    universe.system = Some("base".to_owned());
    assert!(solve(&[want("stack", "*")], &universe).is_err());
}

#[test]
fn system_dependency_ignores_approvals() {
    let mut universe = universe([
        package("a", "stack", "1.0.0").needs_of_the_system("s3", "^1"),
        package("a", "s3", "1.0.0"),
    ]);
    universe.system = Some("base".to_owned());
    universe.approved.insert(("s3".to_owned(), "a".to_owned()));
    assert_snapshot!(refused(&[want("stack", "*")], &universe).explained());
}

#[test]
fn installed_package_keeps_its_repository() {
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
fn suggests_command_to_approve_dependency() {
    let mut universe = universe([
        package("a", "stack", "1.0.0").needs("mlflow", "^2"),
        package("a", "mlflow", "2.0.0").needs("s3", "^1"),
        package("b", "s3", "1.0.0").needs("ceph", "*"),
        package("c", "ceph", "1.0.0"),
    ]);
    let wanted = [want("stack", "*")];
    let refusal = refused(&wanted, &universe);
    assert_snapshot!(refusal.explained());
    // Repository b may not fetch from c either: both are approved, or nothing comes.
    universe.approved.insert(("s3".to_owned(), "b".to_owned()));
    let second = refused(&wanted, &universe).explained();
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
fn approval_covers_one_name_in_one_repository() {
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
fn prefers_older_version_with_permitted_dependencies() {
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
            "skipped stack 2.0.0: depends on s3 `^2`, but s3 2.0.0 cannot be used: only available in \
          repository b, which is not approved for dependencies of packages from repository a"
        ]
    );
}

#[test]
fn dependencies_come_first_and_cycles_terminate() {
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
fn optional_dependency_comes_last_in_cycle() {
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
fn exact_version_selects_that_version() {
    let universe = universe(versions(ABC, "mlflow", &["1.2.3", "1.9.0"], |one| one));
    assert_eq!(
        chosen(&[want("mlflow", "1.2.3")], &universe),
        ["mlflow 1.2.3"]
    );
}

#[test]
fn caret_and_tilde_have_correct_bounds() {
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
fn inclusive_range_excludes_pre_releases() {
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
fn any_version_selects_highest_release() {
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
    assert_snapshot!(refused(&[want("mlflow", "latest")], &early).explained());
}

#[test]
fn backtracks_to_older_version() {
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
fn conflict_names_packages_versions_and_ranges() {
    let mut packages = versions(ABC, "mlflow", &["2.0.0", "2.1.0", "2.4.0"], |one| {
        one.needs("s3", "^3")
    });
    packages.extend(versions(ABC, "mlflow", &["1.4.0"], |one| {
        one.needs("s3", "^2")
    }));
    packages.push(package(ABC, "minio", "1.0.0").needs("s3", ">=2, <3"));
    packages.extend(versions(ABC, "s3", &["2.0.0", "2.1.0", "3.0.0"], |one| one));
    let universe = universe(packages);
    assert_snapshot!(refused(&[want("mlflow", "^2"), want("minio", "*")], &universe).explained());
}

#[test]
fn offline_rejects_uncached_packages() {
    let offline = "not in the cache, and --offline disables downloads";
    let universe = universe([
        package(ABC, "mlflow", "1.0.0"),
        package(ABC, "mlflow", "1.1.0").rejection(offline),
        package(ABC, "s3", "1.0.0").rejection(offline),
    ]);
    let solution = solve(&[want("mlflow", "*")], &universe).unwrap();
    assert_eq!(names(&solution), ["mlflow 1.0.0"]);
    assert_eq!(solution.notes, [format!("skipped mlflow 1.1.0: {offline}")]);
    assert_snapshot!(refused(&[want("s3", "*")], &universe).explained());
}
