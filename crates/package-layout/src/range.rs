//! Converts version ranges to and from Maven's grammar (Maven, "Version Requirement Specification").
//!
//! ```text
//! Maven                 range
//! [1.0,2.0)             >=1.0, <2.0
//! (,1.0]                <=1.0
//! [1.0]                 =1.0
//! (,1.1),(1.1,)         <1.1 || >1.1
//! 1.0                   *
//! ```
//!
//! In Maven a bare version is a recommendation that any other version satisfies, so it becomes `*`, like a
//! missing version. A range that cannot be converted becomes an exact text that no version matches: resolution
//! fails with a message instead of selecting a wrong version.

use std::ops::Bound;

use extension_registry_core::version::{Version, VersionRange};

/// Converts a Maven range; None if it cannot be expressed at all.
pub(crate) fn from_maven(text: Option<&str>) -> Option<VersionRange> {
    let text = text.unwrap_or_default().trim();
    let ours = if text.starts_with(['[', '(']) {
        alternatives(text).unwrap_or_else(|| nothing(text))
    } else if text.contains("${") {
        nothing(text)
    } else {
        "*".to_owned()
    };
    let parsed = ours.parse().or_else(|_| nothing(text).parse());
    parsed.ok()
}

/// Returns a range that matches no version and still shows the original text, without the commas, spaces and
/// signs that the grammar reserves.
fn nothing(text: &str) -> String {
    let shown = text.chars().take(80).filter(|one| !one.is_whitespace());
    let shown = shown.map(|one| match one {
        ',' => ';',
        '|' | '<' | '>' => '?',
        other => other,
    });
    format!("={}", shown.collect::<String>())
}

fn alternatives(mut text: &str) -> Option<String> {
    let mut ours = Vec::new();
    while !text.is_empty() {
        let end = text.find([']', ')'])?;
        let (one, rest) = text.split_at(end + 1);
        ours.push(interval(one)?);
        let rest = rest.trim_start();
        text = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(ours.join(" || "))
}

fn interval(text: &str) -> Option<String> {
    let above = match text.chars().next()? {
        '[' => ">=",
        '(' => ">",
        _ => return None,
    };
    let below = if text.ends_with(']') { "<=" } else { "<" };
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let (low, high) = match inner.split_once(',') {
        Some((low, high)) => (low.trim(), high.trim()),
        // `[1.0]` is exactly this version.
        None => (inner.trim(), inner.trim()),
    };
    let is_version = |text: &str| text.is_empty() || Version::parse(text).is_some();
    if !is_version(low) || !is_version(high) {
        return None;
    }
    Some(match (low, high) {
        // Maven compares it as a text, with its build metadata.
        (low, high) if low == high && !low.is_empty() && above == ">=" && below == "<=" => {
            format!("={low}")
        }
        ("", "") => "*".to_owned(),
        (low, "") => format!("{above}{low}"),
        ("", high) => format!("{below}{high}"),
        (low, high) => format!("{above}{low}, {below}{high}"),
    })
}

/// Converts a range to Maven; None if Maven has none that admits the same releases.
pub(crate) fn to_maven(range: &VersionRange) -> Option<String> {
    let text = range.to_string();
    let mut maven = Vec::new();
    for part in text.split("||") {
        let part = part.trim();
        let one: VersionRange = part.parse().ok()?;
        let Some((low, high)) = one.hull() else {
            // `*` admits all; `=1.2.3-custom` is a text, and Maven's brackets compare texts too.
            let text = part.strip_prefix('=').map(str::trim);
            maven.push(match text {
                Some(text) if is_plain(text) => format!("[{text}]"),
                Some(_) => return None,
                None => "[0,)".to_owned(),
            });
            continue;
        };
        if let (Bound::Included(low), Bound::Included(high)) = (low, high)
            && low == high
        {
            let build = one.exact_build().filter(|build| !build.is_empty());
            let build = build.map_or_else(String::new, |build| format!("+{build}"));
            maven.push(format!("[{low}{build}]"));
            continue;
        }
        let low = match low {
            Bound::Included(version) => format!("[{version}"),
            Bound::Excluded(version) => format!("({version}"),
            Bound::Unbounded => "(".to_owned(),
        };
        let high = match high {
            Bound::Included(version) => format!("{version}]"),
            // The bound excludes the pre-releases of this version, which Maven's grammar cannot express.
            Bound::Excluded(version) => {
                let text = version.to_string();
                format!("{})", text.strip_suffix("-0").unwrap_or(&text))
            }
            Bound::Unbounded => ")".to_owned(),
        };
        maven.push(format!("{low},{high}"));
    }
    Some(maven.join(","))
}

fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::{from_maven, to_maven};

    #[test]
    fn reads_maven_ranges() {
        for (maven, ours) in [
            ("[1.0,2.0)", ">=1.0, <2.0"),
            ("(1.0, 2.0]", ">1.0, <=2.0"),
            ("(,1.0]", "<=1.0"),
            ("[1.5,)", ">=1.5"),
            ("[1.0]", "=1.0"),
            ("[1.0.0+build.5]", "=1.0.0+build.5"),
            ("(1.0,1.0)", "=(1.0;1.0)"),
            ("(,1.1),(1.1,)", "<1.1 || >1.1"),
            ("(,)", "*"),
            ("1.0", "*"),
            ("", "*"),
            ("[1.0.0.Final,2.0)", "=[1.0.0.Final;2.0)"),
            ("[1.0", "=[1.0"),
            ("[2.0, 1.0]", "=[2.0;1.0]"),
            ("${other}", "=${other}"),
        ] {
            let range = from_maven(Some(maven)).unwrap();
            assert_eq!(range.to_string(), ours, "{maven}");
        }
        assert!(from_maven(None).unwrap().is_any());
    }

    #[test]
    fn maven_ranges_round_trip() {
        for (ours, maven) in [
            ("^1.2.0", "[1.2.0,2.0.0)"),
            ("~1.2", "[1.2.0,1.3.0)"),
            (">=1.2, <2", "[1.2.0,2.0.0)"),
            ("1.2.3", "[1.2.3]"),
            ("1.2.3+build.5", "[1.2.3+build.5]"),
            ("=1.2.3-rc.1+build.5", "[1.2.3-rc.1+build.5]"),
            ("1.2.0-1.5.0", "[1.2.0,1.5.0]"),
            (">1", "(1.0.0,)"),
            ("<=2.1.0", "(,2.1.0]"),
            ("*", "[0,)"),
            ("<1.1 || >1.1", "(,1.1.0),(1.1.0,)"),
            ("=1.2.0-custom", "[1.2.0-custom]"),
        ] {
            let range = ours.parse().unwrap();
            let written = to_maven(&range).unwrap();
            assert_eq!(written, maven, "{ours}");
            let back = from_maven(Some(&written)).unwrap();
            for version in [
                "0.9.0",
                "1.0.1",
                "1.1.0",
                "1.2.0",
                "1.2.3",
                "1.2.3+build.5",
                "1.2.3-rc.1+build.5",
                "1.9.0",
                "2.0.0",
            ] {
                let version = version.parse().unwrap();
                let admits = extension_registry_package_format::version::admits;
                assert_eq!(
                    admits(&range, &version),
                    admits(&back, &version),
                    "{ours} {version}"
                );
            }
        }
    }
}
