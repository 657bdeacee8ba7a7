//! Errors and hints of version ranges.

#![expect(clippy::panic, reason = "test helpers panic")]

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::version::{RangeError, VersionRange};

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
        error("^1 || >=1.x").explained(),
        "column 9: `>=` requires a version, but `1.x` is a wildcard; hint: write `>=1`",
    );
    assert_eq!(
        error(">=").explained(),
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
        assert!(error(&text).explained().len() < 400, "{}", error(&text));
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
    let error = error("1\u{1b}[31m").explained();
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
                "the upper bound `1.5` means `1.5.0`; write `>=1.2.0 <1.6.0` to include all 1.5 versions",
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
