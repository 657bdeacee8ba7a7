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
