//! Puts actions into the YAML of a record.
//!
//! A field that an action replaces gets a placeholder first: a word that the record does not contain. The record is
//! then written as any other YAML, and the placeholders are replaced. Text of the record that Helm could read as an
//! action becomes a quoted scalar without `{{`, so it never is one.

use extension_registry_core::printable::is_hidden;
use serde_json::Value;

use crate::text::quoted;

/// What replaces a placeholder.
enum Replacement {
    /// A scalar.
    Scalar(String),
    /// Lines instead of the line with the placeholder. `NESTED` is the indentation of a field inside them.
    Lines(String),
}

/// The placeholders of one template.
pub(crate) struct Placeholders {
    word: String,
    replacements: Vec<Replacement>,
}

impl Placeholders {
    /// Creates placeholders that the record does not contain.
    pub(crate) fn new(record: &Value) -> Self {
        let text = record.to_string();
        let mut word = "placeholder".to_owned();
        while text.contains(&word) {
            word.push('x');
        }
        Self {
            word,
            replacements: Vec::new(),
        }
    }

    /// Returns the placeholder for the result of an expression.
    pub(crate) fn expression(&mut self, code: &str) -> String {
        self.add(Replacement::Scalar(format!("{{{{ {code} | quote }}}}")))
    }

    /// Returns the placeholder for lines; `NESTED` in them is replaced by the indentation of a nested field.
    pub(crate) fn lines(&mut self, lines: impl Into<String>) -> String {
        self.add(Replacement::Lines(lines.into()))
    }

    fn add(&mut self, replacement: Replacement) -> String {
        self.replacements.push(replacement);
        format!("{}{}", self.word, self.replacements.len() - 1)
    }

    /// Replaces text that Helm or a reader of the template could misread by placeholders.
    pub(crate) fn protect(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let is_hidden = |one: char| is_hidden(None, one) && one != '\n';
                if text.contains("{{") || text.contains(is_hidden) {
                    let scalar = quoted(text).replace('{', "\\x7b");
                    *text = self.add(Replacement::Scalar(scalar));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.protect(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.protect(field)),
            _ => {}
        }
    }

    /// Replaces the placeholders in YAML, whose lines are indented by two spaces more.
    pub(crate) fn replace(&self, yaml: &str) -> String {
        let lines = yaml.lines().map(|line| {
            let (before, last) = line.rsplit_once(' ').unwrap_or(("", line));
            let index = last
                .strip_prefix(&*self.word)
                .and_then(|index| index.parse::<usize>().ok());
            let indent = 2 + line.len() - line.trim_start().len();
            match index.and_then(|index| self.replacements.get(index)) {
                None if line.is_empty() => "\n".to_owned(),
                None => format!("  {line}\n"),
                Some(Replacement::Scalar(scalar)) => format!("  {before} {scalar}\n"),
                Some(Replacement::Lines(lines)) => {
                    let lines = lines.replace("NESTED", &(indent + 2).to_string());
                    let lines = lines.lines().map(|line| format!("{:indent$}{line}\n", ""));
                    lines.collect()
                }
            }
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use extension_registry_yaml::{parse, to_yaml};
    use serde_json::json;

    use super::Placeholders;

    #[test]
    fn placeholders_are_replaced_by_position() {
        let mut placeholders =
            Placeholders::new(&json!({"a": "placeholder0", "b": "placeholderx"}));
        let scalar = placeholders.expression(".Values.x");
        assert_eq!(scalar, "placeholderxx0");
        let lines = placeholders.lines("{{- with x }}\nnindent NESTED\n{{- end }}");
        let value =
            json!({"a": [{"b": scalar}, lines], "c": "placeholder0", "d": "placeholderxx7"});
        assert_eq!(
            placeholders.replace(&to_yaml(&value).unwrap()),
            "  a:\n  - b: {{ .Values.x | quote }}\n  {{- with x }}\n  nindent 4\n  {{- end }}\n  c: placeholder0\n  d: placeholderxx7\n"
        );
    }

    #[test]
    fn text_never_becomes_an_action() {
        for text in [
            "{{ fail }}",
            "{{- fail -}}",
            "a\n{{ fail }}\nb",
            "`}}{{fail}}`",
            "\"}}{{fail}}",
            "{{{{{",
            "\\x7b{{",
            "\u{202e}{",
            "a\r\nb",
            "\ta\nb",
            "\u{1f980}{{\u{e0001}",
        ] {
            let mut value = json!({"a": text, "b": [text]});
            let expected = value.clone();
            let mut placeholders = Placeholders::new(&value);
            placeholders.protect(&mut value);
            let written = placeholders.replace(&to_yaml(&value).unwrap());
            assert!(!written.contains("{{"), "{written}");
            let (documents, errors) = parse(&written);
            assert!(errors.is_empty(), "{written}: {errors:?}");
            assert_eq!(documents[0].0, expected, "{written}");
        }
    }

    #[test]
    fn other_text_is_written_as_any_yaml() {
        let mut value = json!({"a": "x\n\n  y {\n", "b": "größe } {"});
        let yaml = to_yaml(&value).unwrap();
        let mut placeholders = Placeholders::new(&value);
        placeholders.protect(&mut value);
        let written = placeholders.replace(&to_yaml(&value).unwrap());
        let unindented: Vec<&str> = written
            .lines()
            .map(|line| line.get(2..).unwrap_or(""))
            .collect();
        assert_eq!(unindented.join("\n") + "\n", yaml);
    }
}
