//! Formats of names, equivalent to the patterns of [`crate::limits`].

use crate::limits;

/// Format of a name, with the error for names that do not match.
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub(super) is_valid: fn(&str) -> bool,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

/// Format of names in records and selectors.
pub(super) const NAME: Format = Format {
    is_valid: is_name,
    message: "invalid name",
    hint: "use 1 to 63 letters, digits, `-`, `_`, `.` or `+`; start and end with a letter or digit",
};

/// Format of Secret keys.
pub(super) const KEY: Format = Format {
    is_valid: is_key,
    message: "invalid Secret key",
    hint: "use 1 to 253 letters, digits, `-`, `_` or `.`; do not begin with two dots",
};

/// Hint for an invalid DNS label.
pub const LABEL_HINT: &str =
    "use 1 to 63 lowercase letters, digits or `-`; start and end with a letter or digit";

/// Format of DNS labels.
pub(super) const LABEL: Format = Format {
    is_valid: is_label,
    message: "invalid name",
    hint: LABEL_HINT,
};

/// Format of project (namespace) names.
pub(super) const PROJECT: Format = Format {
    message: "invalid project name",
    ..LABEL
};

/// Format of Secret names.
pub(super) const SECRET: Format = Format {
    is_valid: is_subdomain,
    message: "invalid Secret name",
    hint: "use lowercase letters, digits, `-` or `.`; start and end with a letter or digit",
};

/// Format of user and group names.
pub(super) const PERSON: Format = Format {
    is_valid: is_person,
    message: "invalid user or group name",
    hint: "use 1 to 256 characters",
};

/// Format of variable names.
pub(super) const VARIABLE: Format = Format {
    is_valid: is_variable,
    message: "invalid variable name",
    hint: "use letters, digits and `_`",
};

/// Format of variable names that are keys of a Secret.
pub(super) const SECRET_VARIABLE: Format = Format {
    is_valid: is_secret_variable,
    message: "invalid variable name",
    hint: "use letters, digits, `_`, `-` or `.`; begin with a letter or `_`",
};

/// Hint for the name of a binding.
pub const BINDING_NAME_HINT: &str = "use 1 to 50 lowercase letters, digits or `-`; do not begin with `u-`, or end with `-` and 16 hexadecimal digits";

/// Format of the names of bindings.
pub(super) const BINDING_NAME: Format = Format {
    is_valid: is_binding_name,
    message: "invalid binding name",
    hint: BINDING_NAME_HINT,
};

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    text.len() <= limits::NAME && framed(text, |byte| byte.is_ascii_alphanumeric(), inner)
}

fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=limits::KEY).contains(&text.len())
        && text.bytes().all(allowed)
        && text != "."
        && !text.starts_with("..")
}

/// Returns whether `text` is a DNS label (RFC 1123), as required for namespaces.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= limits::NAME && framed(text, end, |byte| end(byte) || byte == b'-')
}

/// Returns whether `text` is a DNS subdomain (RFC 1123), as required for most object names.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    let end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= limits::KEY
        && text
            .split('.')
            .all(|part| framed(part, end, |byte| end(byte) || byte == b'-'))
}

/// Returns whether `text` is a value of a label, or the name part of a qualified name, such as the key of a label.
#[must_use]
pub fn is_name_part(text: &str) -> bool {
    let end = |byte: u8| byte.is_ascii_alphanumeric();
    let inner = |byte: u8| end(byte) || b"-_.".contains(&byte);
    text.len() <= limits::NAME && framed(text, end, inner)
}

fn is_person(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= limits::PERSON
}

fn is_variable(text: &str) -> bool {
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    (1..=limits::KEY).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_secret_variable(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    begins && is_key(text)
}

/// Returns whether `text` can be the name of a binding.
#[must_use]
pub fn is_binding_name(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let resembles_hash = text
        .rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == 16 && end.bytes().all(is_hex));
    let is_short = text.len() <= limits::BINDING_NAME;
    is_short && is_label(text) && !text.starts_with("u-") && !resembles_hash
}

fn framed(text: &str, end: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            end(*first) && end(*last) && bytes.iter().all(|byte| inner(*byte))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{BINDING_NAME, Format, KEY, LABEL, NAME, SECRET, SECRET_VARIABLE, VARIABLE};

    #[test]
    fn formats_accept_and_reject_names() {
        let long = "x".repeat(64);
        let table: [(Format, &[&str], &[&str]); 7] = [
            (
                NAME,
                &["git+http", "API", "s3.eu-central-1", "a_b", &long[..63]],
                &["", "-a", "a-", "a b", "ä", &long],
            ),
            (
                KEY,
                &["AWS_KEY", ".dockerconfigjson", "_x", "a..b"],
                &["", ".", "..", "..x", "a/b", "a+b", "ä"],
            ),
            (LABEL, &["alpha", "a-1"], &["", "Alpha", "a.b", "a-", &long]),
            (SECRET, &["a.b-c", &long], &["", "a..b", ".a", "A", "a_b"]),
            (VARIABLE, &["A", "a.b", "A B"], &["", "A=B", "ä", "\n"]),
            (
                SECRET_VARIABLE,
                &["A", "a.b", "_x", "A-B"],
                &["", "A B", "1A", ".a", "-a", "A=B"],
            ),
            (
                BINDING_NAME,
                &[
                    "store",
                    "u",
                    "a-012345678",
                    "a-0123456789abcdeg",
                    &long[..50],
                ],
                &["", "u-a", "a.b", "a-0123456789abcdef", &long[..51]],
            ),
        ];
        for (format, good, bad) in table {
            for text in good {
                assert!((format.is_valid)(text), "{}: {text}", format.message);
            }
            for text in bad {
                assert!(!(format.is_valid)(text), "{}: {text}", format.message);
            }
        }
    }
}
