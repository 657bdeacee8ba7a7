//! The lock file.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::collections::BTreeSet;

use extension_registry_package_format::Digest;
use extension_registry_package_format::lock::{Lock, LockError, Locked};
use extension_registry_package_format::manifest::Kind;
use extension_registry_package_solve::{
    Candidate, Difference, Origin, RequestedPackage, Universe, solve,
};

fn locked(name: &str, version: &str) -> Locked {
    Locked {
        name: name.to_owned(),
        kind: "record".to_owned(),
        version: version.parse().unwrap(),
        repository: "hub".to_owned(),
        locator: format!("hub/{name}"),
        content: Digest::of(name.as_bytes()),
        configuration: Some(Digest::of(b"configuration")),
        document: None,
        manifest: None,
        signed_by: vec!["alice".to_owned()],
        requested_by: BTreeSet::from(["root".to_owned()]),
    }
}

fn lock(packages: &[(&str, &str)]) -> Lock {
    Lock {
        packages: packages
            .iter()
            .map(|(name, version)| locked(name, version))
            .collect(),
    }
}

#[test]
fn text_is_independent_of_package_order() {
    let one = lock(&[("b", "1.0.0"), ("a", "2.0.0-rc.1+build")]);
    let other = lock(&[("a", "2.0.0-rc.1+build"), ("b", "1.0.0")]);
    assert_eq!(one.to_text(), other.to_text());
    let read = Lock::read(&one.to_text()).unwrap();
    assert_eq!(read, other);
    assert_eq!(read.to_text(), one.to_text());
    insta::assert_snapshot!(one.to_text());
}

#[test]
fn invalid_lock_error_has_position() {
    let good = lock(&[("a", "1.0.0")]).to_text();
    let error = Lock::read(&good.replace("version = \"1.0.0\"", "version = \"one\"")).unwrap_err();
    let LockError::Toml { line, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*line, 7, "{error}");
    let error = Lock::read(&format!("{good}unknown = 1\n")).unwrap_err();
    assert!(error.to_string().contains("unknown field"), "{error}");
    let error = Lock::read("version = 1\n[[package]]\nname = \n").unwrap_err();
    assert!(matches!(error, LockError::Toml { line: 3, .. }), "{error}");
    let error = Lock::read(&good.replace("version = 1\n", "version = 9\n")).unwrap_err();
    assert_eq!(error, LockError::Version(9));
    let twice = lock(&[("a", "1.0.0"), ("a", "1.1.0")]).to_text();
    assert_eq!(
        Lock::read(&twice).unwrap_err(),
        LockError::Twice("a".to_owned())
    );
}

fn universe(candidates: &[(&str, &str)]) -> Universe {
    let mut universe = Universe::default();
    for (name, version) in candidates {
        let candidate = Candidate {
            version: version.parse().unwrap(),
            kind: Kind::Record,
            origin: Origin::Repository("hub".to_owned()),
            dependencies: Vec::new(),
            requires: Vec::new(),
            rejection: None,
        };
        universe
            .candidates
            .entry((*name).to_owned())
            .or_default()
            .push(candidate);
    }
    universe
}

fn wanted(name: &str, range: &str) -> RequestedPackage {
    RequestedPackage {
        name: name.to_owned(),
        range: range.parse().unwrap(),
        kind: None,
        repository: None,
    }
}

#[test]
fn prefers_locked_version_while_it_matches() {
    let lock = lock(&[("a", "1.0.0")]);
    let mut universe = universe(&[("a", "1.0.0"), ("a", "1.1.0"), ("a", "2.0.0")]);
    universe.prefer(&lock);
    let solution = solve(&[wanted("a", "^1")], &universe).unwrap();
    assert_eq!(solution.chosen[0].version.to_string(), "1.0.0");
    assert_eq!(solution.differences(&lock), []);
    let solution = solve(&[wanted("a", "^2")], &universe).unwrap();
    assert_eq!(solution.chosen[0].version.to_string(), "2.0.0");
}

#[test]
fn reports_all_differences() {
    let lock = lock(&[("a", "1.0.0"), ("gone", "1.0.0")]);
    let mut universe = universe(&[("a", "2.0.0"), ("new", "1.0.0")]);
    universe.candidates.get_mut("a").unwrap()[0].origin = Origin::Repository("other".to_owned());
    let solution = solve(&[wanted("a", "*"), wanted("new", "*")], &universe).unwrap();
    let differences = solution.differences(&lock);
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "a is locked to 1.0.0, but would resolve to 2.0.0",
            "a is locked to repository hub, but would come from other",
            "new is required but not locked",
            "gone is locked but not required",
        ]
    );
    assert!(differences.contains(&Difference::Gone("gone".to_owned())));
}

#[test]
fn changed_version_error_names_both_digests() {
    let locked = locked("a", "1.0.0");
    let configuration = locked.configuration;
    locked
        .check(Some(locked.content), configuration, None)
        .unwrap();
    // Known only once it is fetched.
    locked.check(None, configuration, None).unwrap();
    let other = Digest::of(b"other");
    let error = locked
        .check(Some(other), configuration, None)
        .unwrap_err()
        .to_string();
    assert!(error.contains(&other.to_string()), "{error}");
    assert!(error.contains(&locked.content.to_string()), "{error}");
    let error = locked
        .check(Some(locked.content), None, None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("configuration is missing"), "{error}");
}
