//! Validation of objects of this group as by the API server: the schemas and the CEL rules of the shipped CRDs,
//! and the rules for object metadata.
//!
//! Nothing is repeated here that a CRD contains: [`check`] reads the limits, patterns and rules from it. Like
//! the API server, it evaluates CEL rules only if the schema is satisfied. A violation never contains the value
//! of a field.

mod constraints;
mod environment;
mod metadata;
mod pattern;
mod rules;
mod violation;

pub use violation::{Part, RULES, Violation};

use extension_registry_api::shape;
use serde_json::Value;

/// Validates only what is required to deserialize an object. An existing object satisfied the definitions that
/// were installed when it was written.
#[must_use]
pub fn check_shape(kind: &str, object: &Value) -> Vec<Violation> {
    let shape = shape::check(kind, object).into_iter();
    shape.map(Violation::of_shape).collect()
}

/// Validates an object that would be created. Returns nothing for kinds of other groups.
#[must_use]
pub fn check(kind: &str, object: &Value) -> Vec<Violation> {
    let Some(schema) = shape::schema(kind) else {
        return Vec::new();
    };
    let mut violations = check_shape(kind, object);
    violations.extend(metadata::check(object));
    constraints::check(schema, object, &mut violations);
    if !violations.iter().any(Violation::prevents_rules) {
        rules::check(kind, object, &mut violations);
    }
    violations
}
