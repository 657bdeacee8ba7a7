//! Problems in files, with their positions.

use std::collections::HashMap;
use std::sync::Arc;

use extension_registry_core::diagnostic::{Diagnostic, Position, Severity, explained};
use extension_registry_schema as schema;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The object is invalid.
    Error,
    /// The object works, but should be changed.
    Warning,
}

/// A problem at a position. It contains no values.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Finding {
    /// Rule: `unknown-field`, or the reason of a refusal.
    pub rule: String,
    /// Severity.
    pub level: Level,
    /// Path of the file; `-` is standard input.
    #[serde(serialize_with = "text")]
    #[schemars(with = "String")]
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Object: `Workflow dev/train`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// Field: `spec.services[0].name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// Description of the problem.
    pub message: String,
    /// Suggested fix.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl Finding {
    /// Creates an error in a file.
    #[must_use]
    pub fn error(rule: &str, file: &Arc<str>, at: Position) -> Self {
        Self {
            rule: rule.to_owned(),
            level: Level::Error,
            file: Arc::clone(file),
            line: at.line,
            column: at.column,
            object: String::new(),
            field: String::new(),
            message: String::new(),
            hint: String::new(),
        }
    }

    /// Creates a warning in a file.
    #[must_use]
    pub fn warning(rule: &str, file: &Arc<str>, at: Position) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(rule, file, at)
        }
    }

    /// Converts a problem of an object in a file.
    #[must_use]
    pub fn from_diagnostic(
        file: &Arc<str>,
        object: &str,
        diagnostic: impl Into<Diagnostic>,
    ) -> Self {
        let diagnostic = diagnostic.into();
        let at = diagnostic.position.unwrap_or_default();
        Self {
            level: diagnostic.severity.into(),
            ..Self::error(&diagnostic.rule, file, at)
        }
        .of(object, diagnostic.field)
        .message(diagnostic.message, diagnostic.hints.join("; "))
    }

    /// Returns whether the object is invalid.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// Sets the message and the hint.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>, hint: impl Into<String>) -> Self {
        self.message = message.into();
        self.hint = hint.into();
        self
    }

    /// Formats the object, the field and the message in one line.
    #[must_use]
    pub fn text(&self) -> String {
        let parts = [&*self.object, &*self.field, &*self.message];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(": ")
    }

    /// Formats the line with the hint.
    #[must_use]
    pub fn text_with_hint(&self) -> String {
        explained(&self.text(), &[&self.hint])
    }

    /// Sets the object and the field.
    #[must_use]
    pub fn of(mut self, object: impl Into<String>, field: impl Into<String>) -> Self {
        self.object = object.into();
        self.field = field.into();
        self
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
        }
    }
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// Sorts findings by file and position, and removes duplicates.
pub(crate) fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|left, right| sort_key(left).cmp(&sort_key(right)));
    findings.dedup();
    remove_repeated(findings);
}

/// Removes violations of the schema that another check reports more specifically.
fn remove_repeated(findings: &mut Vec<Finding>) {
    let is_of_schema = |finding: &Finding| schema::RULES.contains(&finding.rule.as_str());
    if !findings.iter().any(is_of_schema) {
        return;
    }
    let mut specific: HashMap<&str, Vec<&Finding>> = HashMap::new();
    for finding in findings.iter() {
        if finding.is_error() && !is_of_schema(finding) {
            specific.entry(&finding.object).or_default().push(finding);
        }
    }
    let is_kept = |finding: &Finding| {
        let mut others = specific.get(&*finding.object).into_iter().flatten();
        !is_of_schema(finding) || !others.any(|other| repeats(finding, other))
    };
    let mut kept = findings.iter().map(is_kept).collect::<Vec<_>>().into_iter();
    findings.retain(|_| kept.next().unwrap_or(true));
}

/// Returns whether a violation of the schema is about the same mistake as another finding: at the same field, at an item of
/// the list or a name in it, or at a field that the violation names.
fn repeats(violation: &Finding, other: &Finding) -> bool {
    if violation.file != other.file {
        return false;
    }
    let Some(below) = other.field.strip_prefix(&violation.field) else {
        return false;
    };
    let is_item = below.starts_with('[') && below.matches(['[', '.']).count() <= 2;
    let is_named = || {
        below
            .split(['.', '['])
            .any(|name| violation.message.contains(&format!("`{name}`")))
    };
    below.is_empty() || below == ".name" || is_item || (below.starts_with('.') && is_named())
}

fn sort_key(finding: &Finding) -> (&str, usize, usize, Level, &str, &str) {
    (
        &finding.file,
        finding.line,
        finding.column,
        finding.level,
        &finding.rule,
        &finding.message,
    )
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Finding, Position, Severity, sort};

    #[test]
    fn sort_removes_what_another_check_reports() {
        let error = |rule: &str, field: &str, message: &str| {
            Finding::error(rule, &"a.yaml".into(), Position::default())
                .of("Extension ml/s3", field)
                .message(message, "")
        };
        for (violation, other) in [
            (error("too-long", "spec.product", ""), "spec.product"),
            (
                error("duplicate-item", "spec.services[1]", ""),
                "spec.services[1].name",
            ),
            (
                error("validation-rule", "spec.access.users", ""),
                "spec.access.users[3]",
            ),
            (
                error("validation-rule", "spec", "unknown step in `runAfter`"),
                "spec.steps[1].runAfter[0]",
            ),
        ] {
            let mut findings = vec![violation, error("Invalid", other, "specific")];
            sort(&mut findings);
            assert_eq!(findings.len(), 1, "{other}");
            assert_eq!(findings[0].message, "specific");
        }
        for (violation, other) in [
            (error("too-long", "spec.services", ""), "spec.service"),
            (
                error("validation-rule", "spec", "a record is limited"),
                "spec.product",
            ),
            (
                error("validation-rule", "spec.services[1]", ""),
                "spec.services[10].name",
            ),
            (error("wrong-type", "spec.product", ""), "spec.product"),
        ] {
            let mut findings = vec![violation, error("Invalid", other, "specific")];
            sort(&mut findings);
            assert_eq!(findings.len(), 2, "{other}");
        }
    }

    #[test]
    fn diagnostic_keeps_everything_but_file_and_object() {
        let at = Position { line: 3, column: 5 };
        let finding = Finding::warning("unknown-field", &"a.yaml".into(), at)
            .of("Workflow dev/train", "spec.step")
            .message("unknown field", "did you mean `steps`?");
        let diagnostic = Diagnostic {
            severity: Severity::Warning,
            rule: "unknown-field".into(),
            field: "spec.step".to_owned(),
            position: Some(at),
            message: "unknown field".to_owned(),
            hints: vec!["did you mean `steps`?".to_owned()],
        };
        let back = Finding::from_diagnostic(&"a.yaml".into(), "Workflow dev/train", diagnostic);
        assert_eq!(back, finding);
    }
}
