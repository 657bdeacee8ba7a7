//! Writes values as YAML and JSON that a terminal shows as they are.

use std::fmt::Write as _;

use extension_registry_core::printable::{self, Layout, printable_json};
use serde::Serialize;

/// First line of a document that is written as JSON.
const COMMENT: &str = "# Written as JSON: contains control characters or invisible characters.\n";

/// A value that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum EmitError {
    /// As YAML.
    Yaml(#[from] serde_saphyr::ser::Error),
    /// As JSON.
    Json(#[from] serde_json::Error),
}

/// Writes a value as a YAML document that ends with a line feed.
///
/// If it contains control characters or invisible characters, it is written as JSON, which is YAML too, with these
/// characters escaped: a reader gets the same value.
///
/// # Errors
/// If the value cannot be serialized.
pub fn to_yaml(value: &impl Serialize) -> Result<String, EmitError> {
    let mut text = serde_saphyr::to_string(value)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if printable::printable(&text, Layout::Lines) == text && !starts_block_with_tab(&text) {
        return Ok(text);
    }
    let document = serde_json::to_string_pretty(value)?;
    // YAML has no surrogate pairs.
    let escaped = printable::escaped(&document, Layout::Lines, |character, out| {
        let _ = match u32::from(character) {
            code @ ..=0xffff => write!(out, "\\u{code:04x}"),
            code => write!(out, "\\U{code:08x}"),
        };
    });
    Ok(format!("{COMMENT}{escaped}\n"))
}

/// Returns whether a block scalar may start with a tab, which libyaml and go-yaml reject as indentation.
fn starts_block_with_tab(text: &str) -> bool {
    let mut lines = text
        .lines()
        .filter(|line| !line.trim_matches(' ').is_empty());
    let mut is_header = false;
    lines.any(|line| {
        let starts = is_header && line.trim_start_matches(' ').starts_with('\t');
        is_header = line.trim_end_matches(['-', '+']).ends_with(['|', '>']);
        starts
    })
}

/// Writes a value as an indented JSON document that ends with a line feed, with control characters and invisible
/// characters escaped.
///
/// # Errors
/// If the value cannot be serialized.
pub fn to_json(value: &impl Serialize) -> Result<String, EmitError> {
    let document = serde_json::to_string_pretty(value)?;
    Ok(printable_json(&document).into_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{COMMENT, to_json, to_yaml};
    use crate::parse;

    #[test]
    fn hidden_characters_are_escaped_and_values_kept() {
        for text in [
            "\u{202e}abc\u{202c} \u{200b}",
            "\u{1b}[2J\u{9b}31m\u{7f}\u{7}",
            "first\nsecond\u{2066}\n",
            "it's \"quoted\" \\u202e \u{e0041}\u{feff}",
            "\r\n\t\u{85}\u{2028}",
        ] {
            let value = json!({"key": text, text: [text, {"inner": 1}]});
            let yaml = to_yaml(&value).unwrap();
            let json = to_json(&value).unwrap();
            for document in [&yaml, &json] {
                let is_shown = |one: char| one == '\n' || (' '..='~').contains(&one);
                assert!(document.chars().all(is_shown), "{document}");
            }
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
            let (documents, errors) = parse(&yaml);
            assert!(errors.is_empty(), "{yaml}");
            assert_eq!(documents[0].0, value, "{yaml}");
        }
    }

    #[test]
    fn ordinary_text_stays_yaml() {
        let value = json!({"description": "Größe 日本語 👩\u{200d}💻", "text": "two\nlines\n"});
        let yaml = to_yaml(&value).unwrap();
        assert!(!yaml.starts_with(COMMENT), "{yaml}");
        assert_eq!(parse(&yaml).0[0].0, value);
    }

    #[test]
    fn tab_at_the_start_of_a_line_is_no_indentation() {
        for text in ["\ta\nb", "\n\ta\n", "\t\nb", "a\n\tb\n", "|\n\ta"] {
            let value = json!({"a": [text, {"b": text}]});
            let yaml = to_yaml(&value).unwrap();
            let (documents, errors) = parse(&yaml);
            assert!(errors.is_empty(), "{yaml} {errors:?}");
            assert_eq!(documents[0].0, value, "{yaml}");
        }
        let indented = json!({"a": "all:\n\tmake\n"});
        assert!(to_yaml(&indented).unwrap().starts_with("a: |"));
    }

    /// YAML 1.1 has more types than YAML 1.2, for which the text is written.
    #[test]
    fn text_that_looks_like_another_type_stays_text() {
        let words = [
            "y",
            "Y",
            "yes",
            "No",
            "on",
            "OFF",
            "true",
            "False",
            "~",
            "null",
            "Null",
            "",
            " ",
            "0x1F",
            "0X1F",
            "0o17",
            "017",
            "08",
            "0b1",
            "0b-1",
            "0B1",
            "1_000",
            "_1",
            "1__0",
            "+1",
            "-0",
            "1.",
            ".5",
            ".1_0",
            "1e3",
            "1E3",
            ".inf",
            "-.INF",
            ".nan",
            "<<",
            "=",
            "2001-01-01",
            "190:20:30",
            "- a",
            "-",
            "--- a",
            "---",
            "...",
            "? a",
            "?",
            ": a",
            ":",
            "a: b",
            "a #b",
            "#a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "|",
            ">",
            "[a",
            "{a",
            "]",
            "}",
            ",a",
            "a,b",
            "'a",
            "\"a",
            "a ",
            " a",
            "a\n",
            "\na",
            "a\n\n",
            " a\nb",
            "a\n b\n",
            "---\na",
            "a\n---\nb\n",
            "a\n# b\n",
            "18446744073709551616",
            "9223372036854775808",
            "1:30",
            "a\tb",
            "\ta",
            "a:",
            "::",
            "a\u{a0}b",
        ];
        for word in words {
            for value in [
                json!(word),
                json!([word, {"a": word}]),
                json!({word: word, "b": [[word]]}),
            ] {
                let text = to_yaml(&value).unwrap();
                let (documents, errors) = parse(&text);
                assert!(errors.is_empty(), "{text} {errors:?}");
                assert_eq!(documents[0].0, value, "{text}");
            }
        }
    }
}
