//! What is wrong, and in which field.

use std::fmt;

use extension_registry_core::refusal::{Reason, Refusal};

/// One thing that is wrong in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field: `spec.services[0].endpoints[1].url`.
    pub field: String,
    /// What is wrong and the way out. No value.
    pub refusal: Refusal,
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.refusal)
    }
}

impl std::error::Error for FieldProblem {}

/// Where a conversion is. Text is made of it only when something is wrong.
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

/// Problems found so far. More than a person reads are not kept, so that a status stays small.
#[derive(Default)]
pub(super) struct Problems(Vec<FieldProblem>);

impl Problems {
    const MOST: usize = 32;

    pub(super) fn add(
        &mut self,
        path: &Path<'_>,
        reason: Reason,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.refuse(path, Refusal::new(reason, message, hint));
    }

    pub(super) fn refuse(&mut self, path: &Path<'_>, refusal: Refusal) {
        if self.0.len() < Self::MOST {
            self.0.push(FieldProblem {
                field: path.to_string(),
                refusal,
            });
        }
    }

    pub(super) fn none_or<T>(self, value: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}
