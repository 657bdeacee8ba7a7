//! YAML as `kubectl` reads it, with the position of every field.
//!
//! Texts are split as by `YAMLOrJSONDecoder` of `k8s.io/apimachinery`. The parser is libyaml, from which the one of go-yaml
//! 2 was translated, and the few differences are reconciled. The types of scalars are those of go-yaml 2, also where they
//! contradict YAML 1.2: `no` is a boolean, and a merge key overrides the fields before it. A reader that is stricter or more
//! lenient would judge another object than the API server gets.
//!
//! What `kubectl` accepts silently but is a mistake is an error: duplicate keys, and bytes that are not text. More than
//! 100 levels are an error, too.
//!
//! [`parse`] returns values and their [`Marks`]. [`Node`] holds both in one tree. [`MappingReader`] reads the fields of
//! a mapping one by one, and problems are collected in [`Diagnostics`].

mod binary;
mod compose;
mod decode;
mod diagnostic;
mod dialect;
mod emit;
mod error;
mod json;
mod mapping;
mod marks;
mod node;
mod number;
mod scalar;
mod stream;
mod syntax;
mod syntax_error;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use diagnostic::{Diagnostic, DiagnosticBuilder, Diagnostics};
pub use emit::{EmitError, to_json, to_yaml};
pub use error::ParseError;
pub use extension_registry_core::diagnostic::Position;
pub use mapping::{MappingReader, items};
pub use marks::Marks;
pub use node::{Content, Node};
pub use stream::{parse, parse_with_keys_as_written};
