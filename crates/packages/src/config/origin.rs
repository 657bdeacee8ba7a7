//! Where a value is from.

use std::fmt;
use std::path::PathBuf;

/// Where a value was said. What comes later in this list wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In a file.
    File {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
    },
    /// In a variable of the environment.
    Environment(String),
    /// By a flag: `--registry`.
    Flag(String),
}

impl Origin {
    /// Whether it is this file.
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

/// A value, and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Valued<T> {
    /// The value.
    pub value: T,
    /// Where it was said.
    pub origin: Origin,
}

impl<T> Valued<T> {
    /// A value with its origin.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// A value that nobody said.
    pub fn default_of(value: T) -> Self {
        Self::new(value, Origin::Default)
    }

    /// Another value of the same origin.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Valued<U> {
        Valued::new(change(self.value), self.origin)
    }
}

/// Something that is wrong, or should be known, and where. It holds no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub origin: Origin,
    /// The field: `repository.company.url`; empty, where it is about a whole file.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The way out; may be empty.
    pub hint: String,
}

impl fmt::Display for Finding {
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
        formatter.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(formatter, "; hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// What was found while a configuration was read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

impl Findings {
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
) -> Finding {
    Finding {
        origin: origin.clone(),
        field: field.into(),
        message: message.into(),
        hint: hint.into(),
    }
}
