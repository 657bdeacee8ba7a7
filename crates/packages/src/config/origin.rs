//! Origins of values.

use std::fmt;
use std::path::PathBuf;

use extension_registry_core::diagnostic::Explain;

/// Where a value was set. Later variants take precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default.
    Default,
    /// A file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag: `--registry`.
    Flag(String),
}

impl Origin {
    /// Returns whether it is this file.
    #[must_use]
    pub fn is_of(&self, file: &std::path::Path) -> bool {
        matches!(self, Self::File { path, .. } if path == file)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line, .. } => write!(formatter, "{}:{line}", path.display()),
            Self::Environment(name) => write!(formatter, "environment {name}"),
            Self::Flag(name) => write!(formatter, "flag {name}"),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Valued<T> {
    /// The value.
    pub value: T,
    /// Where it was set.
    pub origin: Origin,
}

impl<T> Valued<T> {
    /// Creates a value with an origin.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// Creates a default value.
    pub fn default_of(value: T) -> Self {
        Self::new(value, Origin::Default)
    }

    /// Converts the value and keeps the origin.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Valued<U> {
        Valued::new(change(self.value), self.origin)
    }
}

/// An error or a warning about a configuration. Contains no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigDiagnostic {
    /// Position.
    pub origin: Origin,
    /// The field: `repository.company.url`; empty if it concerns the whole file.
    pub field: String,
    /// The message.
    pub message: String,
    /// The way out; may be empty.
    pub hint: String,
}

impl Explain for ConfigDiagnostic {
    fn hints(&self) -> Vec<String> {
        let hint = Some(&self.hint).filter(|hint| !hint.is_empty());
        hint.into_iter().cloned().collect()
    }
}

impl fmt::Display for ConfigDiagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { path, line, column } => {
                write!(formatter, "{}:{line}:{column}: ", path.display())?;
            }
            Origin::Environment(name) | Origin::Flag(name) => write!(formatter, "{name}: ")?,
            Origin::Default => {}
        }
        if !self.field.is_empty() {
            write!(formatter, "{} ", self.field)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Errors and warnings of a configuration.
#[derive(Debug, Default)]
pub(super) struct ConfigDiagnostics {
    pub(super) errors: Vec<ConfigDiagnostic>,
    pub(super) warnings: Vec<ConfigDiagnostic>,
}

impl ConfigDiagnostics {
    pub(super) fn error(
        &mut self,
        origin: &Origin,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.errors.push(finding(origin, field, message, hint));
    }

    pub(super) fn warning(
        &mut self,
        origin: &Origin,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.warnings.push(finding(origin, field, message, hint));
    }
}

fn finding(
    origin: &Origin,
    field: impl Into<String>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> ConfigDiagnostic {
    ConfigDiagnostic {
        origin: origin.clone(),
        field: field.into(),
        message: message.into(),
        hint: hint.into(),
    }
}
