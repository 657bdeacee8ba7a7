//! Parts of a template, and errors in them.

use crate::diagnostic::Explain;

/// A segment of a template. Columns are those of the first word inside the braces, in characters
/// from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Segment<'t> {
    /// Literal text.
    Text(&'t str),
    /// `extension.NAME.KEY`
    Extension {
        /// Name of a requirement of the step: a DNS label.
        requirement: &'t str,
        /// The key as written; see [`canonical_key`](super::canonical_key).
        key: &'t str,
        /// Whether it is written `.cfg.KEY`, which excludes derived keys and key aliases.
        configuration_only: bool,
        /// Column of the expression.
        column: usize,
    },
    /// `inputs.NAME`
    Input {
        /// Name of an input of the workflow.
        name: &'t str,
        /// Column of the expression.
        column: usize,
    },
    /// `steps.STEP.outputs.NAME`
    Output {
        /// Name of a step.
        step: &'t str,
        /// Name of an output of that step.
        output: &'t str,
        /// Column of the expression.
        column: usize,
    },
}

/// Error in a template. The length of its message is bounded, regardless of the text.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
#[error("column {column}: {message}")]
pub struct ExpressionError {
    /// Column of the first word inside the braces, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to fix it, if known.
    pub hint: Option<String>,
}

impl Explain for ExpressionError {
    fn hints(&self) -> Vec<String> {
        self.hint.iter().cloned().collect()
    }
}
