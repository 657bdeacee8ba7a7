//! Resolves plain scalars (YAML 1.1, as `kubectl` reads it).

use serde_json::{Number, Value};

/// Returns the value of a plain scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let digits = text.replace('_', "");
    let (is_negative, bare) = match digits.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(bare) = bare.strip_prefix(prefix) {
            return integer(bare, radix, is_negative);
        }
    }
    // YAML 1.1: octal.
    let radix = if bare.len() > 1 && bare.starts_with('0') {
        8
    } else {
        10
    };
    if let Some(number) = integer(bare, radix, is_negative) {
        return Some(number);
    }
    let is_float = bare
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        && bare.bytes().any(|byte| byte.is_ascii_digit());
    is_float
        .then(|| digits.parse::<f64>().ok())
        .flatten()
        .and_then(Number::from_f64)
}

/// Parses an integer; None if it is not one or out of range.
fn integer(digits: &str, radix: u32, is_negative: bool) -> Option<Number> {
    // A second sign makes it text.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if is_negative {
        0_i64.checked_sub_unsigned(value).map(Number::from)
    } else {
        Some(value.into())
    }
}
