//! Types of scalars (YAML 1.1, as go-yaml 2 reads it).

use serde_json::Value;

use crate::binary;
use crate::number::{self, Integer};

const PREFIX: &str = "tag:yaml.org,2002:";

/// A scalar with its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Integer(Integer),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// Returns the name of the type as a tag without `!!`.
    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Integer(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
        }
    }

    /// Converts the scalar to JSON. None for infinity and NaN.
    pub(crate) fn into_value(self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Integer(Integer::Signed(value)) => value.into(),
            // An integer that does not fit into 64 bits with a sign is a float in the API server.
            #[expect(clippy::cast_precision_loss, reason = "as in the API server")]
            Self::Integer(Integer::Unsigned(value)) => return number::from_float(value as f64),
            Self::Float(value) => return number::from_float(value),
            Self::Text(text) => text.into(),
        })
    }
}

/// Resolves a scalar whose type its text or tag determines.
///
/// # Errors
/// If the text is not of the type of the tag. The message does not contain the text.
pub(crate) fn resolve(tag: Option<&str>, text: &str) -> Result<Scalar, String> {
    let Some(tag) = tag else {
        return Ok(plain(text));
    };
    let fail = |name: &str| {
        Err(format!(
            "the value is not of the type of its tag `!!{name}`"
        ))
    };
    // Other tags are ignored: the value is text.
    let name = tag.strip_prefix(PREFIX).unwrap_or_default();
    match name {
        "bool" | "int" | "null" => {
            let scalar = plain(text);
            if scalar.tag() == name {
                Ok(scalar)
            } else {
                fail(name)
            }
        }
        "float" => match plain(text) {
            #[expect(clippy::cast_precision_loss, reason = "as in go-yaml")]
            Scalar::Integer(Integer::Signed(value)) => Ok(Scalar::Float(value as f64)),
            Scalar::Float(value) => Ok(Scalar::Float(value)),
            _ => fail(name),
        },
        "timestamp" if !is_timestamp(text) => fail(name),
        "binary" => binary::decode(text)
            .map(Scalar::Text)
            .ok_or_else(|| "the value of the tag `!!binary` is not valid base64".to_owned()),
        _ => Ok(Scalar::Text(text.to_owned())),
    }
}

/// Resolves a plain scalar.
fn plain(text: &str) -> Scalar {
    let float = match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return number(text).unwrap_or_else(|| Scalar::Text(text.to_owned())),
    };
    Scalar::Float(float)
}

fn number(text: &str) -> Option<Scalar> {
    let first = text.bytes().next()?;
    if first == b'.' {
        let digits = without_separators(text)?;
        return float(&digits);
    }
    if !first.is_ascii_digit() && !matches!(first, b'+' | b'-') {
        return None;
    }
    let digits = text.replace('_', "");
    if let Some(integer) = number::parse_integer(&digits) {
        return Some(Scalar::Integer(integer));
    }
    // The number after `0b` may have a sign.
    let binary = || {
        let bare = digits.strip_prefix("0b")?;
        i64::from_str_radix(bare, 2).ok().map(Integer::Signed)
    };
    float(&digits).or_else(|| binary().map(Scalar::Integer))
}

fn float(digits: &str) -> Option<Scalar> {
    let bare = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    // Rust also reads `inf` and `nan`.
    let is_number = bare.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let float = is_number.then(|| number::parse_float(digits)).flatten()?;
    Some(Scalar::Float(float))
}

/// Removes underscores, which must be between digits.
fn without_separators(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |index: Option<usize>| {
        index
            .and_then(|index| bytes.get(index))
            .is_some_and(u8::is_ascii_digit)
    };
    let is_separated =
        |(index, _)| is_digit(usize::checked_sub(index, 1)) && is_digit(Some(index + 1));
    text.match_indices('_')
        .all(is_separated)
        .then(|| text.replace('_', ""))
}

/// Returns whether a text is a date, or a date and a time.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(end) => (&text[..end], Some(text.split_at(end).1)),
        None => (text, None),
    };
    let is_zoned = time.is_some_and(|time| !time.starts_with(' '));
    is_date(date) && time.is_none_or(|time| is_time(&time[1..], is_zoned))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else {
        return false;
    };
    let (true, Some(year), Some(month), Some(day)) = (
        year.len() == 4,
        digits(year, 4),
        digits(month, 2),
        digits(day, 2),
    ) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_time(text: &str, is_zoned: bool) -> bool {
    let (clock, zone) = match text.find(['Z', '+', '-']) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let is_zone = match zone.as_bytes() {
        [] => !is_zoned,
        [b'Z'] => is_zoned,
        [_, offset @ ..] => {
            let offset = std::str::from_utf8(offset).unwrap_or_default();
            let parts = offset.split_once(':');
            let limits = parts.is_some_and(|(hours, minutes)| {
                hours.len() == 2
                    && minutes.len() == 2
                    && digits(hours, 2).is_some_and(|hours| hours <= 24)
                    && digits(minutes, 2).is_some_and(|minutes| minutes <= 60)
            });
            is_zoned && limits
        }
    };
    let (clock, fraction) = match clock.find(['.', ',']) {
        Some(end) => (&clock[..end], &clock[end + 1..]),
        None => (clock, "0"),
    };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = clock.split(':').collect();
    let &[hours, minutes, seconds] = parts.as_slice() else {
        return false;
    };
    let below = |text, limit| digits(text, 2).is_some_and(|value| value < limit);
    is_zone && is_fraction && below(hours, 24) && below(minutes, 60) && below(seconds, 60)
}

/// Parses at most so many digits.
fn digits(text: &str, most: usize) -> Option<u32> {
    let is_number = text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
