//! Differences between libyaml and go-yaml 2, which `kubectl` uses.
//!
//! - go-yaml 2 reads `,`, `[` and `]` in tags, which libyaml rejects (in a flow collection, [`libyaml_safer`] panics at
//!   the comma).
//! - In a flow collection, `:` before a bracket or comma is part of a plain scalar, and `?` ends one.
//! - In double quotes, `\'` is an escape sequence, and `\/` is none.
//! - A byte order mark is skipped only at the start of the text.
//!
//! In the text that libyaml gets, such characters are replaced by [`StandIns`], and the values get them back. A comma is
//! replaced wherever it could be in a tag. Whether it is, and whether a `:` is part of a scalar, depends on what is
//! before it: where libyaml stops, the text is corrected and parsed again.
//!
//! Two differences remain. A key has at most 1,024 bytes, not characters. After the root node, where `kubectl` reads
//! nothing but the next token, an error between brackets may not be found.

use extension_registry_core::diagnostic::Position;
use libyaml_safer::{Error, ErrorKind, Mark, ScalarStyle};

use crate::error::ParseError;

/// Maximum number of bytes that corrections parse again, if there are more than a few.
const MAX_READ: usize = 16 << 20;

/// Characters that replace others. The text does not contain them.
#[derive(Clone, Copy)]
struct StandIns {
    byte_order_mark: char,
    /// A backslash before `'`, which is not a part of the value in double quotes.
    backslash: char,
    /// A slash after a backslash.
    slash: char,
    colon: char,
    /// A comma that may be in a tag.
    comma: char,
}

impl StandIns {
    /// Chooses characters. None if the text has nearly all of those that Unicode reserves for such purposes.
    fn choose(text: &str) -> Option<Self> {
        let mut free = (1..=16_u32)
            .filter_map(|plane| char::from_u32(plane << 16 | 0xffff))
            .filter(|character| !text.contains(*character));
        Some(Self {
            byte_order_mark: free.next()?,
            backslash: free.next()?,
            slash: free.next()?,
            colon: free.next()?,
            comma: free.next()?,
        })
    }
}

/// Text of a document, as libyaml gets it.
pub(crate) struct Source {
    text: String,
    /// Position of the document in its file.
    start: Position,
    stand_ins: StandIns,
    /// Number of corrections that are still allowed.
    corrections: usize,
}

/// A character that libyaml must not get.
#[derive(Clone, Copy)]
pub(crate) struct Correction {
    /// Its place in the text.
    index: usize,
    replacement: char,
}

impl Source {
    /// Creates the text that libyaml gets.
    ///
    /// # Errors
    /// If the text has characters that YAML does not allow.
    pub(crate) fn new(text: &str, start: Position) -> Result<Self, ParseError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(offset) = text.find(is_forbidden) {
            let at = position_after(&text[..offset], start);
            let code = text[offset..].chars().next().map_or(0, u32::from);
            let problem = format!("control character U+{code:04X} is not allowed");
            return Err(ParseError::yaml(at, &problem)
                .hint("remove it, or write it as an escape sequence in double quotes"));
        }
        let Some(stand_ins) = StandIns::choose(text) else {
            return Err(ParseError::yaml(
                start,
                "too many different noncharacters of Unicode",
            ));
        };
        Ok(Self {
            text: replace(text, stand_ins),
            start,
            stand_ins,
            corrections: (MAX_READ / text.len().max(1)).clamp(16, 1024),
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the position of a mark in the file.
    pub(crate) fn position(&self, mark: Mark) -> Position {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (line, column) = (number(mark.line), number(mark.column));
        let first = if line == 0 { self.start.column } else { 1 };
        Position {
            line: self.start.line + line,
            column: first + column,
        }
    }

    /// Returns the text from a mark.
    pub(crate) fn from(&self, mark: Mark) -> &str {
        let index = usize::try_from(mark.index).unwrap_or(usize::MAX);
        self.text.get(index..).unwrap_or_default()
    }

    /// Returns the character before a mark.
    pub(crate) fn before(&self, mark: Mark) -> Option<char> {
        let index = usize::try_from(mark.index).ok()?;
        self.text.get(..index)?.chars().next_back()
    }

    pub(crate) fn correct(&mut self, correction: Correction) {
        let Correction { index, replacement } = correction;
        let length = self.text[index..].chars().next().map_or(0, char::len_utf8);
        let mut buffer = [0; 4];
        let replacement = replacement.encode_utf8(&mut buffer);
        self.text.replace_range(index..index + length, replacement);
        self.corrections -= 1;
    }

    fn correct_at(&self, index: usize, replacement: char) -> Option<Correction> {
        (self.corrections > 0).then_some(Correction { index, replacement })
    }

    /// Returns the correction of a text that only libyaml rejects.
    pub(crate) fn correction(&self, error: &Error) -> Option<Correction> {
        let mark = error.problem_mark()?;
        let index = usize::try_from(mark.index).ok()?;
        let rest = self.text.get(index..)?;
        let stand_ins = &self.stand_ins;
        // libyaml read on after the first comma, so it is not in a tag. What libyaml found after it may be wrong.
        let comma = self
            .text
            .find(stand_ins.comma)
            .filter(|comma| *comma < index || *comma == index && error.kind() == ErrorKind::Parser);
        if let Some(comma) = comma {
            return self.correct_at(comma, ',');
        }
        let is_in_tag = matches!(
            error.problem(),
            "did not find expected whitespace or line break" | "did not find expected tag URI"
        ) && error.kind() == ErrorKind::Scanner;
        if is_in_tag && rest.starts_with(['[', ']', stand_ins.comma]) {
            // The tag is not one of YAML, so its name does not matter.
            return self.correct_at(index, ';');
        }
        if error.problem() == "did not find the expected '>'" && rest.starts_with(stand_ins.comma) {
            return self.correct_at(index, ',');
        }
        if error.problem() == "found unexpected ':'" {
            return self.correct_at(index, stand_ins.colon);
        }
        None
    }

    /// Returns the text of a plain scalar in a flow collection.
    ///
    /// # Errors
    /// The correction, or the error, if go-yaml reads it differently.
    pub(crate) fn plain_in_brackets(
        &self,
        value: String,
        [start, end]: [Mark; 2],
    ) -> Result<String, Result<Correction, ParseError>> {
        let length = usize::try_from(end.index - start.index).unwrap_or(usize::MAX);
        let place = |character: char| {
            let offset = self.from(start).find(character);
            offset.filter(|offset| *offset < length).unwrap_or(0)
        };
        let error = |character, problem, hint| {
            let before = &self.from(start)[..place(character)];
            let at = position_after(before, self.position(start));
            Err(Err(ParseError::yaml(at, problem).hint(hint)))
        };
        let comma = self.stand_ins.comma;
        if value.contains(comma) {
            // It is not in a tag.
            let index = usize::try_from(start.index).unwrap_or(usize::MAX);
            return match self.correct_at(index.saturating_add(place(comma)), ',') {
                Some(correction) => Err(Ok(correction)),
                None => error(
                    comma,
                    "too many commas after `!`",
                    "quote text that contains `!`",
                ),
            };
        }
        if value.contains('?') {
            let problem = "found '?' in a plain scalar in brackets";
            return error('?', problem, "quote the text");
        }
        Ok(self.restore(value, ScalarStyle::Plain))
    }

    /// Returns a value with its own characters instead of the replacements.
    pub(crate) fn restore(&self, value: String, style: ScalarStyle) -> String {
        let own = &self.stand_ins;
        let is_own = |character: char| u32::from(character) & 0xffff == 0xffff;
        if !value.contains(is_own) {
            return value;
        }
        let restored = |character: char| match character {
            _ if character == own.backslash => (style != ScalarStyle::DoubleQuoted).then_some('\\'),
            _ if character == own.byte_order_mark => Some('\u{feff}'),
            _ if character == own.slash => Some('/'),
            _ if character == own.colon => Some(':'),
            _ if character == own.comma => Some(','),
            _ => Some(character),
        };
        value.chars().filter_map(restored).collect()
    }
}

/// Returns whether a character must not be in a document.
fn is_forbidden(character: char) -> bool {
    !matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

/// Returns the position after a text.
fn position_after(text: &str, start: Position) -> Position {
    let lines = text.matches('\n').count();
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count();
    let first = if lines == 0 { start.column } else { 1 };
    Position {
        line: start.line + lines,
        column: first + column,
    }
}

/// A possible tag that the text continues.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    None,
    Name,
    /// `!<…>`, in which libyaml reads commas, too.
    Verbatim,
}

/// Replaces characters that libyaml must not get.
fn replace(text: &str, stand_ins: StandIns) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut is_escape = false;
    let mut tag = Tag::None;
    let mut before = '\n';
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let next = rest.peek().copied();
        let follows_escape = is_escape;
        is_escape = character == '\\' && !follows_escape;
        tag = match character {
            // No token ends with another character.
            '!' if "[]{},\"'?:> \t\r\n\u{85}\u{2028}\u{2029}".contains(before) => {
                if next == Some('<') {
                    Tag::Verbatim
                } else {
                    Tag::Name
                }
            }
            '>' if tag == Tag::Verbatim => Tag::Name,
            '<' | '>' | '[' | ']' | ',' => tag,
            _ if character.is_ascii_alphanumeric() || "_-;/?:@&=+$.!~*'()%".contains(character) => {
                tag
            }
            _ => Tag::None,
        };
        replaced.push(match character {
            '\u{feff}' => stand_ins.byte_order_mark,
            '\\' if is_escape && next == Some('\'') => stand_ins.backslash,
            '/' if follows_escape => stand_ins.slash,
            ',' if tag == Tag::Name => stand_ins.comma,
            _ => character,
        });
        before = character;
    }
    replaced
}
