//! Errors of version ranges, with hints.

use super::partial::Partial;
use super::token::{Token, is_any};
use crate::diagnostic::Explain;
use crate::suggest::excerpt;

/// Error in a version range. The length of its message is bounded, regardless of the text.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("column {column}: {message}")]
pub struct RangeError {
    /// Column of the error, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to fix it, if known.
    pub hint: Option<String>,
}

impl Explain for RangeError {
    fn hints(&self) -> Vec<String> {
        self.hint.iter().cloned().collect()
    }
}

const RANGE_HINT: &str = "write `1.2.0 - 1.5.0`, or `>=1.2.0 <1.5.0` to exclude the upper end";

fn error(token: Token<'_>, message: String, hint: Option<String>) -> RangeError {
    RangeError {
        column: token.column,
        message,
        hint,
    }
}

pub(super) fn empty() -> RangeError {
    RangeError {
        column: 1,
        message: "empty version range".to_owned(),
        hint: Some("write `*` for any version".to_owned()),
    }
}

/// Error for a missing alternative next to `separator`.
pub(super) fn no_alternative(separator: Option<&Token<'_>>) -> RangeError {
    RangeError {
        column: separator.map_or(1, |token| token.column),
        message: "missing alternative next to `||`".to_owned(),
        hint: Some("write `*` for any version".to_owned()),
    }
}

pub(super) fn no_comparator(comma: Token<'_>, side: &str) -> RangeError {
    error(comma, format!("missing comparator {side} `,`"), None)
}

pub(super) fn single_bar(bar: Token<'_>) -> RangeError {
    error(
        bar,
        "unknown operator `|`".to_owned(),
        Some("separate alternatives with `||`".to_owned()),
    )
}

pub(super) fn no_version(token: Token<'_>, operator: &str) -> RangeError {
    error(token, format!("missing version after `{operator}`"), None)
}

pub(super) fn no_end(hyphen: Token<'_>, side: &str) -> RangeError {
    let message = format!("missing version {side} `-`");
    error(hyphen, message, Some(RANGE_HINT.to_owned()))
}

pub(super) fn operator_before_range(token: Token<'_>, operator: &str) -> RangeError {
    let message = format!(
        "operator `{}` is not allowed in a hyphen range",
        excerpt(operator)
    );
    error(token, message, Some(RANGE_HINT.to_owned()))
}

pub(super) fn text_not_alone(token: Token<'_>) -> RangeError {
    let hint = "separate alternatives with `||`".to_owned();
    error(
        token,
        "exact text cannot be combined with other comparators".to_owned(),
        Some(hint),
    )
}

pub(super) fn impossible(token: Token<'_>) -> RangeError {
    let hint = "separate alternatives with `||`".to_owned();
    error(
        token,
        "no version satisfies both this comparator and the preceding ones".to_owned(),
        Some(hint),
    )
}

pub(super) fn reversed(token: Token<'_>) -> RangeError {
    let hint =
        "write the lower version first, or put `=` before a pre-release that looks like a range";
    error(
        token,
        "the ends of the range are reversed".to_owned(),
        Some(hint.to_owned()),
    )
}

/// Error for an invalid end of a hyphen range.
pub(super) fn end(token: Token<'_>, end: &str) -> RangeError {
    let message = format!("invalid version `{}`", excerpt(end));
    error(
        token,
        message,
        Some(format!("use plain versions at both ends: {RANGE_HINT}")),
    )
}

pub(super) fn operator(token: Token<'_>, operator: &str) -> RangeError {
    let hint = match operator {
        "!=" | "!==" | "<>" | "!" | "≠" => "exclude a version with `<1.2.0 || >1.2.0`",
        "==" | "===" => "use `=`",
        "~>" | "~=" => "use `~1.2.3` for patch updates or `^1.2` for minor updates",
        "=>" | "≥" | ">==" => "use `>=`",
        "=<" | "≤" | "<==" => "use `<=`",
        _ => "use one of `=`, `>`, `>=`, `<`, `<=`, `^` and `~`",
    };
    let message = format!("unknown operator `{}`", excerpt(operator));
    error(token, message, Some(hint.to_owned()))
}

/// Error for a word that is neither a version nor a wildcard, or is a wildcard after an operator.
pub(super) fn word(token: Token<'_>, operator: Option<&str>, word: &str) -> RangeError {
    let shown = excerpt(word);
    if is_any(word) {
        let message = format!("`{shown}` cannot be combined with operators or other comparators");
        return error(
            token,
            message,
            Some("use it alone, or remove it".to_owned()),
        );
    }
    if let Some(operator) = operator
        && let Some(series) = Partial::parse(word)
    {
        let message = format!("`{operator}` requires a version, but `{shown}` is a wildcard");
        return error(
            token,
            message,
            Some(replace_wildcard(operator, &shown, &series)),
        );
    }
    let (message, hint) = if has_four_parts(word) {
        (
            format!("invalid version `{shown}`: more than three parts"),
            None,
        )
    } else {
        (format!("invalid version `{shown}`"), slip(word))
    };
    let hint = hint.unwrap_or_else(|| match operator {
        None => "prefix it with `=` to match the exact text".to_owned(),
        Some(_) => "use `=` to match the exact text".to_owned(),
    });
    error(token, message, Some(hint))
}

fn replace_wildcard(operator: &str, shown: &str, series: &Partial) -> String {
    let given = series.given_text();
    let after = || series.after_series(series.given()).release_text();
    let instead = match operator {
        "=" => return format!("write `{shown}`"),
        ">" => format!(">={}", after()),
        "<=" => format!("<{}", after()),
        _ => format!("{operator}{given}"),
    };
    format!("write `{}`", excerpt(&instead))
}

/// Returns a hint for common mistakes.
fn slip(word: &str) -> Option<String> {
    if matches!(word, "x" | "X") || ["latest", "any", "all"].contains(&&*word.to_ascii_lowercase())
    {
        return Some("write `*` for any version".to_owned());
    }
    if word.starts_with('-') || word.ends_with('-') || word.contains(['–', '—']) {
        return Some(RANGE_HINT.to_owned());
    }
    if let Some((first, last)) = word.split_once('-')
        && [first, last]
            .iter()
            .any(|end| Partial::parse(end).is_some_and(|end| end.is_series()))
    {
        return Some(format!("use plain versions at both ends: {RANGE_HINT}"));
    }
    // `1.2.0rc1`
    let digits = word.strip_prefix(['v', 'V']).unwrap_or(word);
    let tail = digits.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (release, tail) = digits.split_at(tail);
    let dashed = format!("{release}-{tail}");
    Partial::parse(&dashed).is_some().then(|| {
        format!(
            "separate the pre-release with a hyphen, e.g. `{}`, or use `=` to match the exact text",
            excerpt(&dashed)
        )
    })
}

fn has_four_parts(word: &str) -> bool {
    let word = word.strip_prefix(['v', 'V']).unwrap_or(word);
    let release = word.split(['-', '+']).next().unwrap_or(word);
    let is_part = |part: &str| {
        matches!(part, "x" | "X" | "*")
            || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    release.split('.').count() > 3 && release.split('.').all(is_part)
}
