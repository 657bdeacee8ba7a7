//! Names that Kubernetes and the API of workflows accept. An engine must accept all of them.

/// Maximum length of a DNS label (RFC 1123).
pub(crate) const LABEL: usize = 63;

// Required for containers and volumes in Kubernetes, and for steps.
pub(crate) use extension_registry_api::convert::is_label;

/// Returns whether a name is valid for an input
/// ([`INPUT_PATTERN`](extension_registry_api::limits::INPUT_PATTERN)). It has no dots, which engines use to
/// reference a part of a parameter.
pub(crate) fn is_input(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Returns whether a name is valid for an output
/// ([`OUTPUT_PATTERN`](extension_registry_api::limits::OUTPUT_PATTERN)).
pub(crate) fn is_output(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name
            .bytes()
            .last()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Returns whether the API server accepts a variable name: printable ASCII without `=`
/// (Kubernetes 1.34, relaxed validation of environment variable names).
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

/// Converts a name to a part of a variable name: upper case, other characters as `_`.
pub(crate) fn variable_part(name: &str) -> String {
    name.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// Returns the variable of an input, as read by the published step images.
pub(crate) fn input_variable(name: &str) -> String {
    format!("FUSEML_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// Converts a name to a DNS label: lower case, other characters as `-`, truncated.
pub(crate) fn label_of(name: &str) -> String {
    let label: String = name
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    cut(label.trim_matches('-'), LABEL).to_owned()
}

/// Truncates an ASCII label to `length` bytes, without a trailing hyphen.
pub(crate) fn cut(label: &str, length: usize) -> &str {
    label.get(..length).unwrap_or(label).trim_end_matches('-')
}

/// Returns `name`, or the first unused of `name-2`, `name-3`, …, at most `length` bytes long.
pub(crate) fn unique(
    name: &str,
    separator: char,
    length: usize,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let mut candidate = name.get(..length).unwrap_or(name).to_owned();
    let mut number = 1_u64;
    while is_taken(&candidate) {
        number += 1;
        let suffix = format!("{separator}{number}");
        let room = length.saturating_sub(suffix.len());
        candidate = format!(
            "{}{suffix}",
            name.get(..room).unwrap_or(name).trim_end_matches('-')
        );
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_rfc_1123() {
        for (name, expected) in [
            ("a", true),
            ("a-1", true),
            ("1a", true),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("A", false),
            ("a.b", false),
            ("a_b", false),
        ] {
            assert_eq!(is_label(name), expected, "{name}");
        }
        assert!(is_label(&"a".repeat(63)));
        assert!(!is_label(&"a".repeat(64)));
    }

    #[test]
    fn input_and_output_names_have_no_dots() {
        for (name, input, output) in [
            ("s3_access_key", true, true),
            ("mlflow-model-url", true, true),
            ("_a", true, false),
            ("1a", false, true),
            ("a.b", false, false),
            ("a-", true, false),
            ("", false, false),
        ] {
            assert_eq!((is_input(name), is_output(name)), (input, output), "{name}");
        }
    }

    #[test]
    fn unique_names_are_numbered_and_truncated() {
        assert_eq!(unique("a", '-', 63, |_| false), "a");
        assert_eq!(unique("a", '-', 63, |name| name == "a"), "a-2");
        let long = "a".repeat(63);
        let second = unique(&long, '-', 63, |name| name == long);
        assert_eq!(second, format!("{}-2", "a".repeat(61)));
        assert_eq!(label_of("My_Code.Set-"), "my-code-set");
    }
}
