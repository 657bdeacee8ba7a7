//! What a word without quotes is (YAML 1.1, as `kubectl` reads it).

use serde_json::{Number, Value};

/// A word without quotes.
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
    let (sign, bare) = match digits.strip_prefix('-') {
        Some(bare) => (-1, bare),
        None => (1, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(bare) = bare.strip_prefix(prefix) {
            return i64::from_str_radix(bare, radix)
                .ok()
                .map(|value| (sign * value).into());
        }
    }
    if bare.len() > 1 && bare.starts_with('0') && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        // YAML 1.1: octal.
        return i64::from_str_radix(bare, 8)
            .ok()
            .map(|value| (sign * value).into());
    }
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return match bare.parse::<u64>() {
            Ok(value) if sign == 1 => Some(value.into()),
            Ok(value) => i64::try_from(value).ok().map(|value| (-value).into()),
            Err(_) => None,
        };
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
