//! Diagnostics of a document.

use extension_registry_core::diagnostic::{self, Position, Severity};

use crate::error::ParseError;

/// An error or a warning at a field. It contains no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Rule that was violated: `unknown-field`.
    pub rule: &'static str,
    /// Whether it is an error.
    pub is_error: bool,
    /// Position in the document.
    pub at: Position,
    /// The field: `services[0].name`.
    pub field: String,
    /// Description of the problem.
    pub message: String,
    /// Suggested fix; may be empty.
    pub hint: String,
}

/// Diagnostics of one document.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// Object that the document describes, if known: `Workflow dev/train`.
    pub about: String,
    /// In the order in which they were found.
    pub list: Vec<Diagnostic>,
}

/// Builder of a diagnostic that has no message yet.
pub struct DiagnosticBuilder<'c> {
    diagnostics: &'c mut Diagnostics,
    diagnostic: Diagnostic,
}

impl DiagnosticBuilder<'_> {
    /// Adds the diagnostic with this message and hint.
    pub fn message(mut self, message: impl Into<String>, hint: impl Into<String>) {
        self.diagnostic.message = message.into();
        self.diagnostic.hint = hint.into();
        self.diagnostics.list.push(self.diagnostic);
    }
}

impl Diagnostics {
    /// Starts an error.
    #[must_use]
    pub fn error(
        &mut self,
        rule: &'static str,
        at: Position,
        field: &str,
    ) -> DiagnosticBuilder<'_> {
        let diagnostic = Diagnostic {
            rule,
            is_error: true,
            at,
            field: field.to_owned(),
            message: String::new(),
            hint: String::new(),
        };
        DiagnosticBuilder {
            diagnostics: self,
            diagnostic,
        }
    }

    /// Starts a warning.
    #[must_use]
    pub fn warning(
        &mut self,
        rule: &'static str,
        at: Position,
        field: &str,
    ) -> DiagnosticBuilder<'_> {
        let mut said = self.error(rule, at, field);
        said.diagnostic.is_error = false;
        said
    }

    /// Warns of a field that cannot be represented.
    pub fn unsupported(&mut self, at: Position, field: &str, why: &str, hint: &str) {
        self.warning("no-place", at, field).message(why, hint);
    }

    /// Returns whether an error was found.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.is_error)
    }
}

impl From<Diagnostic> for diagnostic::Diagnostic {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            severity: if diagnostic.is_error {
                Severity::Error
            } else {
                Severity::Warning
            },
            rule: diagnostic.rule.into(),
            field: diagnostic.field,
            position: Some(diagnostic.at),
            message: diagnostic.message,
            hints: hints(diagnostic.hint),
        }
    }
}

impl From<ParseError> for diagnostic::Diagnostic {
    fn from(error: ParseError) -> Self {
        Self {
            severity: Severity::Error,
            rule: error.rule.into(),
            field: String::new(),
            position: Some(error.at),
            message: error.message,
            hints: hints(error.hint.to_owned()),
        }
    }
}

fn hints(hint: String) -> Vec<String> {
    let hint = Some(hint).filter(|hint| !hint.is_empty());
    hint.into_iter().collect()
}
