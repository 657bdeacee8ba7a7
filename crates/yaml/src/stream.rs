//! Splits a text into documents as `kubectl` does, and reads them.

use extension_registry_core::diagnostic::Position;
use serde_json::Value;

use crate::compose::{Keys, compose};
use crate::error::ParseError;
use crate::json::JsonReader;
use crate::marks::Marks;
use crate::syntax;

/// `kubectl` looks for the start of a JSON object in so many bytes.
const JSON_START: usize = 4096;

/// Line that separates documents, if nothing but a comment follows.
const SEPARATOR: &str = "---";

/// Parses the documents of a text, and returns the errors with the documents that could be read. Reading stops at the
/// first syntax error.
#[must_use]
pub fn parse(text: &str) -> (Vec<(Value, Marks)>, Vec<ParseError>) {
    read(text, Keys::AsKubectl)
}

/// Like [`parse`], but uses keys as written: `Y` and `TRUE` differ, and `1.20` is not `1.2`. For files that the
/// API server does not read.
#[must_use]
pub fn parse_with_keys_as_written(text: &str) -> (Vec<(Value, Marks)>, Vec<ParseError>) {
    read(text, Keys::AsWritten)
}

fn read(text: &str, keys: Keys) -> (Vec<(Value, Marks)>, Vec<ParseError>) {
    let mut reader = Reader {
        keys,
        documents: Vec::new(),
        errors: Vec::new(),
    };
    let result = if is_json(text) {
        reader.json(text)
    } else {
        let at = Position { line: 1, column: 1 };
        reader.yaml(text, at)
    };
    reader.errors.extend(result.err());
    (reader.documents, reader.errors)
}

fn is_json(text: &str) -> bool {
    let start = text.find(|character: char| !character.is_whitespace());
    start.is_some_and(|start| start < JSON_START && text[start..].starts_with('{'))
}

struct Reader {
    keys: Keys,
    documents: Vec<(Value, Marks)>,
    errors: Vec<ParseError>,
}

impl Reader {
    /// Reads JSON values, one after the other. If there are less than two, the rest may be YAML.
    fn json(&mut self, text: &str) -> Result<(), ParseError> {
        let mut reader = JsonReader::new(text);
        let mut count = 0;
        loop {
            let before = reader.clone();
            match reader.next() {
                Ok(None) => return Ok(()),
                Ok(Some(parsed)) => {
                    self.documents.extend(parsed.document);
                    self.errors.extend(parsed.errors);
                    count += 1;
                }
                Err(error) if count > 1 => return Err(error),
                Err(error) => {
                    let mut rest = before;
                    if !skip_blanks(&mut rest) {
                        return Err(error);
                    }
                    let (text, at) = rest.rest();
                    return self.yaml(text, at);
                }
            }
        }
    }

    /// Reads YAML documents.
    fn yaml(&mut self, text: &str, start: Position) -> Result<(), ParseError> {
        let mut document = String::new();
        let mut at = start;
        let mut line_at = start;
        for line in text.split_inclusive('\n') {
            let next = Position {
                line: line_at.line + 1,
                column: 1,
            };
            let line = line
                .strip_suffix('\n')
                .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
            let is_separator = is_separator(line, line_at)?;
            if is_separator && !document.is_empty() {
                self.document(&document, at)?;
                document.clear();
                at = next;
            } else if self.is_ignored(line, &document) {
                document.push('\n');
            } else {
                document.push_str(line);
                document.push('\n');
            }
            line_at = next;
        }
        if document.is_empty() {
            return Ok(());
        }
        self.document(&document, at)
    }

    /// Returns whether a line is a directive that other tools than `kubectl` may read.
    fn is_ignored(&self, line: &str, before: &str) -> bool {
        let is_start = || before.trim().is_empty();
        self.keys == Keys::AsWritten && line.starts_with('%') && is_start()
    }

    fn document(&mut self, text: &str, at: Position) -> Result<(), ParseError> {
        let document = match syntax::parse(text, at)? {
            Some(tree) => compose(&tree, self.keys, &mut self.errors)?,
            None => return Ok(()),
        };
        self.documents.push(document);
        Ok(())
    }
}

/// Returns whether a line separates documents.
fn is_separator(line: &str, at: Position) -> Result<bool, ParseError> {
    let Some(rest) = line.strip_prefix(SEPARATOR) else {
        return Ok(false);
    };
    let content = rest.trim_start();
    if content.is_empty() || content.starts_with('#') {
        return Ok(true);
    }
    let column = at.column + SEPARATOR.len() + rest.chars().count() - content.chars().count();
    let at = Position { column, ..at };
    Err(
        ParseError::yaml(at, "only a comment may follow the document separator `---`")
            .hint("write it on the next line; indent a line of text that begins with `---`"),
    )
}

/// Skips blanks up to the end of the line, as `kubectl` does where JSON ends. Returns false if less than four bytes
/// are left: then it reads no YAML.
fn skip_blanks(reader: &mut JsonReader<'_>) -> bool {
    loop {
        let (rest, _) = reader.rest();
        let Some(next) = rest.chars().next().filter(|_| rest.len() >= 4) else {
            return false;
        };
        // kubectl takes it for an invalid byte.
        if next == char::REPLACEMENT_CHARACTER {
            return false;
        }
        if !next.is_whitespace() {
            return true;
        }
        reader.skip(next.len_utf8());
        if next == '\n' {
            return true;
        }
    }
}
