//! What is written: a template and values.

use extension_registry_core::diagnostic::{Failure, Note};

/// Key of the values of the record in `values.yaml`.
pub const KEY: &str = "extension";

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A record as part of a chart.
pub struct ChartRecord {
    /// Text of the template.
    pub template: String,
    /// The values, as YAML for `values.yaml`.
    pub values: String,
    /// What the author of the chart should check.
    pub notes: Vec<Note>,
}
