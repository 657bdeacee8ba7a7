//! Anchors, aliases and tags.

use super::cursor::{Cursor, is_blank_or_end, is_word};
use super::token::Kind;
use crate::error::ParseError;

/// Scans the name of an anchor or alias, after `&` or `*`.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    cursor.advance();
    let mut name = String::new();
    while is_word(cursor.current()) {
        name.push(cursor.advance());
    }
    let next = cursor.current();
    let is_end =
        is_blank_or_end(next) || matches!(next, '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`');
    if name.is_empty() || !is_end {
        return Err(cursor
            .error("the name of an anchor or alias must consist of letters, digits, `_` and `-`")
            .hint("quote text that begins with `*` or `&`"));
    }
    Ok(name)
}

/// Scans a tag.
pub(super) fn tag(cursor: &mut Cursor<'_>) -> Result<Kind, ParseError> {
    let mut handle = String::new();
    let suffix = if cursor.at(1) == '<' {
        cursor.skip(2);
        let suffix = uri(cursor, String::new(), false)?;
        if cursor.current() != '>' {
            return Err(cursor.error("did not find expected '>' of a tag"));
        }
        cursor.advance();
        suffix
    } else {
        let first = cursor.advance();
        let mut name = String::new();
        while is_word(cursor.current()) {
            name.push(cursor.advance());
        }
        if cursor.current() == '!' {
            handle = format!("{first}{name}{}", cursor.advance());
            uri(cursor, String::new(), false)?
        } else {
            let suffix = uri(cursor, name, true)?;
            // A single `!` is not a handle.
            if suffix.is_empty() {
                first.to_string()
            } else {
                handle.push(first);
                suffix
            }
        }
    };
    if !is_blank_or_end(cursor.current()) {
        return Err(cursor
            .error("did not find expected whitespace or line break after a tag")
            .hint("quote text that begins with `!`"));
    }
    Ok(Kind::Tag { handle, suffix })
}

/// Scans the rest of a tag.
pub(super) fn uri(
    cursor: &mut Cursor<'_>,
    head: String,
    has_tag: bool,
) -> Result<String, ParseError> {
    let mut bytes = head.into_bytes();
    let mut has_tag = has_tag;
    loop {
        let next = cursor.current();
        if next == '%' {
            escaped(cursor, &mut bytes)?;
        } else if is_word(next) || ";/?:@&=+$,.!~*'()[]".contains(next) {
            cursor.advance();
            // All of these are ASCII.
            bytes.extend(next.to_string().bytes());
        } else {
            break;
        }
        has_tag = true;
    }
    if !has_tag {
        return Err(cursor.error("did not find expected name of a tag"));
    }
    // Only tags of YAML itself matter, and those are ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Scans a character as escaped octets: `%C3%A9`.
fn escaped(cursor: &mut Cursor<'_>, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
    let error = |cursor: &Cursor<'_>| cursor.error("invalid escape sequence in a tag");
    let mut missing = 1;
    let mut is_first = true;
    while missing > 0 {
        let digit = |place| cursor.at(place).to_digit(16);
        let (true, Some(high), Some(low)) = (cursor.current() == '%', digit(1), digit(2)) else {
            return Err(error(cursor));
        };
        let octet = u8::try_from(high << 4 | low).map_err(|_| error(cursor))?;
        if is_first {
            missing = match octet {
                0x00..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => return Err(error(cursor)),
            };
        } else if octet & 0xc0 != 0x80 {
            return Err(error(cursor));
        }
        is_first = false;
        bytes.push(octet);
        cursor.skip(3);
        missing -= 1;
    }
    Ok(())
}
