//! Scalars in quotes.

use super::cursor::{Breaks, Cursor, END, is_blank, is_blank_or_end, is_break};
use crate::error::ParseError;

/// Scans a scalar in single or double quotes.
pub(super) fn scalar(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    let start = cursor.here();
    let quote = cursor.advance();
    let mut text = String::new();
    let mut breaks = Breaks::default();
    let mut blanks = String::new();
    loop {
        let unclosed = |problem| {
            Err(ParseError::yaml(start, problem).hint("close the quotes that begin here"))
        };
        if cursor.is_document_indicator() {
            return unclosed("found document indicator in a quoted scalar");
        }
        if cursor.current() == END {
            return unclosed("found end of document in a quoted scalar");
        }
        let mut has_break = words(cursor, quote, &mut text)?;
        if cursor.current() == quote {
            break;
        }
        loop {
            let next = cursor.current();
            if is_blank(next) {
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
        if has_break {
            // After an escaped break there may be no first one.
            breaks.fold_into(&mut text);
        } else {
            text.push_str(&blanks);
            blanks.clear();
        }
    }
    cursor.advance();
    Ok(text)
}

/// Scans characters up to a blank, a break or the quote. Returns whether it ended with an escaped line break.
fn words(cursor: &mut Cursor<'_>, quote: char, text: &mut String) -> Result<bool, ParseError> {
    loop {
        let next = cursor.current();
        if is_blank_or_end(next) {
            return Ok(false);
        }
        if quote == '\'' && cursor.starts_with("''") {
            text.push(quote);
            cursor.skip(2);
        } else if next == quote {
            return Ok(false);
        } else if quote == '"' && next == '\\' {
            if is_break(cursor.at(1)) {
                cursor.advance();
                cursor.skip_break();
                return Ok(true);
            }
            text.push(escaped(cursor)?);
        } else {
            text.push(cursor.advance());
        }
    }
}

/// Scans an escape sequence.
fn escaped(cursor: &mut Cursor<'_>) -> Result<char, ParseError> {
    let length = match cursor.at(1) {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        letter => {
            let Some(character) = single(letter) else {
                return Err(cursor
                    .error("found unknown escape character in double quotes")
                    .hint("write `\\\\` for a backslash, or use single quotes"));
            };
            cursor.skip(2);
            return Ok(character);
        }
    };
    let mut code = 0_u64;
    for place in 0..length {
        let Some(digit) = cursor.at(2 + place).to_digit(16) else {
            return Err(
                cursor.error("did not find expected hexadecimal digits of an escape sequence")
            );
        };
        code = code << 4 | u64::from(digit);
    }
    let character = u32::try_from(code).ok().and_then(char::from_u32);
    let Some(character) = character else {
        return Err(cursor
            .error("found escape sequence of an invalid Unicode character")
            .hint("write the character itself, or its code point after `\\U`"));
    };
    cursor.skip(2 + length);
    Ok(character)
}

/// Returns the character of an escape sequence of one letter.
fn single(letter: char) -> Option<char> {
    Some(match letter {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        ' ' | '"' | '\'' | '\\' => letter,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    })
}
