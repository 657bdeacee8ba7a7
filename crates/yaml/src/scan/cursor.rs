//! Cursor in the text of a document.

use extension_registry_core::diagnostic::Position;

use crate::error::ParseError;

/// Character at the end of the text. A text with this character is rejected before.
pub(super) const END: char = '\0';

/// Place in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Number of characters before it.
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Cursor in the text of a document.
pub(super) struct Cursor<'t> {
    rest: &'t str,
    mark: Mark,
    /// Position of the document in its file.
    start: Position,
}

impl<'t> Cursor<'t> {
    /// Creates a cursor at the start of a document.
    ///
    /// # Errors
    /// If the text has characters that YAML does not allow.
    pub(super) fn new(text: &'t str, start: Position) -> Result<Self, ParseError> {
        let mark = Mark {
            index: 0,
            line: 0,
            column: 0,
        };
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let cursor = Self { rest, mark, start };
        if let Some(offset) = rest.find(is_forbidden) {
            let before = &rest[..offset];
            let line = before.matches('\n').count();
            let column = before.rsplit('\n').next().unwrap_or_default();
            let mark = Mark {
                index: 0,
                line,
                column: column.chars().count(),
            };
            let code = rest[offset..].chars().next().map_or(0, u32::from);
            let problem = format!("control character U+{code:04X} is not allowed");
            return Err(ParseError::yaml(cursor.position(mark), &problem)
                .hint("remove it, or write it as an escape sequence in double quotes"));
        }
        Ok(cursor)
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Returns the position of a mark in the file.
    pub(super) fn position(&self, mark: Mark) -> Position {
        let indent = if mark.line == 0 { self.start.column } else { 1 };
        Position {
            line: self.start.line + mark.line,
            column: indent + mark.column,
        }
    }

    /// Returns the current position in the file.
    pub(super) fn here(&self) -> Position {
        self.position(self.mark)
    }

    pub(super) fn error(&self, problem: &str) -> ParseError {
        ParseError::yaml(self.here(), problem)
    }

    /// Returns the current character.
    pub(super) fn current(&self) -> char {
        self.rest.chars().next().unwrap_or(END)
    }

    /// Returns the character after the next `skip` ones.
    pub(super) fn at(&self, skip: usize) -> char {
        self.rest.chars().nth(skip).unwrap_or(END)
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Returns whether a document starts or ends here.
    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.column == 0
            && (self.starts_with("---") || self.starts_with("..."))
            && is_blank_or_end(self.at(3))
    }

    /// Skips a character that is not a line break, and returns it.
    pub(super) fn advance(&mut self) -> char {
        let current = self.current();
        self.rest = self.rest.get(current.len_utf8()..).unwrap_or_default();
        self.mark.index += 1;
        self.mark.column += 1;
        current
    }

    pub(super) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.advance();
        }
    }

    pub(super) fn skip_while(&mut self, is_skipped: impl Fn(char) -> bool) {
        while is_skipped(self.current()) {
            self.advance();
        }
    }

    /// Skips a line break, if there is one.
    pub(super) fn skip_break(&mut self) {
        self.read_break(&mut String::new());
    }

    /// Skips a line break, if there is one, and appends it.
    pub(super) fn read_break(&mut self, to: &mut String) {
        let (length, text) = match self.current() {
            '\r' if self.at(1) == '\n' => (2, '\n'),
            '\r' | '\n' | '\u{85}' => (1, '\n'),
            separator @ ('\u{2028}' | '\u{2029}') => (1, separator),
            _ => return,
        };
        to.push(text);
        self.skip(length);
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Skips blanks and a comment, which need not be separated from what is before.
    pub(super) fn skip_to_line_end(&mut self) {
        self.skip_while(is_blank);
        if self.current() == '#' {
            self.skip_while(|next| !is_break_or_end(next));
        }
    }

    /// Starts a new line at the end of the text.
    pub(super) fn end_line(&mut self) {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
    }
}

/// Returns whether a character must not be in a document.
fn is_forbidden(character: char) -> bool {
    !matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_break_or_end(character: char) -> bool {
    is_break(character) || character == END
}

pub(super) fn is_blank_or_end(character: char) -> bool {
    is_blank(character) || is_break_or_end(character)
}

/// Returns whether a character may be in the name of an anchor.
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// Line breaks between parts of a scalar that has several lines.
#[derive(Default)]
pub(super) struct Breaks {
    pub(super) first: String,
    pub(super) others: String,
}

impl Breaks {
    /// Appends the breaks to a scalar: a single one becomes a space.
    pub(super) fn fold_into(&mut self, text: &mut String) {
        if !self.first.starts_with('\n') {
            text.push_str(&self.first);
        } else if self.others.is_empty() {
            text.push(' ');
        }
        text.push_str(&self.others);
        self.first.clear();
        self.others.clear();
    }
}
