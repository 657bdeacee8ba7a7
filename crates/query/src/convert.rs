//! Converts FuseML files to objects of the registry.
//!
//! A document is a record, a workflow, or the description of a tool for the installer. Records and workflows exist
//! in the plain form of the FuseML domain model and in the released form, with different field names; both are
//! supported. Converted objects keep the positions of their source, so findings refer to lines of the original file.
//!
//! Nothing is dropped silently: fields that cannot be converted are findings of the rule `no-place`.

mod common;
mod document;
mod installer;
mod names;
mod record;
mod workflow;

pub use common::{ConvertOptions, Converted, NewSecret};
pub(crate) use document::document;
