//! Numbers as Go reads and writes them.

use serde_json::{Number, Value};

/// Returns the JSON number of a float: an integer if it has no fraction, as it is written without one. None for
/// infinity and NaN.
pub(crate) fn from_float(float: f64) -> Option<Value> {
    // Very large ones are written with an exponent, so they do not fit anyway.
    match float.to_string().parse::<i64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => Number::from_f64(float).map(Value::Number),
    }
}

/// Parses a float. None if it is too large.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Formats a float as a key: with the precision of 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "as in sigs.k8s.io/yaml")]
pub(crate) fn format_key(float: f64) -> String {
    let float = float as f32;
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => float.to_string(),
    }
}

/// Parses an integer as Go does with base 0, without underscores: `0x1F`, `0b1`, `0o17`, `017`.
pub(crate) fn parse_integer(text: &str) -> Option<Integer> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Some(true), &text[1..]),
        b'+' => (Some(false), &text[1..]),
        _ => (None, text),
    };
    let prefix = digits.get(..2).map(str::to_ascii_lowercase);
    let (digits, radix) = match prefix.as_deref() {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        Some(_) if digits.starts_with('0') => (&digits[1..], 8),
        _ => (digits, 10),
    };
    // A second sign is not part of a number.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    let signed = match sign {
        Some(true) => 0_i64.checked_sub_unsigned(value),
        _ => i64::try_from(value).ok(),
    };
    match (signed, sign) {
        (Some(signed), _) => Some(Integer::Signed(signed)),
        // Go parses unsigned integers without a sign.
        (None, None) => Some(Integer::Unsigned(value)),
        (None, Some(_)) => None,
    }
}

/// An integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integer {
    Signed(i64),
    /// One that does not fit into [`Integer::Signed`].
    Unsigned(u64),
}
