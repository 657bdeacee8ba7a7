//! Errors of fields.

use std::fmt;

use extension_registry_core::diagnostic::{Diagnostic, Explain};
use extension_registry_core::refusal::{Reason, Refusal};

/// An error in a field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, for example `spec.services[0].endpoints[1].url`.
    pub field: String,
    /// The error and its hint. Never contains the value of the field.
    pub refusal: Refusal,
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.refusal)
    }
}

impl std::error::Error for FieldError {}

impl Explain for FieldError {
    fn hints(&self) -> Vec<String> {
        self.refusal.hints()
    }
}

impl From<FieldError> for Diagnostic {
    fn from(problem: FieldError) -> Self {
        problem.refusal.at(problem.field)
    }
}

/// Path of the current field. It is formatted only for errors.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    part: Part<'a>,
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Field(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(super) fn root(field: &'a str) -> Self {
        Self {
            parent: None,
            part: Part::Field(field),
        }
    }

    pub(super) fn field(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            part: Part::Field(name),
        }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            part: Part::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(formatter)?;
        }
        match self.part {
            Part::Field(name) if self.parent.is_none() => formatter.write_str(name),
            Part::Field(name) => write!(formatter, ".{name}"),
            Part::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// Errors found so far, limited in number so that a status stays small.
#[derive(Default)]
pub(super) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    const MAX: usize = 32;

    pub(super) fn add(
        &mut self,
        path: &Path<'_>,
        reason: Reason,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(path, Refusal::new(reason, message, hint));
    }

    pub(super) fn push(&mut self, path: &Path<'_>, refusal: Refusal) {
        if self.0.len() < Self::MAX {
            self.0.push(FieldError {
                field: path.to_string(),
                refusal,
            });
        }
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}
