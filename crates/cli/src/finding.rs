//! Something that is wrong, and where.

use std::sync::Arc;

use extension_registry_yaml::{Complaint, Position};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It cannot work.
    Error,
    /// It works, but should not be so.
    Warning,
}

/// One thing that is wrong. It holds no value.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub(crate) struct Finding {
    /// What kind of thing: `unknown-field`, or the reason of a refusal.
    pub(crate) rule: String,
    /// How bad.
    pub(crate) level: Level,
    /// The file; `-` is standard input.
    #[serde(serialize_with = "text")]
    #[schemars(with = "String")]
    pub(crate) file: Arc<str>,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column, from 1.
    pub(crate) column: usize,
    /// The object: `Workflow dev/train`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) object: String,
    /// The field: `spec.services[0].name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
    /// The way out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) hint: String,
}

impl Finding {
    /// An error in a file.
    pub(crate) fn error(rule: &str, file: &Arc<str>, at: Position) -> Self {
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

    /// A warning in a file.
    pub(crate) fn warning(rule: &str, file: &Arc<str>, at: Position) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(rule, file, at)
        }
    }

    /// What is wrong with an object of a file.
    pub(crate) fn of_complaint(file: &Arc<str>, object: &str, complaint: Complaint) -> Self {
        let level = if complaint.is_error {
            Level::Error
        } else {
            Level::Warning
        };
        Self {
            level,
            ..Self::error(complaint.rule, file, complaint.at)
        }
        .of(object, complaint.field)
        .says(complaint.message, complaint.hint)
    }

    /// The same, with what it says.
    pub(crate) fn says(mut self, message: impl Into<String>, hint: impl Into<String>) -> Self {
        self.message = message.into();
        self.hint = hint.into();
        self
    }

    /// The object, its field and what is wrong there, in one line.
    pub(crate) fn text(&self) -> String {
        let parts = [&*self.object, &*self.field, &*self.message];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(": ")
    }

    /// That line with the way out.
    pub(crate) fn text_with_hint(&self) -> String {
        if self.hint.is_empty() {
            self.text()
        } else {
            format!("{}; hint: {}", self.text(), self.hint)
        }
    }

    /// The same, of a field of an object.
    pub(crate) fn of(mut self, object: impl Into<String>, field: impl Into<String>) -> Self {
        self.object = object.into();
        self.field = field.into();
        self
    }
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// In the order of files and lines.
pub(crate) fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|left, right| place_of(left).cmp(&place_of(right)));
    findings.dedup();
}

fn place_of(finding: &Finding) -> (&str, usize, usize, Level, &str, &str) {
    (
        &finding.file,
        finding.line,
        finding.column,
        finding.level,
        &finding.rule,
        &finding.message,
    )
}
