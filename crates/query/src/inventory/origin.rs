//! Where an object was read from.

use std::sync::Arc;

use extension_registry_core::diagnostic::Diagnostic;
use extension_registry_yaml::Marks;

use crate::finding::Finding;

/// Origin of an object.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Path of the file; empty for a cluster.
    pub file: Arc<str>,
    /// Positions of its fields.
    pub marks: Marks,
    /// Kind and name: `Workflow dev/train`.
    pub object: String,
}

impl Origin {
    /// Creates an error at a field.
    #[must_use]
    pub fn error(&self, rule: &str, field: &str) -> Finding {
        Finding::error(rule, &self.file, self.marks.find(field)).of(&self.object, field)
    }

    /// Converts a problem at a field.
    #[must_use]
    pub fn finding(&self, problem: impl Into<Diagnostic>) -> Finding {
        let problem = problem.into();
        let position = Some(self.marks.find(&problem.field));
        let problem = Diagnostic {
            position,
            ..problem
        };
        Finding::from_diagnostic(&self.file, &self.object, problem)
    }

    /// Creates a warning at a field.
    #[must_use]
    pub fn warning(&self, rule: &str, field: &str) -> Finding {
        Finding::warning(rule, &self.file, self.marks.find(field)).of(&self.object, field)
    }
}
