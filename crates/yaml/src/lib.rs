//! YAML as `kubectl` reads it, with the position of every field.
//!
//! Plain scalars have the types that `sigs.k8s.io/yaml` gives them: `no` is a boolean there, and a reader that
//! treats it as text would accept what the API server rejects.
//!
//! [`parse`] returns values and their [`Marks`]. [`Node`] holds both in one tree. [`MappingReader`] reads the fields of
//! a mapping one by one, and problems are collected in [`Diagnostics`].

mod diagnostic;
mod emit;
mod mapping;
mod marks;
mod node;
mod parse;
mod plain;
#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, DiagnosticBuilder, Diagnostics};
pub use emit::{EmitError, to_json, to_yaml};
pub use extension_registry_core::diagnostic::Position;
pub use mapping::{MappingReader, items};
pub use marks::Marks;
pub use node::{Content, Node};
pub use parse::{ParseError, parse, parse_with_keys_as_written};
