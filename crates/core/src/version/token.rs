//! Tokenizer of version ranges.

/// Kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// `||`
    Or,
    /// A single `|`, which is invalid.
    Bar,
    /// `,`
    Comma,
    /// A run of operator characters, known or unknown.
    Operator(&'t str),
    /// Any other text up to whitespace or a delimiter.
    Word(&'t str),
}

/// A token and its column, in characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) column: usize,
}

/// Splits a range into tokens. Only whitespace is dropped.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut column = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = match first {
            _ if first.is_whitespace() => (None, first.len_utf8()),
            ',' => (Some(Kind::Comma), 1),
            '|' if rest.starts_with("||") => (Some(Kind::Or), 2),
            '|' => (Some(Kind::Bar), 1),
            _ if is_operator(first) => {
                let length = rest.find(|other| !is_operator(other)).unwrap_or(rest.len());
                (Some(Kind::Operator(&rest[..length])), length)
            }
            _ => {
                let length = rest.find(ends_word).unwrap_or(rest.len());
                (Some(Kind::Word(&rest[..length])), length)
            }
        };
        tokens.extend(kind.map(|kind| Token { kind, column }));
        column += rest[..length].chars().count();
        rest = &rest[length..];
    }
    tokens
}

/// Includes `≥`, `≤` and `≠` so that errors can name them.
fn is_operator(character: char) -> bool {
    matches!(
        character,
        '=' | '<' | '>' | '!' | '~' | '^' | '≥' | '≤' | '≠'
    )
}

/// `=` and the like may be part of a word.
fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, ',' | '|' | '<' | '>')
}

/// Matches `*` and `latest`.
pub(super) fn is_any(word: &str) -> bool {
    matches!(word, "*" | "latest")
}
