//! Suggestions for misspelled words.
//!
//! The run time of every function is bounded by [`LONGEST_WORD`] regardless of the input, because the
//! words come from untrusted workflows.

use strsim::osa_distance;

use crate::printable::{Layout, printable};

/// Maximum length of a word in characters. Longer words resemble none.
pub const LONGEST_WORD: usize = 256;

/// Result of [`distance`] for words that are too long to compare.
pub const FAR: usize = usize::MAX;

/// Maximum number of characters of user text in a message.
const LONGEST_EXCERPT: usize = 40;

/// Returns the case-insensitive edit distance in characters: insertions, deletions, replacements
/// and swaps of two neighbors count one each (optimal string alignment).
///
/// Returns [`FAR`] if either word is longer than [`LONGEST_WORD`].
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    match (folded(left), folded(right)) {
        (Some(left), Some(right)) => osa_distance(&left, &right),
        _ => FAR,
    }
}

/// Returns the closest of `candidates`, if it is close enough to be a misspelling.
///
/// The threshold grows with the length of `word`: one edit up to three characters, two up to seven,
/// then a third of them; at least one character must be equal. Ties are broken by an exact match,
/// then by name, so the order of `candidates` does not matter.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded_word = folded(word)?;
    let length = folded_word.chars().count();
    let threshold = threshold(length);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = folded(candidate)?;
            let other_length = other.chars().count();
            if length.abs_diff(other_length) > threshold {
                return None;
            }
            let distance = osa_distance(&folded_word, &other);
            let near = distance <= threshold && distance < length.max(other_length);
            (near || candidate == word).then_some((distance, candidate != word, candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

/// Formats `word` for a message: at most [`LONGEST_EXCERPT`] characters, hidden ones escaped.
pub(crate) fn excerpt(word: &str) -> String {
    let end = word.char_indices().nth(LONGEST_EXCERPT);
    let end = end.map_or(word.len(), |(at, _)| at);
    let mut shown = printable(&word[..end], Layout::OneLine).into_owned();
    if end < word.len() {
        shown.push('…');
    }
    shown
}

fn threshold(length: usize) -> usize {
    match length {
        0..=3 => 1,
        4..=7 => 2,
        _ => length / 3,
    }
}

/// Returns `word` in lower case, or `None` if it is too long.
fn folded(word: &str) -> Option<String> {
    let mut characters = word.chars().flat_map(char::to_lowercase);
    let folded = characters.by_ref().take(LONGEST_WORD).collect();
    characters.next().is_none().then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits_and_swaps_without_case() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("MLflow", "mlflow", 0),
            ("mlfow", "mlflow", 1),
            ("mlfolw", "mlflow", 1),
            ("kitten", "sitting", 3),
            ("größe", "GRÖSSE", 2),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn suggests_only_close_words() {
        let known = ["uri", "host", "port", "provider", "MLFLOW_TRACKING_URI"];
        for (word, expected) in [
            ("url", Some("uri")),
            ("prot", Some("port")),
            ("Provider", Some("provider")),
            ("mlflow-tracking-url", Some("MLFLOW_TRACKING_URI")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn replaced_single_character_is_not_close() {
        assert_eq!(closest("a", ["b"]), None);
        assert_eq!(closest("a", ["a", "A"]), Some("a"));
    }

    #[test]
    fn breaks_ties_by_name() {
        assert_eq!(closest("step", ["stem", "stet", "steps"]), Some("stem"));
        assert_eq!(closest("step", ["steps", "stet", "stem"]), Some("stem"));
        assert_eq!(closest("abc", ["ABC", "abc"]), Some("abc"));
    }

    #[test]
    fn long_words_are_never_close() {
        let long = "x".repeat(5_000_000);
        assert_eq!(distance(&long, &long), FAR);
        assert_eq!(closest(&long, ["x"]), None);
        assert_eq!(closest("x", [long.as_str()]), None);
        let longest = "x".repeat(LONGEST_WORD);
        assert_eq!(
            closest(&longest, [longest.as_str()]),
            Some(longest.as_str())
        );
    }

    #[test]
    fn excerpt_is_short_and_printable() {
        assert_eq!(excerpt("1.2"), "1.2");
        assert_eq!(excerpt("a\nb\u{1b}"), "a\\nb\\u{1b}");
        assert_eq!(excerpt(&"9".repeat(1000)), format!("{}…", "9".repeat(40)));
    }
}
