//! What is reported while objects are read.

use extension_registry_core::diagnostic::Note;

use crate::finding::Finding;

/// Messages of reading. They are valid if reading fails too, and precede its error.
#[derive(Clone, Debug, Default)]
pub struct ReadLog {
    /// What was skipped or not allowed.
    pub notes: Vec<Note>,
    /// Problems in objects that do not become part of the inventory.
    pub findings: Vec<Finding>,
}
