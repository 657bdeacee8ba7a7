//! Whether the first word inside braces makes them ours.

use super::ExpressionError;
use crate::suggest::{distance, excerpt};

const KEYWORDS: [&str; 4] = ["extension", "extensions", "inputs", "steps"];

/// What the first word says of its braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Ours,
    /// A slip in the keyword given.
    Near(&'static str),
    /// The user's own text.
    Other,
}

/// Case counts for ours, not for near. A shorter word may differ less: words of up to three
/// characters are never near, of up to five by one edit, longer ones by two.
pub(super) fn keyword(word: &str) -> Keyword {
    if KEYWORDS.contains(&word) {
        return Keyword::Ours;
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

pub(super) fn refusal(word: &str, meant: &str, column: usize) -> ExpressionError {
    ExpressionError {
        column,
        message: format!("unknown word `{}` inside the braces", excerpt(word)),
        hint: Some(format!("did you mean `{meant}`?")),
    }
}
