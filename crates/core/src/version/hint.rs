//! Hints for valid ranges that may not mean what the author expects.

use super::partial::{Partial, ends};
use crate::suggest::excerpt;

/// Hint for a version after `operator`, which is empty for a bare version.
pub(super) fn compared(operator: &str, word: &str, version: &Partial) -> Option<String> {
    if !version.prerelease().is_empty() {
        return one_prerelease(operator, word);
    }
    if version.given() > 2 {
        return None;
    }
    let written = format!("{operator}{}", excerpt(word));
    let series = excerpt(&version.given_text());
    let full = excerpt(&version.clone().into_version().to_string());
    let after = excerpt(&version.after_series(version.given()).release_text());
    match operator {
        "" | "=" => Some(format!(
            "`{written}` means `{full}`; write `{series}.*` to match all {series} versions"
        )),
        "<=" => Some(format!(
            "`{written}` means `<={full}`; write `<{after}` to include all {series} versions"
        )),
        ">" => Some(format!(
            "`{written}` means `>{full}`; write `>={after}` to exclude all {series} versions"
        )),
        _ => None,
    }
}

/// Hint for `first - last`.
pub(super) fn upper_end(first: &Partial, last: &Partial) -> Option<String> {
    if last.given() > 2 || !last.prerelease().is_empty() {
        return None;
    }
    let written = excerpt(&last.given_text());
    let after = excerpt(&last.after_series(last.given()).release_text());
    let [first, last] = [first, last].map(|end| excerpt(&end.clone().into_version().to_string()));
    Some(format!(
        "the upper bound `{written}` means `{last}`; write `>={first} <{after}` to include all {written} versions"
    ))
}

/// Hint for pre-releases that look like a range: `1.2.0-rc.1-1.5.0`, `=1.2.0-1.5.0`.
fn one_prerelease(operator: &str, word: &str) -> Option<String> {
    let looks_like_range = ends(word).is_some()
        || word.split('-').skip(1).any(|tail| {
            let release = tail.split('+').next().unwrap_or(tail);
            Partial::parse(release).is_some_and(|end| end.given() > 1)
        });
    looks_like_range.then(|| {
        let written = excerpt(&format!("{operator}{word}"));
        format!(
            "`{written}` is a single pre-release; write ranges with spaces, e.g. `1.2.0 - 1.5.0`"
        )
    })
}
