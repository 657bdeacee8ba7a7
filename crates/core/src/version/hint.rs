//! Remarks on ranges that are correct but may not mean what they seem to.

use super::parse::ends;
use super::partial::Partial;
use crate::suggest::excerpt;

/// On a version after `operator`, which is empty for a bare version.
pub(super) fn compared(operator: &str, word: &str, version: &Partial) -> Option<String> {
    if !version.prerelease().is_empty() {
        return one_prerelease(operator, word);
    }
    if version.given() > 2 {
        return None;
    }
    let written = format!("{operator}{}", excerpt(word));
    let full = excerpt(&version.clone().into_version().to_string());
    let after = excerpt(&version.after_series(version.given()).release_text());
    match operator {
        "" | "=" => Some(format!(
            "`{written}` means `{full}`; write `{}.*` for the series",
            excerpt(&version.given_text())
        )),
        "<=" => Some(format!(
            "`{written}` means `<={full}`; write `<{after}` to take in the series"
        )),
        ">" => Some(format!(
            "`{written}` means `>{full}`; write `>={after}` to leave out the series"
        )),
        _ => None,
    }
}

/// On `first - last`.
pub(super) fn upper_end(first: &Partial, last: &Partial) -> Option<String> {
    if last.given() > 2 || !last.prerelease().is_empty() {
        return None;
    }
    let written = excerpt(&last.given_text());
    let after = excerpt(&last.after_series(last.given()).release_text());
    let [first, last] = [first, last].map(|end| excerpt(&end.clone().into_version().to_string()));
    Some(format!(
        "the upper end `{written}` means `{last}`; write `>={first} <{after}` to take in the series"
    ))
}

/// `1.2.0-rc.1-1.5.0` looks like a range, and so does `=1.2.0-1.5.0`.
fn one_prerelease(operator: &str, word: &str) -> Option<String> {
    let looks_like_range = ends(word).is_some()
        || word.split('-').skip(1).any(|tail| {
            let release = tail.split('+').next().unwrap_or(tail);
            Partial::parse(release).is_some_and(|end| end.given() > 1)
        });
    looks_like_range.then(|| {
        let written = excerpt(&format!("{operator}{word}"));
        format!(
            "`{written}` names one pre-release; a range is written `1.2.0 - 1.5.0`, with spaces"
        )
    })
}
