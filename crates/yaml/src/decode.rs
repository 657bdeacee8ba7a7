//! Text of files.

use std::borrow::Cow;

use extension_registry_core::diagnostic::Position;

use crate::error::ParseError;

/// Decodes UTF-8, and UTF-16 with a byte order mark, as `kubectl` does.
///
/// # Errors
/// If the bytes are not valid in that encoding. `kubectl` replaces such bytes without a warning.
///
/// ```
/// # use extension_registry_yaml::decode;
/// assert_eq!(decode(b"\xff\xfea\0")?, "a");
/// assert!(decode(b"a: \xe4").is_err());
/// # Ok::<(), extension_registry_yaml::ParseError>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ParseError> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        invalid(&String::from_utf8_lossy(valid), "not valid UTF-8")
    })?;
    Ok(Cow::Borrowed(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, ParseError> {
    let (units, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(units.len());
    for character in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Err(invalid(&text, "not valid UTF-16")),
        }
    }
    if rest.is_empty() {
        Ok(Cow::Owned(text))
    } else {
        Err(invalid(&text, "not valid UTF-16"))
    }
}

/// Creates the error at the end of the valid text.
fn invalid(before: &str, message: &str) -> ParseError {
    let last = before.rsplit('\n').next().unwrap_or_default();
    let at = Position {
        line: 1 + before.matches('\n').count(),
        column: 1 + last.chars().count(),
    };
    ParseError::syntax(at, message).hint("save the file as UTF-8")
}
