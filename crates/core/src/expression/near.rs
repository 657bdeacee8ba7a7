//! Classifies the first word inside braces.

use super::segment::ExpressionError;
use crate::suggest::{distance, excerpt};

const KEYWORDS: [&str; 4] = ["extension", "extensions", "inputs", "steps"];

/// Classification of the first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Exact,
    /// Misspelling of this keyword.
    Near(&'static str),
    /// Literal text.
    Other,
}

/// Exact matches are case-sensitive, near matches are not. The shorter the word, the fewer edits are
/// accepted: none up to three characters, one up to five, two for longer words.
pub(super) fn keyword(word: &str) -> Keyword {
    if KEYWORDS.contains(&word) {
        return Keyword::Exact;
    }
    let threshold = match word.chars().take(6).count() {
        0..=3 => return Keyword::Other,
        4..=5 => 1,
        _ => 2,
    };
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    if word.starts_with('-') || !word.chars().all(is_word) {
        return Keyword::Other;
    }
    KEYWORDS
        .into_iter()
        .map(|keyword| (distance(word, keyword), keyword))
        .filter(|(distance, _)| *distance <= threshold)
        .min()
        .map_or(Keyword::Other, |(_, keyword)| Keyword::Near(keyword))
}

pub(super) fn unknown_keyword(word: &str, meant: &str, column: usize) -> ExpressionError {
    ExpressionError {
        column,
        message: format!("unknown expression keyword `{}`", excerpt(word)),
        hint: Some(format!("did you mean `{meant}`?")),
    }
}
