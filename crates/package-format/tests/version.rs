//! Tests of package versions.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests may do what tests may do"
)]

use extension_registry_core::diagnostic::Explain;
use extension_registry_package_format::version;

fn newest(range: &str, versions: &[&str]) -> Result<String, String> {
    let versions: Vec<semver::Version> =
        versions.iter().map(|text| text.parse().unwrap()).collect();
    let range = range.parse().unwrap();
    match version::newest(&range, &versions) {
        Ok(version) => Ok(version.to_string()),
        Err(error) => Err(error.explained()),
    }
}

#[test]
fn exact_version_matches_only_itself() {
    assert_eq!(
        newest("1.2.3", &["1.9.0", "1.2.3", "1.2.4"]).unwrap(),
        "1.2.3"
    );
    let error = newest("1.2.3", &["1.9.0"]).unwrap_err();
    assert_eq!(
        error,
        "no version matches `1.2.3`; hint: change the range; the highest available version is 1.9.0"
    );
}

#[test]
fn matches_caret_and_tilde_ranges() {
    for (range, inside, outside) in [
        (
            "^1.2.0",
            vec!["1.2.0", "1.9.9"],
            vec!["1.1.9", "2.0.0", "2.0.0-rc.1", "1.3.0-rc.1"],
        ),
        ("^0.2.3", vec!["0.2.3", "0.2.9"], vec!["0.2.2", "0.3.0"]),
        ("^0.0.3", vec!["0.0.3"], vec!["0.0.2", "0.0.4"]),
        ("~1.2", vec!["1.2.0", "1.2.9"], vec!["1.1.0", "1.3.0"]),
        ("~1.2.3", vec!["1.2.3", "1.2.9"], vec!["1.2.2", "1.3.0"]),
        ("~1", vec!["1.0.0", "1.9.9"], vec!["0.9.0", "2.0.0"]),
    ] {
        for version in inside {
            assert!(
                version::satisfies(version, range).unwrap(),
                "{version} in {range}"
            );
        }
        for version in outside {
            assert!(
                !version::satisfies(version, range).unwrap(),
                "{version} not in {range}"
            );
        }
    }
}

#[test]
fn inclusive_range_includes_both_ends() {
    let versions = ["1.1.9", "1.2.0", "1.4.0", "1.5.0", "1.5.1", "1.2.0-1.5.0"];
    for range in ["1.2.0-1.5.0", "1.2.0 - 1.5.0", ">=1.2.0, <=1.5.0"] {
        let inside: Vec<&str> = versions
            .into_iter()
            .filter(|version| version::satisfies(version, range).unwrap())
            .collect();
        assert_eq!(inside, ["1.2.0", "1.4.0", "1.5.0"], "{range}");
    }
    // A pre-release of that name is asked for by its text.
    assert_eq!(newest("=1.2.0-1.5.0", &versions).unwrap(), "1.2.0-1.5.0");
}

#[test]
fn any_is_highest_release() {
    for range in ["*", "latest"] {
        assert_eq!(
            newest(range, &["1.9.0", "1.10.0", "2.0.0-rc.1"]).unwrap(),
            "1.10.0"
        );
        let error = newest(range, &["2.0.0-rc.1", "2.0.0-rc.2"]).unwrap_err();
        assert!(error.contains("request `=2.0.0-rc.2`"), "{error}");
    }
    assert!(
        newest("*", &[])
            .unwrap_err()
            .contains("no versions are available")
    );
}

#[test]
fn compares_sorts_and_matches_versions() {
    assert!(version::compare("v1.2", "1.2.0").unwrap().is_eq());
    assert!(version::compare("1.2.0-rc.1", "1.2.0").unwrap().is_lt());
    assert!(version::compare("1.0.0+a", "1.0.0+b").unwrap().is_eq());
    let error = version::compare("one", "1.0.0").unwrap_err();
    assert!(
        error.to_string().contains("invalid version `one`"),
        "{error}"
    );
    let mut versions: Vec<semver::Version> = ["1.2.0", "1.10.0", "1.9.0", "1.10.0-rc.1"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    version::sort(&mut versions);
    let texts: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["1.10.0", "1.10.0-rc.1", "1.9.0", "1.2.0"]);
    assert!(version::satisfies("1.0.0", "1.0.0-").is_err());
}

#[test]
fn exact_version_includes_build_metadata() {
    let all = [
        "1.2.3+build.6",
        "1.2.3",
        "1.2.3+build.5",
        "1.2.3+build.10",
        "1.0.0+a",
    ];
    for (range, expected) in [
        ("1.2.3+build.5", "1.2.3+build.5"),
        ("=1.2.3+build.5", "1.2.3+build.5"),
        ("= v1.2.3+build.6", "1.2.3+build.6"),
        ("1.2.3", "1.2.3"),
        ("=1.2.3", "1.2.3"),
        ("0.1.0 || 1.2.3+build.5", "1.2.3+build.5"),
        // Numeric identifiers are compared as numbers, as in pre-releases.
        ("^1.2.3", "1.2.3+build.10"),
        ("^1.2.3+build.5", "1.2.3+build.10"),
        (">=1.2.3, <2", "1.2.3+build.10"),
        ("*", "1.2.3+build.10"),
        ("1.2.x", "1.2.3+build.10"),
    ] {
        assert_eq!(newest(range, &all).unwrap(), expected, "{range}");
        let mut backward = all;
        backward.reverse();
        assert_eq!(newest(range, &backward).unwrap(), expected, "{range}");
    }
    assert!(!version::satisfies("1.2.3+build.6", "1.2.3").unwrap());
    assert!(!version::satisfies("1.2.3", "1.2.3+build.6").unwrap());
    assert!(version::satisfies("1.2.3+build.6", "~1.2.3").unwrap());
    for range in ["1.2.3+a, 1.2.3+b", "=1.2.3+a =1.2.3"] {
        assert!(!version::satisfies("1.2.3+a", range).unwrap(), "{range}");
    }
}

#[test]
fn missing_build_is_suggested() {
    assert_eq!(
        newest("=1.2.3", &["1.2.3+build.5", "1.2.3+build.6", "2.0.0"]).unwrap_err(),
        "no version matches `=1.2.3`; hint: 1.2.3 is available with other build metadata; \
         request `=1.2.3+build.6` or `=1.2.3+build.5`"
    );
    assert_eq!(
        newest("1.2.3+build.7", &["1.2.3"]).unwrap_err(),
        "no version matches `1.2.3+build.7`; hint: 1.2.3 is available with other build metadata; \
         request `=1.2.3`"
    );
    // A pre-release with build metadata is suggested as it is written.
    let error = newest("1.2.3", &["1.2.3-rc.1+build.5"]).unwrap_err();
    assert!(error.contains("`=1.2.3-rc.1+build.5`"), "{error}");
}

#[test]
fn choice_between_builds_is_explained() {
    let parse = |text: &str| -> semver::Version { text.parse().unwrap() };
    let all = ["1.2.3", "1.2.3+b.6", "1.2.3+b.10", "1.2.2+b.1"].map(parse);
    let note = version::build_choice(&all[2], &all).unwrap();
    assert_eq!(
        note.explained(),
        "selected 1.2.3+b.10 from 3 builds of 1.2.3: 1.2.3+b.10, 1.2.3+b.6, 1.2.3; hint: request \
         `=1.2.3+b.6` or another of them to use it"
    );
    let note = version::build_choice(&all[1], &all[..2]).unwrap();
    assert!(
        note.explained()
            .ends_with("hint: request `=1.2.3` to use it")
    );
    // A single build is no choice.
    assert_eq!(version::build_choice(&all[3], &all), None);
}
