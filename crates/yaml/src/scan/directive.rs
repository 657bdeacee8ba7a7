//! Directives.

use super::cursor::{Cursor, is_blank, is_blank_or_end, is_break_or_end, is_word};
use super::property::uri;
use super::token::Kind;
use crate::error::ParseError;

/// Scans a directive and the rest of its line.
pub(super) fn directive(cursor: &mut Cursor<'_>) -> Result<Kind, ParseError> {
    cursor.advance();
    let mut name = String::new();
    while is_word(cursor.current()) {
        name.push(cursor.advance());
    }
    let kind = match name.as_str() {
        "YAML" if is_blank_or_end(cursor.current()) => version(cursor)?,
        "TAG" if is_blank_or_end(cursor.current()) => prefix(cursor)?,
        _ => {
            return Err(cursor
                .error("unknown directive")
                .hint("quote text that begins with `%`"));
        }
    };
    cursor.skip_to_line_end();
    if !is_break_or_end(cursor.current()) {
        return Err(cursor.error("did not find expected comment or line break after a directive"));
    }
    cursor.skip_break();
    Ok(kind)
}

/// Scans a version: `1.1`.
fn version(cursor: &mut Cursor<'_>) -> Result<Kind, ParseError> {
    cursor.skip_while(is_blank);
    let mut version = String::new();
    while matches!(cursor.current(), '0'..='9' | '.') {
        version.push(cursor.advance());
    }
    let is_number = |text: &str| matches!(text.len(), 1 | 2) && !text.contains('.');
    let parts = version.split_once('.');
    let Some((major, minor)) = parts.filter(|(major, minor)| is_number(major) && is_number(minor))
    else {
        return Err(cursor.error("did not find expected version number"));
    };
    let is_supported = major.trim_start_matches('0') == "1" && minor.trim_start_matches('0') == "1";
    Ok(Kind::Version { is_supported })
}

/// Scans the handle of a tag and its prefix: `!a! tag:example.org,2000:`.
fn prefix(cursor: &mut Cursor<'_>) -> Result<Kind, ParseError> {
    cursor.skip_while(is_blank);
    let error = |cursor: &Cursor<'_>| cursor.error("invalid `%TAG` directive");
    if cursor.current() != '!' {
        return Err(error(cursor));
    }
    let mut handle = String::from(cursor.advance());
    while is_word(cursor.current()) {
        handle.push(cursor.advance());
    }
    if cursor.current() == '!' {
        handle.push(cursor.advance());
    } else if handle != "!" {
        return Err(error(cursor));
    }
    if !is_blank(cursor.current()) {
        return Err(error(cursor));
    }
    cursor.skip_while(is_blank);
    let prefix = uri(cursor, String::new(), false)?;
    if !is_blank_or_end(cursor.current()) {
        return Err(error(cursor));
    }
    Ok(Kind::TagPrefix { handle, prefix })
}
