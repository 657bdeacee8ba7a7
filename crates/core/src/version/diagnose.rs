//! What is wrong with a text that is no range, and what to write instead.

use super::parse::is_any;
use super::partial::Partial;
use super::range::RangeError;
use super::token::Token;
use crate::suggest::excerpt;

const RANGE_HINT: &str = "write `1.2.0 - 1.5.0`, or `>=1.2.0 <1.5.0` without the upper end";

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
        message: "the range is empty".to_owned(),
        hint: Some("write `*` for any version".to_owned()),
    }
}

/// `separator` is the `||` beside which an alternative is missing.
pub(super) fn no_alternative(separator: Option<&Token<'_>>) -> RangeError {
    RangeError {
        column: separator.map_or(1, |token| token.column),
        message: "an alternative is missing beside `||`".to_owned(),
        hint: Some("write `*` for any version".to_owned()),
    }
}

pub(super) fn no_comparator(comma: Token<'_>, side: &str) -> RangeError {
    error(
        comma,
        format!("a comparator is missing {side} the comma"),
        None,
    )
}

pub(super) fn single_bar(bar: Token<'_>) -> RangeError {
    error(
        bar,
        "`|` is not an operator".to_owned(),
        Some("write `||`".to_owned()),
    )
}

pub(super) fn no_version(token: Token<'_>, operator: &str) -> RangeError {
    error(
        token,
        format!("a version is missing after `{operator}`"),
        None,
    )
}

pub(super) fn no_end(hyphen: Token<'_>, side: &str) -> RangeError {
    let message = format!("a version is missing {side} `-`");
    error(hyphen, message, Some(RANGE_HINT.to_owned()))
}

pub(super) fn operator_before_range(token: Token<'_>, operator: &str) -> RangeError {
    let message = format!("a range with `-` takes no `{}`", excerpt(operator));
    error(token, message, Some(RANGE_HINT.to_owned()))
}

pub(super) fn text_not_alone(token: Token<'_>) -> RangeError {
    let hint = "put `||` between alternatives".to_owned();
    error(
        token,
        "a text is compared alone, not beside other comparators".to_owned(),
        Some(hint),
    )
}

pub(super) fn impossible(token: Token<'_>) -> RangeError {
    let hint = "put `||` between alternatives".to_owned();
    error(
        token,
        "no version matches both this and what stands before it".to_owned(),
        Some(hint),
    )
}

pub(super) fn reversed(token: Token<'_>) -> RangeError {
    let hint = "write the lower version first, or `=` before a pre-release that reads like a range";
    error(
        token,
        "the ends of the range are reversed".to_owned(),
        Some(hint.to_owned()),
    )
}

/// Something that is no end of a range with `-`.
pub(super) fn end(token: Token<'_>, end: &str) -> RangeError {
    let message = format!("`{}` is not a version", excerpt(end));
    error(
        token,
        message,
        Some(format!("both ends are plain versions: {RANGE_HINT}")),
    )
}

pub(super) fn operator(token: Token<'_>, operator: &str) -> RangeError {
    let hint = match operator {
        "!=" | "!==" | "<>" | "!" | "≠" => "leave a version out with `<1.2.0 || >1.2.0`",
        "==" | "===" => "write `=`",
        "~>" | "~=" => "write `~1.2.3` for new patches, `^1.2` for new minor versions",
        "=>" | "≥" | ">==" => "write `>=`",
        "=<" | "≤" | "<==" => "write `<=`",
        _ => "the operators are `=`, `>`, `>=`, `<`, `<=`, `^` and `~`",
    };
    let message = format!("`{}` is not an operator", excerpt(operator));
    error(token, message, Some(hint.to_owned()))
}

/// A word that is neither a version nor a series, or is a series after an operator.
pub(super) fn word(token: Token<'_>, operator: Option<&str>, word: &str) -> RangeError {
    let shown = excerpt(word);
    if is_any(word) {
        let message = format!("`{shown}` stands alone, without operators and other comparators");
        return error(token, message, Some("drop it or the rest".to_owned()));
    }
    if let Some(operator) = operator
        && let Some(series) = Partial::parse(word)
    {
        let message = format!("`{operator}` takes a version, `{shown}` is a series");
        return error(
            token,
            message,
            Some(instead_of_series(operator, &shown, &series)),
        );
    }
    let (message, hint) = if has_four_parts(word) {
        (
            format!("`{shown}` has more than three parts, so it is not a version"),
            None,
        )
    } else {
        (format!("`{shown}` is not a version"), slip(word))
    };
    let hint = hint.unwrap_or_else(|| match operator {
        None => "put `=` before it to compare it as text".to_owned(),
        Some(_) => "only `=` compares text".to_owned(),
    });
    error(token, message, Some(hint))
}

fn instead_of_series(operator: &str, shown: &str, series: &Partial) -> String {
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

/// Mistakes that can be told from the form of a word.
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
        return Some(format!("both ends are plain versions: {RANGE_HINT}"));
    }
    // `1.2.0rc1`
    let digits = word.strip_prefix(['v', 'V']).unwrap_or(word);
    let tail = digits.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (release, tail) = digits.split_at(tail);
    let dashed = format!("{release}-{tail}");
    Partial::parse(&dashed).is_some().then(|| {
        format!(
            "a pre-release follows a hyphen, as in `{}`; `=` compares text",
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
