//! Plain scalars.

use extension_registry_core::diagnostic::Position;

use super::cursor::{Breaks, Cursor, is_blank, is_blank_or_end, is_break};
use crate::error::ParseError;

/// A plain scalar.
pub(super) struct Plain {
    pub(super) text: String,
    /// End of the text, before blanks.
    pub(super) end: Position,
    /// Whether it ended at the start of a line.
    pub(super) has_break: bool,
}

/// Scans a plain scalar. `indent` is the least column of its other lines, and None in a flow collection.
pub(super) fn scalar(
    cursor: &mut Cursor<'_>,
    is_flow: bool,
    indent: usize,
) -> Result<Plain, ParseError> {
    let mut text = String::new();
    let mut breaks = Breaks::default();
    let mut blanks = String::new();
    let mut has_break = false;
    let mut end = cursor.here();
    while !cursor.is_document_indicator() && cursor.current() != '#' {
        loop {
            let next = cursor.current();
            let is_end = is_blank_or_end(next)
                || next == ':' && is_blank_or_end(cursor.at(1))
                || is_flow && matches!(next, ',' | '?' | '[' | ']' | '{' | '}');
            if is_end {
                break;
            }
            if has_break {
                breaks.fold_into(&mut text);
                has_break = false;
            }
            text.push_str(&blanks);
            blanks.clear();
            text.push(cursor.advance());
            end = cursor.here();
        }
        if !is_blank(cursor.current()) && !is_break(cursor.current()) {
            break;
        }
        loop {
            let next = cursor.current();
            if is_blank(next) {
                if has_break && cursor.mark().column < indent && next == '\t' {
                    return Err(cursor
                        .error("found a tab in the indentation of a plain scalar")
                        .hint("indent with spaces"));
                }
                cursor.advance();
                if !has_break {
                    blanks.push(next);
                }
            } else if !is_break(next) {
                break;
            } else if has_break {
                cursor.read_break(&mut breaks.others);
            } else {
                blanks.clear();
                cursor.read_break(&mut breaks.first);
                has_break = true;
            }
        }
        if !is_flow && cursor.mark().column < indent {
            break;
        }
    }
    Ok(Plain {
        text,
        end,
        has_break,
    })
}
