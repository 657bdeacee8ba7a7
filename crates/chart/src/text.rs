//! Scalars of YAML and strings of Go templates.

use extension_registry_core::printable::is_hidden;
use serde_json::Value;

/// Words that YAML 1.1 reads as booleans, null or numbers.
const WORDS: [&str; 12] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
];

/// Returns a text in double quotes, with the escapes that YAML and Go have in common.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if is_hidden(None, character) => {
                let code = u32::from(character);
                let escape = if code > 0xffff {
                    format!("\\U{code:08x}")
                } else {
                    format!("\\u{code:04x}")
                };
                quoted.push_str(&escape);
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns a value as YAML in one line.
pub(crate) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields: Vec<String> = fields
                .map(|(name, value)| format!("{}: {}", scalar(name), flow(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns a text as a scalar, without quotes where any reader agrees that it is a string.
fn scalar(text: &str) -> String {
    let is_first = |first: char| first.is_ascii_alphabetic() || first == '_';
    let is_plain = text.starts_with(is_first)
        && !text.ends_with(':')
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-./:".contains(character))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_yaml::parse;
    use serde_json::json;

    use super::{flow, quoted};

    #[test]
    fn text_is_read_as_the_same_text() {
        let long = "x".repeat(300);
        for text in [
            "",
            "s3",
            "80",
            "1.19",
            "1e3",
            "0x1F",
            "true",
            "No",
            "NULL",
            "~",
            "-",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "{{ .Values.x }}",
            "[a]",
            "\"quoted\" \\ 'single'",
            "http://store.tools.svc:9000/a?b={c}",
            " spaces ",
            "lines\n\n  and\ttabs\r\n",
            "\u{0}\u{7f}\u{85}\u{2028}\u{feff}\u{3164}\u{202e}",
            "größe 日本 🦀",
            ".inf",
            "2001-01-01",
            "=",
            "<<",
            long.as_str(),
        ] {
            let value = json!({"a": text, text: [text, {text: [text]}]});
            for written in [flow(&value), format!("a: {}", quoted(text))] {
                assert_eq!(written.lines().count(), 1, "{written}");
                let (documents, errors) = parse(&written);
                assert!(errors.is_empty(), "{written}: {errors:?}");
                assert_eq!(documents[0].0["a"], text, "{written}");
            }
            assert_eq!(parse(&flow(&value)).0[0].0, value, "{text}");
        }
    }
}
