//! Types of packages, for people.

use crate::manifest::Kind;

/// Formats a type for display.
#[must_use]
pub fn type_for_people(kind: &str) -> String {
    match Kind::of(kind) {
        Kind::Unsupported(name) => format!("unsupported type {name}"),
        kind => kind.name().to_owned(),
    }
}

/// Returns whether packages of a type are supported.
#[must_use]
pub fn is_supported(kind: &str) -> bool {
    !matches!(Kind::of(kind), Kind::Unsupported(_))
}
