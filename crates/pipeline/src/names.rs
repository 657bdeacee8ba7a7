//! Names that Kubernetes and Tekton take.

/// Longest DNS label (RFC 1123).
pub(crate) const LABEL: usize = 63;

/// Whether a name is a DNS label: what Kubernetes takes for containers and volumes, and Tekton
/// for the tasks of a pipeline.
pub(crate) fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= LABEL
        && name.bytes().all(|byte| inner(byte) || byte == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().last().is_some_and(inner)
}

/// Whether a name is fit for an input: a Tekton param without dots, because a dot would make it a
/// key of an object param.
pub(crate) fn is_input(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether a name is fit for an output: a Tekton result without dots.
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

/// Whether the API server takes a name for a variable: printable ASCII without `=`
/// (Kubernetes 1.34, relaxed validation of variables).
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

/// The part of a variable's name that stands for `name`: upper case, everything else as `_`.
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

/// The variable in which a step finds an input (the published step images read it).
pub(crate) fn input_variable(name: &str) -> String {
    format!("FUSEML_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// A DNS label made of a name: lower case, other characters as `-`, cut to fit.
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

/// The first `length` bytes of an ASCII label, without a hyphen at the end.
pub(crate) fn cut(label: &str, length: usize) -> &str {
    label.get(..length).unwrap_or(label).trim_end_matches('-')
}

/// `name`, or the first of `name-2`, `name-3`, … that is free, never longer than `length`.
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
    fn labels_are_those_of_rfc_1123() {
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
    fn inputs_and_outputs_have_no_dots() {
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
    fn unique_names_count_up_and_stay_short() {
        assert_eq!(unique("a", '-', 63, |_| false), "a");
        assert_eq!(unique("a", '-', 63, |name| name == "a"), "a-2");
        let long = "a".repeat(63);
        let second = unique(&long, '-', 63, |name| name == long);
        assert_eq!(second, format!("{}-2", "a".repeat(61)));
        assert_eq!(label_of("My_Code.Set-"), "my-code-set");
    }
}
