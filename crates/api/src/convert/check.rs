//! The shapes of names. They say the same as the patterns of [`crate::limits`].

use crate::limits;

/// A kind of name, and what to tell somebody who wrote another.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) fits: fn(&str) -> bool,
    pub(super) what: &'static str,
    pub(super) hint: &'static str,
}

/// Names in records and selectors.
pub(super) const NAME: Shape = Shape {
    fits: is_name,
    what: "not a valid name",
    hint: "use 1 to 63 letters, digits, `-`, `_`, `.` or `+`, with a letter or digit at both ends",
};

/// Keys of a Secret.
pub(super) const KEY: Shape = Shape {
    fits: is_key,
    what: "not a valid key of a Secret",
    hint: "use 1 to 253 letters, digits, `-`, `_` or `.`, and not two dots at the beginning",
};

/// What to write where a text is no DNS label.
pub const LABEL_HINT: &str =
    "use 1 to 63 lower-case letters, digits or `-`, with a letter or digit at both ends";

/// DNS labels.
pub(super) const LABEL: Shape = Shape {
    fits: is_label,
    what: "not a valid name",
    hint: LABEL_HINT,
};

/// Namespaces.
pub(super) const PROJECT: Shape = Shape {
    what: "not a valid name of a project",
    ..LABEL
};

/// Names of Secrets.
pub(super) const SECRET: Shape = Shape {
    fits: is_subdomain,
    what: "not a valid name of a Secret",
    hint: "use lower-case letters, digits, `-` or `.`, with a letter or digit at both ends",
};

/// Names of users and groups.
pub(super) const PERSON: Shape = Shape {
    fits: is_person,
    what: "not a valid name of a user or group",
    hint: "use 1 to 256 characters",
};

/// Names of variables.
pub(super) const VARIABLE: Shape = Shape {
    fits: is_variable,
    what: "not a valid name of a variable",
    hint: "use letters, digits and `_`",
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

/// Whether a text is a DNS label (RFC 1123), as the API server wants it of a namespace.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= limits::NAME && framed(text, end, |byte| end(byte) || byte == b'-')
}

/// Whether a text is a DNS subdomain (RFC 1123), as the API server wants it of the name of an object.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    let end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= limits::KEY
        && text
            .split('.')
            .all(|part| framed(part, end, |byte| end(byte) || byte == b'-'))
}

fn is_person(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= limits::PERSON
}

fn is_variable(text: &str) -> bool {
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    (1..=limits::KEY).contains(&text.len()) && text.bytes().all(allowed)
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
    use super::{KEY, LABEL, NAME, SECRET, Shape, VARIABLE};

    #[test]
    fn shapes_fit_what_they_should() {
        let long = "x".repeat(64);
        let table: [(Shape, &[&str], &[&str]); 5] = [
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
        ];
        for (shape, good, bad) in table {
            for text in good {
                assert!((shape.fits)(text), "{}: {text}", shape.what);
            }
            for text in bad {
                assert!(!(shape.fits)(text), "{}: {text}", shape.what);
            }
        }
    }
}
