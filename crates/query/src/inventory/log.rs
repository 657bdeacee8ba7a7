//! What is reported while objects are read.

use crate::finding::Finding;

/// A message that is not a problem of an object, with its hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The message.
    pub message: String,
    /// Suggested actions, each an imperative.
    pub hints: Vec<String>,
}

impl Note {
    /// Creates a note without hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Messages of reading. They are valid if reading fails too, and precede its error.
#[derive(Clone, Debug, Default)]
pub struct ReadLog {
    /// What was skipped or not allowed.
    pub notes: Vec<Note>,
    /// Problems in objects that do not become part of the inventory.
    pub findings: Vec<Finding>,
}
