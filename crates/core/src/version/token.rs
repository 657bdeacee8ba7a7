//! The words and signs of a range, each with its column.

/// A piece of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// `||`
    Or,
    /// A `|` alone, which means nothing.
    Bar,
    /// `,`
    Comma,
    /// A run of operator characters, known or not.
    Operator(&'t str),
    /// Everything else up to white space or a sign.
    Word(&'t str),
}

/// A piece and where it begins, in characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) column: usize,
}

/// Splits a range. Nothing but white space is left out.
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

/// `≥` and `≤` are here to be named in an error.
fn is_operator(character: char) -> bool {
    matches!(
        character,
        '=' | '<' | '>' | '!' | '~' | '^' | '≥' | '≤' | '≠'
    )
}

/// `=` and its like may stand inside a text.
fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, ',' | '|' | '<' | '>')
}
