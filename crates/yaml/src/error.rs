//! Errors of a text.

use extension_registry_core::diagnostic::Position;
use serde_json::Value;

/// A syntax error or a duplicate key. It contains no values, because they may be passwords.
#[derive(Clone, Debug)]
pub struct ParseError {
    /// `syntax` or `duplicate-key`.
    pub rule: &'static str,
    /// Position of the error.
    pub at: Position,
    /// Description of the error.
    pub message: String,
    /// Suggested fix; may be empty.
    pub hint: &'static str,
}

impl ParseError {
    pub(crate) fn syntax(at: Position, message: impl Into<String>) -> Self {
        Self {
            rule: "syntax",
            at,
            message: message.into(),
            hint: "",
        }
    }

    /// Creates the error of invalid YAML.
    pub(crate) fn yaml(at: Position, problem: &str) -> Self {
        Self::syntax(at, format!("invalid YAML: {problem}"))
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// Creates the error of a duplicate key.
    pub(crate) fn duplicate_key(
        key: &str,
        written: &str,
        at: Position,
        values: [&Value; 2],
    ) -> Self {
        let message = if key == written {
            format!("duplicate key `{key}`")
        } else {
            format!("duplicate key `{key}`: `{written}` is read as `{key}`")
        };
        let hint = if values.into_iter().all(Value::is_array) {
            "merge the two lists"
        } else {
            "remove one of them"
        };
        Self {
            rule: "duplicate-key",
            at,
            message,
            hint,
        }
    }
}
