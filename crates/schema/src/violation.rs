//! Violations of a schema.

use extension_registry_api::shape::SchemaViolation;
use extension_registry_core::diagnostic::Diagnostic;

/// Rules of violations other than of the shape. Where another check reports the same mistake, its text is more specific.
pub const RULES: [&str; 6] = [
    "duplicate-item",
    "invalid-metadata",
    "invalid-value",
    "too-long",
    "too-short",
    "validation-rule",
];

/// A field that the API server rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The problem and its field.
    pub diagnostic: Diagnostic,
    /// Part of the schema that the field violates.
    pub part: Part,
}

/// Part of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Types, required and known fields, and enumerations. An object that violates it cannot be deserialized.
    Shape,
    /// Maximum sizes.
    Size,
    /// Patterns, minimum sizes and duplicates.
    Value,
    /// CEL rules.
    Rule,
    /// Object metadata.
    Metadata,
}

impl Violation {
    pub(crate) fn new(
        part: Part,
        rule: &'static str,
        field: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            part,
            diagnostic: Diagnostic::error(rule, field, message, hint),
        }
    }

    pub(crate) fn of_shape(violation: SchemaViolation) -> Self {
        Self {
            part: Part::Shape,
            diagnostic: violation.into(),
        }
    }

    /// Returns whether the API server does not evaluate CEL rules because of this violation.
    pub(crate) fn prevents_rules(&self) -> bool {
        match self.part {
            Part::Shape => self.diagnostic.rule != "unknown-field",
            Part::Size => true,
            Part::Value | Part::Rule | Part::Metadata => false,
        }
    }

    /// Returns whether the object cannot be deserialized.
    #[must_use]
    pub fn is_structural(&self) -> bool {
        self.part == Part::Shape
    }
}
