//! Version ranges by example.

#![expect(clippy::panic, reason = "test helpers panic")]

use std::ops::Bound;

use extension_registry_core::version::{RangeError, RecordVersion, Version, VersionRange};

fn range(text: &str) -> VersionRange {
    text.parse()
        .unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn error(text: &str) -> RangeError {
    match text.parse::<VersionRange>() {
        Ok(_) => panic!("`{text}` is a range"),
        Err(error) => error,
    }
}

fn matches(range_text: &str, version: &str) -> bool {
    range(range_text).matches(Some(&RecordVersion::new(version)))
}

/// Range, matching versions, other versions.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    // Exact
    (
        "1.2.3",
        &["1.2.3", "v1.2.3", "1.2.3+build.5"],
        &["1.2.4", "1.2.2", "1.3.0", "1.2.3-rc.1"],
    ),
    ("=1.2.3", &["1.2.3"], &["1.2.4"]),
    ("= 1.2.3", &["1.2.3"], &["1.2.4"]),
    ("1.19.0", &["1.19", "1.19.0"], &["1.19.1"]),
    ("1.19", &["1.19", "1.19.0", "v1.19"], &["1.19.1", "1.20.0"]),
    ("=1.2", &["1.2.0", "1.2"], &["1.2.1"]),
    ("v1.2", &["1.2", "1.2.0", "v1.2.0"], &["1.2.1"]),
    ("=v1.2", &["1.2.0"], &["1.2.1"]),
    ("1", &["1", "1.0.0"], &["1.0.1", "1.1"]),
    ("1.2.3+build", &["1.2.3", "1.2.3+other"], &["1.2.4"]),
    (
        "2021.03",
        &["2021.3.0", "2021.03", "2021.3"],
        &["2021.3.1", "2021.4"],
    ),
    // Operators
    (
        ">=0.4.0",
        &["0.4.0", "0.6.0", "10.0.0", "0.4"],
        &["0.3.9", "0.4.0-rc.1", "0.5.0-rc.1"],
    ),
    (">= 0.4.0", &["0.4.0", "0.6.0"], &["0.3.9"]),
    (">=v0.4", &["0.4.0", "v0.6.0"], &["0.3.9"]),
    (">1.2", &["1.2.1", "1.3.0"], &["1.2.0", "1.2"]),
    ("<=1.2", &["1.2.0", "0.1"], &["1.2.1"]),
    (
        "<2.0.0",
        &["1.9.9", "0"],
        &["2.0.0", "2.0.0-rc.1", "1.9.9-rc.1"],
    ),
    ("<=2.0.0", &["2.0.0"], &["2.0.0-rc.1", "2.0.1"]),
    (
        ">=1.0, <2.0",
        &["1.0", "1.9.9"],
        &["0.9", "2.0.0", "2.0.0-rc.1"],
    ),
    (">=1.0 <2.0", &["1.0", "1.9.9"], &["0.9", "2.0.0"]),
    (">=1.0,<2.0", &["1.0", "1.9.9"], &["0.9", "2.0.0"]),
    (">=1.0<2.0", &["1.0", "1.9.9"], &["0.9", "2.0.0"]),
    ("\t>=1.0 ,\n<2.0 ", &["1.0", "1.9.9"], &["0.9", "2.0.0"]),
    (">=1.0 <3 <2", &["1.5"], &["2.0.0", "2.5"]),
    (">1.0.0 <=1.0.1", &["1.0.1"], &["1.0.0", "1.0.2"]),
    // Caret
    (
        "^1.2",
        &["1.2.0", "1.9.9"],
        &["1.1.9", "2.0.0", "2.0.0-rc.1", "1.5.0-rc.1"],
    ),
    ("^1", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0", "2.0.0-rc.1"]),
    ("^ 1.2.3", &["1.2.3", "1.9.9"], &["1.2.2", "2.0.0"]),
    ("^0", &["0.0.0", "0.0.1", "0.9.9"], &["1.0.0"]),
    ("^0.0", &["0.0.0", "0.0.9"], &["0.1.0"]),
    ("^0.2.3", &["0.2.3", "0.2.9"], &["0.2.2", "0.3.0"]),
    ("^0.2", &["0.2.0", "0.2.9"], &["0.1.9", "0.3.0"]),
    ("^0.0.3", &["0.0.3"], &["0.0.2", "0.0.4"]),
    ("^0.0.0", &["0.0.0"], &["0.0.1"]),
    ("^v1.2", &["1.2.0"], &["2.0.0"]),
    // Tilde
    ("~1.2", &["1.2.0", "1.2.9"], &["1.1.9", "1.3.0"]),
    ("~1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0"]),
    ("~1", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0"]),
    ("~0", &["0.0.0", "0.9.9"], &["1.0.0"]),
    // Both ends included
    (
        "1.2.0-1.5.0",
        &["1.2.0", "1.3.7", "1.5.0"],
        &["1.1.9", "1.5.1", "1.5.0-rc.1"],
    ),
    (
        "1.2.0 - 1.5.0",
        &["1.2.0", "1.3.7", "1.5.0"],
        &["1.1.9", "1.5.1"],
    ),
    ("1.2-1.5", &["1.2.0", "1.5.0"], &["1.5.1", "1.1.9"]),
    ("1.2 - 1.5", &["1.2.0", "1.5.0"], &["1.5.1"]),
    ("1 - 2", &["1.0.0", "2.0.0"], &["2.0.1", "0.9"]),
    ("v1.2.0-v1.5.0", &["1.2.0", "1.5.0"], &["1.5.1"]),
    (
        "1.2.0-1.5.0-rc.1",
        &["1.2.0", "1.5.0-rc.1"],
        &["1.5.0", "1.5.0-rc.2"],
    ),
    ("1.2.0 - 1.2.0", &["1.2.0"], &["1.2.1"]),
    (
        "1.2.0 - 1.5.0 <1.4",
        &["1.2.0", "1.3.9"],
        &["1.4.0", "1.5.0"],
    ),
    // Hyphen of a pre-release
    (
        "1.2.0-5",
        &["1.2.0-5", "v1.2.0-5"],
        &["1.2.0", "1.3.0", "1.2.0-6", "5.0.0"],
    ),
    ("1-2", &["1.0.0-2"], &["1.0.0", "1.5.0", "2.0.0"]),
    ("1.2-5", &["1.2.0-5", "1.2-5"], &["1.2.0", "3.0.0"]),
    ("1.2.0-1.5.0.1", &["1.2.0-1.5.0.1"], &["1.2.0", "1.3.0"]),
    ("=1.19.0-1.2", &["1.19.0-1.2"], &["1.19.0", "1.5.0"]),
    (
        "1.2.0-rc.1-1.5.0",
        &["1.2.0-rc.1-1.5.0"],
        &["1.2.0-rc.1", "1.3.0"],
    ),
    // Wildcards
    (
        "1.2.x",
        &["1.2.0", "1.2.9"],
        &["1.1.9", "1.3.0", "1.3.0-rc.1", "1.2.5-rc.1"],
    ),
    ("1.2.X", &["1.2.0", "1.2.9"], &["1.3.0"]),
    ("1.2.*", &["1.2.0", "1.2.9"], &["1.3.0"]),
    ("1.*", &["1.0.0", "1.9.9"], &["0.9", "2.0.0"]),
    ("1.x.x", &["1.0.0", "1.9.9"], &["2.0.0"]),
    ("v1.x", &["1.0.0", "1.9.9"], &["2.0.0"]),
    ("1.x <1.5", &["1.4.9"], &["1.5.0"]),
    // Alternatives
    ("1.2.3 || 2.0", &["1.2.3", "2.0.0"], &["1.2.4", "2.0.1"]),
    ("1.2.3||^2", &["1.2.3", "2.5.0"], &["1.2.4", "3.0.0"]),
    ("=stable || >=2", &["stable", "2.1"], &["1.0", "beta"]),
    // Pre-releases match only alternatives that name one.
    (
        "2.0.0-rc.1",
        &["2.0.0-rc.1", "v2.0.0-rc.1+5"],
        &["2.0.0", "2.0.0-rc.2"],
    ),
    (
        ">=2.0.0-rc.1",
        &["2.0.0-rc.1", "2.0.0-rc.2", "2.0.0", "2.1.0", "3.0.0-rc.1"],
        &["2.0.0-beta"],
    ),
    (
        "^2.0.0-rc.1",
        &["2.0.0-rc.2", "2.9.0"],
        &["3.0.0-rc.1", "3.0.0", "2.0.0-rc.0"],
    ),
    (
        "~1.2.3-rc.1",
        &["1.2.3-rc.1", "1.2.9"],
        &["1.3.0-rc.1", "1.2.3-beta"],
    ),
    (
        ">=1.0.0-rc.1 <2.0.0",
        &["1.0.0-rc.2", "1.5.0"],
        &["2.0.0-rc.1", "2.0.0"],
    ),
    (
        "<2.0.0-rc.2",
        &["2.0.0-rc.1", "1.0"],
        &["2.0.0-rc.2", "2.0.0"],
    ),
    (">2.0.0-rc.1", &["2.0.0-rc.2", "2.0.0"], &["2.0.0-rc.1"]),
    (
        "^1 || 2.0.0-rc.1",
        &["1.5.0", "2.0.0-rc.1"],
        &["1.5.0-rc.1", "2.0.0"],
    ),
    ("1.2.0-007", &["1.2.0-7"], &["1.2.0-8"]),
    // Text
    (
        "=RELEASE.2021-08-05",
        &["RELEASE.2021-08-05"],
        &["RELEASE.2021-08-06", "2021.8.5", "release.2021-08-05"],
    ),
    (
        "= RELEASE.2021-08-05",
        &["RELEASE.2021-08-05"],
        &["RELEASE.2021-08-06"],
    ),
    ("=1.2.3.4", &["1.2.3.4"], &["1.2.3", "1.2.3.5"]),
    ("=latest", &["latest"], &["1.0"]),
    ("=a=b", &["a=b"], &["a"]),
    // Numbers of any length
    (
        ">=99999999999999999999999999.0.0",
        &[
            "99999999999999999999999999.0.0",
            "100000000000000000000000000",
        ],
        &["99999999999999999999999998.9.9", "18446744073709551616"],
    ),
    (
        "^18446744073709551615",
        &["18446744073709551615.5"],
        &["18446744073709551616"],
    ),
    (
        "~1.99999999999999999999",
        &["1.99999999999999999999.7"],
        &["1.100000000000000000000"],
    ),
];

#[test]
fn ranges_match_versions() {
    for (text, inside, outside) in TABLE {
        for version in *inside {
            assert!(matches(text, version), "`{text}` does not match {version}");
        }
        for version in *outside {
            assert!(!matches(text, version), "`{text}` matches {version}");
        }
        assert!(
            !range(text).matches(None),
            "`{text}` matches a record without a version"
        );
        assert!(!range(text).is_any(), "`{text}` is any");
        assert_eq!(range(text).to_string(), *text);
    }
}

#[test]
fn any_matches_with_and_without_version() {
    for text in ["*", "latest", " * ", "1.2 || *", "latest || =x"] {
        assert!(range(text).is_any(), "{text}");
        assert!(range(text).matches(None), "{text}");
        assert_eq!(range(text).hull(), None, "{text}");
        for version in ["1.2.3", "2.0.0-rc.1", "RELEASE.2021-08-05", "1.2.3.4", ""] {
            assert!(
                matches(text, version),
                "`{text}` does not match `{version}`"
            );
        }
    }
}

#[test]
fn four_parts_and_text_match_no_range() {
    for version in [
        "1.2.3.4",
        "RELEASE.2021-08-05",
        "",
        "1.2.3rc1",
        "1..2",
        "1.2.3-",
        "-1",
        "x",
        "1.x",
    ] {
        assert_eq!(RecordVersion::new(version).parsed(), None, "{version}");
        assert_eq!(RecordVersion::new(version).text(), version);
        for text in [">=0", "^1", "1.2.3", "<99", "1.*", "0 - 99"] {
            assert!(!matches(text, version), "`{text}` matches `{version}`");
        }
    }
}

/// Range, column, part of the message, part of the hint.
const ERRORS: &[(&str, usize, &str, &str)] = &[
    ("", 1, "empty", "`*`"),
    ("  ", 1, "empty", "`*`"),
    ("!=1.2", 1, "`!=`", "<1.2.0 || >1.2.0"),
    (">=1 !=1.2", 5, "`!=`", "||"),
    ("==1.2", 1, "`==`", "use `=`"),
    ("~>1.2", 1, "`~>`", "`~1.2.3`"),
    ("=>1.2", 1, "`=>`", "`>=`"),
    ("≥1.2", 1, "`≥`", "`>=`"),
    ("1.0 || => 2", 8, "`=>`", "`>=`"),
    ("^^1", 1, "`^^`", "use one of"),
    (">=1.x", 3, "`1.x` is a wildcard", "write `>=1`"),
    (">= 1.2.*", 4, "wildcard", "write `>=1.2`"),
    (">1.x", 2, "wildcard", "write `>=2.0.0`"),
    ("<=1.2.x", 3, "wildcard", "write `<1.3.0`"),
    ("=1.2.x", 2, "wildcard", "write `1.2.x`"),
    ("^1.x", 2, "wildcard", "write `^1`"),
    ("~1.x", 2, "wildcard", "write `~1`"),
    (">=*", 3, "`*` cannot be combined", ""),
    ("=*", 2, "`*` cannot be combined", ""),
    ("^latest", 2, "`latest` cannot be combined", ""),
    ("* >=1", 1, "`*` cannot be combined", ""),
    (">=1, latest", 6, "`latest` cannot be combined", ""),
    ("1.5.0-1.2.0", 1, "reversed", "lower"),
    ("1.5.0 - 1.2.0", 1, "reversed", "lower"),
    ("1.0.0-0.3.7", 1, "reversed", "`=`"),
    (">=1 || 1.5 - 1.2", 8, "reversed", "lower"),
    (">=2.0 <1.0", 7, "no version", "||"),
    (">1.0 <1.0", 6, "no version", "||"),
    (">=1.0, <1.0", 8, "no version", "||"),
    ("1.2.3 1.2.4", 7, "no version", "||"),
    ("||", 1, "alternative", "`*`"),
    ("|| 1.2", 1, "alternative", "`*`"),
    ("1.2 ||", 5, "alternative", "`*`"),
    ("1 || || 2", 6, "alternative", "`*`"),
    ("1 | 2", 3, "`|`", "`||`"),
    ("1 ||| 2", 5, "`|`", "`||`"),
    (",1.2", 1, "before `,`", ""),
    (">=1,,<2", 5, "before `,`", ""),
    (">=1,", 4, "after `,`", ""),
    (">=1, || 2", 4, "after `,`", ""),
    (">=", 1, "missing version after `>=`", ""),
    ("1.2 || >=", 8, "missing version after `>=`", ""),
    ("> =1.2", 1, "missing version after `>`", ""),
    (">= || 1", 1, "missing version after `>=`", ""),
    (">= -", 1, "missing version after `>=`", ""),
    ("1.2.3.4", 1, "more than three parts", "prefix it with `=`"),
    (">=v1.2.3.4", 3, "more than three parts", "use `=`"),
    ("1.2.3.*", 1, "more than three parts", "`=`"),
    (
        "RELEASE.2021-08-05",
        1,
        "invalid version `RELEASE.2021-08-05`",
        "prefix it with `=`",
    ),
    (">=RELEASE", 3, "invalid version `RELEASE`", "use `=`"),
    ("=RELEASE <2", 1, "exact text", "||"),
    ("<2 =RELEASE", 4, "exact text", "||"),
    ("=RELEASE 2021", 1, "exact text", "||"),
    ("Latest", 1, "invalid version `Latest`", "`*`"),
    ("x", 1, "invalid version `x`", "`*`"),
    ("1.2.0rc1", 1, "invalid version `1.2.0rc1`", "1.2.0-rc1"),
    ("1.x.3", 1, "invalid version `1.x.3`", ""),
    ("1.2.x-rc", 1, "invalid version", ""),
    ("1..2", 1, "invalid version `1..2`", ""),
    ("1.2.", 1, "invalid version", ""),
    ("1.2.0-", 1, "invalid version", "1.2.0 - 1.5.0"),
    ("1.2.0 -1.5.0", 7, "invalid version", "1.2.0 - 1.5.0"),
    ("1.2.0- 1.5.0", 1, "invalid version", "1.2.0 - 1.5.0"),
    ("1.2.0–1.5.0", 1, "invalid version", "1.2.0 - 1.5.0"),
    ("1.2.x-1.5.x", 1, "invalid version", "plain versions"),
    ("1.2.x - 1.5", 1, "invalid version", "plain versions"),
    ("1.2 - 1.5.x", 7, "invalid version", "plain versions"),
    ("1.2 - ", 5, "missing version after `-`", "1.2.0 - 1.5.0"),
    ("- 1.2", 1, "missing version before `-`", ""),
    ("1.2 - 1.5 - 1.7", 11, "missing version before `-`", ""),
    (
        ">=1.2 - 1.5",
        1,
        "operator `>=` is not allowed",
        "1.2.0 - 1.5.0",
    ),
    (
        "1.2 - <=1.5",
        7,
        "operator `<=` is not allowed",
        "1.2.0 - 1.5.0",
    ),
    (
        "^1.2.0-1.5.0",
        1,
        "operator `^` is not allowed",
        "1.2.0 - 1.5.0",
    ),
    (">=1.0 größer", 7, "invalid version `größer`", ""),
    ("größer || !=2", 1, "invalid version", ""),
    ("=größe || !=2", 11, "`!=`", ""),
];

#[test]
fn errors_have_column_message_and_hint() {
    for (text, column, message, hint) in ERRORS {
        let error = error(text);
        assert_eq!(error.column, *column, "`{text}`: {error}");
        assert!(error.message.contains(message), "`{text}`: {error}");
        assert!(
            error.hint.as_deref().unwrap_or_default().contains(hint),
            "`{text}`: {error}"
        );
    }
}

#[test]
fn error_prints_column_message_and_hint() {
    assert_eq!(
        error("^1 || >=1.x").to_string(),
        "column 9: `>=` requires a version, but `1.x` is a wildcard; hint: write `>=1`",
    );
    assert_eq!(
        error(">=").to_string(),
        "column 1: missing version after `>=`"
    );
}

#[test]
fn messages_truncate_long_text() {
    let digits = "9".repeat(100_000);
    let long = "x".repeat(100_000);
    for text in [
        long.clone(),
        format!("{digits}.{digits}.{digits}.{digits}"),
        format!(">={digits}.x"),
        format!(">{digits}.x"),
        format!("<={digits}.x"),
        "!".repeat(100_000),
        format!("1.2.0{long}"),
        format!("1 - {long}"),
        format!(">=1 {long} - 1"),
        ">".repeat(100_000),
    ] {
        assert!(error(&text).to_string().len() < 400, "{}", error(&text));
    }
    for text in [
        digits.clone(),
        format!("<={digits}"),
        format!(">{digits}"),
        format!("1 - {digits}"),
        format!("={digits}.{digits}"),
        format!("=1.0-{digits}.{digits}"),
    ] {
        assert!(
            range(&text).hint().is_some_and(|hint| hint.len() < 400),
            "{:?}",
            range(&text).hint()
        );
    }
    let error = error("1\u{1b}[31m").to_string();
    assert!(!error.contains('\u{1b}'), "{error}");
}

#[test]
fn hints_explain_unexpected_ranges() {
    for (text, hint) in [
        (
            "=1.2",
            Some("`=1.2` means `1.2.0`; write `1.2.*` to match all 1.2 versions"),
        ),
        (
            "v1.2",
            Some("`v1.2` means `1.2.0`; write `1.2.*` to match all 1.2 versions"),
        ),
        (
            "1",
            Some("`1` means `1.0.0`; write `1.*` to match all 1 versions"),
        ),
        (
            "2021.03",
            Some("`2021.03` means `2021.3.0`; write `2021.3.*` to match all 2021.3 versions"),
        ),
        (
            "<=1.2",
            Some("`<=1.2` means `<=1.2.0`; write `<1.3.0` to include all 1.2 versions"),
        ),
        (
            ">1.2",
            Some("`>1.2` means `>1.2.0`; write `>=1.3.0` to exclude all 1.2 versions"),
        ),
        (
            "1.2-1.5",
            Some(
                "the upper end `1.5` means `1.5.0`; write `>=1.2.0 <1.6.0` to include all 1.5 versions",
            ),
        ),
        (
            "1.2.0-rc.1-1.5.0",
            Some(
                "`1.2.0-rc.1-1.5.0` is a single pre-release; write ranges with spaces, e.g. `1.2.0 - 1.5.0`",
            ),
        ),
        ("1.2.3", None),
        ("1.2.0-5", None),
        (">=1.2", None),
        ("<1.2", None),
        ("^1", None),
        ("~1", None),
        ("1.*", None),
        ("1.2.0-1.5.0", None),
        ("=RELEASE", None),
        ("*", None),
    ] {
        assert_eq!(range(text).hint(), hint, "{text}");
    }
}

#[test]
fn hull_is_smallest_interval_around_all_alternatives() {
    let version = |text| Version::parse(text).unwrap();
    let (one, two, three) = (version("1.0.0"), version("2.0.0-0"), version("3.1.0"));
    for (text, hull) in [
        ("^1", (Bound::Included(&one), Bound::Excluded(&two))),
        (
            "3.1.0 || ^1",
            (Bound::Included(&one), Bound::Included(&three)),
        ),
        (">1 || >=1.0", (Bound::Included(&one), Bound::Unbounded)),
        (
            "<3.1.0-5 || <=3.1",
            (Bound::Unbounded, Bound::Included(&three)),
        ),
        ("<1 || >2", (Bound::Unbounded, Bound::Unbounded)),
        (">1.0 <2", (Bound::Excluded(&one), Bound::Excluded(&two))),
    ] {
        assert_eq!(range(text).hull(), Some(hull), "{text}");
    }
    assert_eq!(range("=RELEASE || ^1").hull(), None);
}

#[test]
fn orders_versions_by_precedence() {
    let ordered = [
        "0",
        "0.0.1",
        "1.0.0-0",
        "1.0.0-1",
        "1.0.0-10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1",
        "1.0.1",
        "1.2",
        "1.10",
        "2021.03",
        "18446744073709551615",
        "18446744073709551616",
    ];
    let versions: Vec<Version> = ordered
        .iter()
        .map(|text| Version::parse(text).unwrap())
        .collect();
    assert!(versions.is_sorted_by(|left, right| left < right));
    for (left, right) in [
        ("1.2", "v1.2.0"),
        ("1.2.3+a", "1.2.3+b"),
        ("01.002", "1.2"),
        (" 1.2 ", "1.2"),
    ] {
        assert_eq!(
            Version::parse(left),
            Version::parse(right),
            "{left} {right}"
        );
    }
    assert!(Version::parse("1.2-rc").unwrap().is_prerelease());
    assert!(!Version::parse("1.2+rc").unwrap().is_prerelease());
    assert_eq!(
        Version::parse("v1.2-rc.01+5").unwrap().to_string(),
        "1.2.0-rc.1"
    );
}

#[test]
fn parses_long_ranges_in_linear_time() {
    let range = range(&vec![">=1.2.3 <4"; 20_000].join(" || "));
    assert!(range.matches(Some(&RecordVersion::new("2"))));
    for sign in ["|", ",", "-", ">", "1-", "1.", "=", " - ", "1 - 2 "] {
        let _ = sign.repeat(50_000).parse::<VersionRange>();
    }
}
