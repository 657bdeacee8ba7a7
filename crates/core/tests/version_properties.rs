//! Properties of versions and ranges.

use std::ops::RangeBounds;

use extension_registry_core::version::{RecordVersion, Version, VersionRange};
use proptest::prelude::*;

/// Small numbers, so that versions often match.
fn version() -> impl Strategy<Value = String> {
    (
        "[v]?",
        "[0-3]([.][0-3]([.][0-3])?)?",
        "(-(0|1|rc|rc[.]1))?",
        "([+]b)?",
    )
        .prop_map(|(v, numbers, prerelease, build)| v + &numbers + &prerelease + &build)
}

fn comparator() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ("(|=|>|>=|<|<=|\\^|~)", "[ ]?", version()).prop_map(|(o, space, v)| o + &space + &v),
        1 => (version(), version()).prop_map(|(from, to)| format!("{from} - {to}")),
        1 => (version(), version()).prop_map(|(from, to)| format!("{from}-{to}")),
        1 => "[0-3]([.][0-3])?[.][x*]",
        1 => "=[a-c]",
    ]
}

fn alternative() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (comparator(), "[ ,]", comparator()).prop_map(|(a, between, b)| a + &between + &b),
        12 => comparator(),
        1 => "[*]|latest",
    ]
}

fn range() -> impl Strategy<Value = String> {
    prop::collection::vec(alternative(), 1..4).prop_map(|all| all.join(" || "))
}

fn stated() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        8 => version().prop_map(Some),
        1 => "[a-c]".prop_map(Some),
        1 => Just(None),
    ]
}

fn matches(range: &VersionRange, stated: Option<&str>) -> bool {
    range.matches(stated.map(RecordVersion::new).as_ref())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = Version::parse(&text);
        if let Err(error) = text.parse::<VersionRange>() {
            prop_assert!((1..=text.chars().count().max(1)).contains(&error.column), "{error}");
        }
    }

    #[test]
    fn range_like_text_never_panics(text in "[0-9v.x*+|<>=!~^, \\-a-c–≥]{0,24}") {
        if let Err(error) = text.parse::<VersionRange>() {
            prop_assert!((1..=text.chars().count().max(1)).contains(&error.column), "{error}");
            prop_assert!(!error.message.is_empty());
        }
    }

    #[test]
    fn range_prints_as_written(text in range()) {
        if let Ok(range) = text.parse::<VersionRange>() {
            prop_assert_eq!(range.to_string(), text.clone());
            prop_assert_eq!(text.parse::<VersionRange>(), Ok(range));
        }
    }

    #[test]
    fn hull_contains_every_match(text in range(), version in version()) {
        let Ok(range) = text.parse::<VersionRange>() else { return Ok(()) };
        if let Some(hull) = range.hull()
            && matches(&range, Some(&version))
        {
            let version = Version::parse(&version).unwrap();
            prop_assert!(hull.contains(&version), "{text} {version}");
        }
    }

    #[test]
    fn range_without_hull_may_match_unversioned_records(text in range()) {
        let Ok(range) = text.parse::<VersionRange>() else { return Ok(()) };
        if range.hull().is_some() {
            prop_assert!(!matches(&range, None));
            prop_assert!(["a", "b", "c", "1.2.3.4"].iter().all(|text| !matches(&range, Some(text))));
        }
    }

    #[test]
    fn alternatives_are_a_union(left in range(), right in range(), stated in stated()) {
        let (Ok(one), Ok(other)) = (left.parse::<VersionRange>(), right.parse::<VersionRange>()) else {
            return Ok(());
        };
        let both: VersionRange = format!("{left} || {right}").parse().unwrap();
        let stated = stated.as_deref();
        prop_assert_eq!(matches(&both, stated), matches(&one, stated) || matches(&other, stated));
        prop_assert_eq!(both.is_any(), one.is_any() || other.is_any());
    }

    #[test]
    fn comparators_are_an_intersection(left in comparator(), right in comparator(), version in "[0-3][.][0-3][.][0-3]") {
        let (Ok(one), Ok(other)) = (left.parse::<VersionRange>(), right.parse::<VersionRange>()) else {
            return Ok(());
        };
        let expected = matches(&one, Some(&version)) && matches(&other, Some(&version));
        match format!("{left}, {right}").parse::<VersionRange>() {
            Ok(both) => prop_assert_eq!(matches(&both, Some(&version)), expected),
            Err(error) => prop_assert!(!expected, "{error}"),
        }
    }

    #[test]
    fn prerelease_requires_alternative_with_prerelease(text in range(), version in version()) {
        let Ok(range) = text.parse::<VersionRange>() else { return Ok(()) };
        let parsed = Version::parse(&version).unwrap();
        if parsed.is_prerelease() && !range.is_any() && matches(&range, Some(&version)) {
            prop_assert!(text.contains("-0") || text.contains("-1") || text.contains("-rc"), "{text} {version}");
        }
    }

    #[test]
    fn order_is_total(left in version(), middle in version(), right in version()) {
        let [a, b, c] = [left, middle, right].map(|text| Version::parse(&text).unwrap());
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn version_round_trips(text in "[v]?[0-9]{1,30}([.][0-9]{1,30}){0,2}(-[0-9a-z\\-]{1,4}([.][0-9a-z\\-]{1,4})?)?") {
        let version = Version::parse(&text).unwrap();
        prop_assert_eq!(Version::parse(&version.to_string()), Some(version));
    }

    #[test]
    fn order_agrees_with_semver(left in "[0-3][.][0-3][.][0-3](-(0|1|10|rc|rc[.]1))?", right in "[0-3][.][0-3][.][0-3](-(0|1|10|rc|rc[.]1))?") {
        let found = Version::parse(&left).cmp(&Version::parse(&right));
        let expected = semver::Version::parse(&left).unwrap().cmp(&semver::Version::parse(&right).unwrap());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn comparators_agree_with_semver(
        operators in prop::collection::vec(("(=|>|>=|<|<=|\\^|~)", "[0-3][.][0-3][.][0-3]"), 1..3),
        version in "[0-4][.][0-4][.][0-4]",
    ) {
        let all: Vec<String> = operators.into_iter().map(|(operator, version)| operator + &version).collect();
        let text = all.join(", ");
        let expected = semver::VersionReq::parse(&text).unwrap().matches(&semver::Version::parse(&version).unwrap());
        match text.parse::<VersionRange>() {
            Ok(range) => prop_assert_eq!(matches(&range, Some(&version)), expected, "{} {}", text, version),
            Err(_) => prop_assert!(!expected, "{text} {version}"),
        }
    }
}
