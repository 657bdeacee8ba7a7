//! Literal and folded scalars.

use super::cursor::{Cursor, END, is_blank, is_break, is_break_or_end};
use crate::error::ParseError;

/// What happens to the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// One is kept.
    Clip,
    /// `-`: none is kept.
    Strip,
    /// `+`: all are kept.
    Keep,
}

/// Scans a literal or folded scalar. `parent` is the indentation of the collection that contains it.
pub(super) fn scalar(
    cursor: &mut Cursor<'_>,
    is_literal: bool,
    parent: Option<usize>,
) -> Result<String, ParseError> {
    cursor.advance();
    let (chomping, increment) = header(cursor)?;
    let mut indent = increment.map(|increment| parent.unwrap_or(0) + increment);
    let mut text = String::new();
    // The break after the last line, and those of empty lines after it.
    let (mut first, mut others) = (String::new(), String::new());
    let column = breaks(cursor, &mut indent, parent, &mut others)?;
    let mut was_indented = false;
    while cursor.mark().column == column && cursor.current() != END {
        let is_indented = is_blank(cursor.current());
        if !is_literal && !was_indented && !is_indented && first.starts_with('\n') {
            if others.is_empty() {
                text.push(' ');
            }
        } else {
            text.push_str(&first);
        }
        text.push_str(&others);
        first.clear();
        others.clear();
        was_indented = is_indented;
        while !is_break_or_end(cursor.current()) {
            text.push(cursor.advance());
        }
        cursor.read_break(&mut first);
        breaks(cursor, &mut indent, parent, &mut others)?;
    }
    if chomping != Chomping::Strip {
        text.push_str(&first);
    }
    if chomping == Chomping::Keep {
        text.push_str(&others);
    }
    Ok(text)
}

/// Scans the rest of the first line: the indicators of chomping and indentation, in any order.
fn header(cursor: &mut Cursor<'_>) -> Result<(Chomping, Option<usize>), ParseError> {
    let mut chomping = chomping(cursor);
    let mut increment = None;
    if let Some(digit) = cursor.current().to_digit(10) {
        if digit == 0 {
            return Err(cursor.error("the indentation indicator of a block scalar must not be 0"));
        }
        increment = usize::try_from(digit).ok();
        cursor.advance();
        if chomping.is_none() {
            chomping = self::chomping(cursor);
        }
    }
    cursor.skip_to_line_end();
    if !is_break_or_end(cursor.current()) {
        return Err(cursor
            .error("did not find expected comment or line break after a block scalar indicator")
            .hint("write the text on the next line, or quote it"));
    }
    cursor.skip_break();
    Ok((chomping.unwrap_or(Chomping::Clip), increment))
}

fn chomping(cursor: &mut Cursor<'_>) -> Option<Chomping> {
    let chomping = match cursor.current() {
        '+' => Chomping::Keep,
        '-' => Chomping::Strip,
        _ => return None,
    };
    cursor.advance();
    Some(chomping)
}

/// Skips indentation and empty lines. Returns the indentation, which the first line determines.
fn breaks(
    cursor: &mut Cursor<'_>,
    indent: &mut Option<usize>,
    parent: Option<usize>,
    to: &mut String,
) -> Result<usize, ParseError> {
    let mut longest = 0;
    loop {
        let is_before = |column: usize| indent.is_none_or(|indent| column < indent);
        while is_before(cursor.mark().column) && cursor.current() == ' ' {
            cursor.advance();
        }
        longest = longest.max(cursor.mark().column);
        if is_before(cursor.mark().column) && cursor.current() == '\t' {
            return Err(cursor
                .error("found a tab where an indentation space is expected")
                .hint("indent with spaces"));
        }
        if !is_break(cursor.current()) {
            break;
        }
        cursor.read_break(to);
    }
    let least = parent.map_or(1, |parent| parent + 1);
    Ok(*indent.get_or_insert(longest.max(least)))
}
