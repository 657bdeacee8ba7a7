//! Parser of version ranges. The parent module documents the grammar.

use super::diagnose::{self, RangeError};
use super::hint;
use super::interval::{Alternative, Interval};
use super::partial::{Partial, ends};
use super::token::{Kind, Token, is_any, tokens};

/// Result of the parser.
pub(super) struct Parsed {
    /// At least one alternative.
    pub(super) alternatives: Vec<Alternative>,
    /// The first hint.
    pub(super) hint: Option<String>,
}

/// Parses a whole range; returns the first error.
pub(super) fn range(text: &str) -> Result<Parsed, RangeError> {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return Err(diagnose::empty());
    }
    let mut parsed = Parsed {
        alternatives: Vec::new(),
        hint: None,
    };
    let mut separator = None;
    for part in tokens.split_inclusive(|token| token.kind == Kind::Or) {
        let (part, next_separator) = match part.split_last() {
            Some((last, part)) if last.kind == Kind::Or => (part, Some(last)),
            _ => (part, None),
        };
        if part.is_empty() {
            return Err(diagnose::no_alternative(next_separator.or(separator)));
        }
        let mut reader = Reader {
            tokens: part,
            position: 0,
            hint: &mut parsed.hint,
        };
        let alternative = reader.alternative()?;
        parsed.alternatives.push(alternative);
        separator = next_separator;
    }
    match separator {
        // `split_inclusive` yields no empty last part after a trailing separator.
        Some(_) => Err(diagnose::no_alternative(separator)),
        None => Ok(parsed),
    }
}

/// Parser of one alternative.
struct Reader<'a, 't> {
    tokens: &'a [Token<'t>],
    position: usize,
    hint: &'a mut Option<String>,
}

impl<'t> Reader<'_, 't> {
    fn alternative(&mut self) -> Result<Alternative, RangeError> {
        match self.tokens {
            [
                Token {
                    kind: Kind::Word(word),
                    ..
                },
            ] if is_any(word) => return Ok(Alternative::Any),
            [
                Token {
                    kind: Kind::Operator("="),
                    ..
                },
                Token {
                    kind: Kind::Word(word),
                    ..
                },
            ] if is_text(word) => {
                return Ok(Alternative::Text((*word).to_owned()));
            }
            _ => {}
        }
        let mut all: Option<Interval> = None;
        let mut comma: Option<Token<'t>> = None;
        while let Some(token) = self.next() {
            if token.kind == Kind::Comma {
                if all.is_none() || comma.is_some() {
                    return Err(diagnose::no_comparator(token, "before"));
                }
                comma = Some(token);
                continue;
            }
            comma = None;
            let one = self.comparator(token)?;
            all = Some(match all {
                None => one,
                Some(all) => all
                    .intersection(one)
                    .ok_or_else(|| diagnose::impossible(token))?,
            });
        }
        match (all, comma) {
            (Some(all), None) => Ok(Alternative::Interval(all)),
            (_, Some(comma)) => Err(diagnose::no_comparator(comma, "after")),
            (None, None) => Err(diagnose::empty()),
        }
    }

    fn comparator(&mut self, token: Token<'t>) -> Result<Interval, RangeError> {
        match token.kind {
            Kind::Operator(operator) => self.compared(token, operator),
            Kind::Word("-") => Err(diagnose::no_end(token, "before")),
            Kind::Word(word) if self.peek() == Some(Kind::Word("-")) => self.spaced(token, word),
            Kind::Word(word) => self.bare(token, word),
            Kind::Bar => Err(diagnose::single_bar(token)),
            Kind::Comma | Kind::Or => Err(diagnose::no_comparator(token, "before")),
        }
    }

    /// Parses an operator and the version after it.
    fn compared(&mut self, token: Token<'t>, operator: &str) -> Result<Interval, RangeError> {
        if !matches!(operator, "=" | ">" | ">=" | "<" | "<=" | "^" | "~") {
            return Err(diagnose::operator(token, operator));
        }
        let Some((at, word)) = self.word().filter(|(_, word)| *word != "-") else {
            return Err(diagnose::no_version(token, operator));
        };
        if self.peek() == Some(Kind::Word("-")) || (operator != "=" && ends(word).is_some()) {
            return Err(diagnose::operator_before_range(token, operator));
        }
        if operator == "=" && is_text(word) {
            return Err(diagnose::text_not_alone(token));
        }
        let Some(version) = Partial::parse(word).filter(|version| !version.is_series()) else {
            return Err(diagnose::word(at, Some(operator), word));
        };
        self.add_hint(|| hint::compared(operator, word, &version));
        Ok(match operator {
            ">" => Interval::above(version),
            ">=" => Interval::at_least(version),
            "<" => Interval::below(version),
            "<=" => Interval::at_most(version),
            "^" => {
                let parts = version.caret_parts();
                Interval::series(version, parts)
            }
            "~" => {
                let parts = version.given().min(2);
                Interval::series(version, parts)
            }
            _ => Interval::exactly(version),
        })
    }

    /// Parses `1.2.0 - 1.5.0`, of which `word` is the first end.
    fn spaced(&mut self, token: Token<'t>, word: &str) -> Result<Interval, RangeError> {
        let hyphen = self.next().unwrap_or(token);
        if let Some(Kind::Operator(operator)) = self.peek() {
            return Err(diagnose::operator_before_range(
                self.next().unwrap_or(hyphen),
                operator,
            ));
        }
        let Some((last_at, last_word)) = self.word() else {
            return Err(diagnose::no_end(hyphen, "after"));
        };
        let end = |at, word| {
            Partial::parse(word)
                .filter(|end| !end.is_series())
                .ok_or_else(|| diagnose::end(at, word))
        };
        let (first, last) = (end(token, word)?, end(last_at, last_word)?);
        self.between(token, first, last)
    }

    /// Parses a version, a wildcard, or a range without spaces.
    fn bare(&mut self, token: Token<'t>, word: &str) -> Result<Interval, RangeError> {
        if let Some((first, last)) = ends(word) {
            return self.between(token, first, last);
        }
        let Some(version) = Partial::parse(word) else {
            return Err(diagnose::word(token, None, word));
        };
        if version.is_series() {
            let parts = version.given();
            // `1.2.3.*` is not a wildcard, so at most two parts are given.
            return Ok(Interval::series(version, parts));
        }
        self.add_hint(|| hint::compared("", word, &version));
        Ok(Interval::exactly(version))
    }

    fn between(
        &mut self,
        at: Token<'t>,
        first: Partial,
        last: Partial,
    ) -> Result<Interval, RangeError> {
        self.add_hint(|| hint::upper_end(&first, &last));
        Interval::between(first, last).ok_or_else(|| diagnose::reversed(at))
    }

    fn add_hint(&mut self, hint: impl FnOnce() -> Option<String>) {
        if self.hint.is_none() {
            *self.hint = hint();
        }
    }

    fn word(&mut self) -> Option<(Token<'t>, &'t str)> {
        let token = *self.tokens.get(self.position)?;
        let Kind::Word(word) = token.kind else {
            return None;
        };
        self.position += 1;
        Some((token, word))
    }

    fn peek(&self) -> Option<Kind<'t>> {
        self.tokens.get(self.position).map(|token| token.kind)
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = *self.tokens.get(self.position)?;
        self.position += 1;
        Some(token)
    }
}

/// Returns whether `=` compares this word as text: it is neither a version nor a misspelled one.
fn is_text(word: &str) -> bool {
    Partial::parse(word).is_none() && !matches!(word, "*" | "-")
}
