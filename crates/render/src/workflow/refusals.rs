//! Why a workflow cannot be reconciled.

use extension_registry_core::diagnostic::Explain;
use extension_registry_core::refusal::{Reason, Refusal};

/// A problem in a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field: `spec.steps[0].extensions[1]`.
    pub field: String,
    /// Name of the step, if the field belongs to one.
    pub step: Option<String>,
    /// The refusal.
    pub refusal: Refusal,
    /// The complete message, on one line.
    pub text: String,
}

impl From<extension_registry_pipeline::Problem> for Problem {
    fn from(problem: extension_registry_pipeline::Problem) -> Self {
        let text = problem.explained();
        let extension_registry_pipeline::Problem {
            field,
            step,
            refusal,
        } = problem;
        Self {
            field,
            step,
            refusal,
            text,
        }
    }
}

/// Why a workflow cannot be reconciled.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// Whether every requirement is resolved nevertheless.
    pub resolved: bool,
    /// Reason of the conditions: that of the first problem.
    pub reason: Reason,
    /// Whether only an edit of the workflow can resolve it.
    pub stalled: bool,
    /// Message with one line per problem.
    pub message: String,
    /// Problems of the workflow, each with its field.
    pub problems: Vec<Problem>,
}

impl Refusals {
    /// Creates refusals from the problems of a workflow; the first determines the reason.
    #[must_use]
    pub fn new(resolved: bool, problems: Vec<Problem>) -> Self {
        let lines = problems
            .iter()
            .map(|problem| (problem.refusal.reason, problem.text.clone()));
        let refusals = Self::of(resolved, lines);
        Self {
            problems,
            ..refusals
        }
    }

    /// Creates refusals from reasons and messages; the first determines the reason.
    #[must_use]
    pub fn of(resolved: bool, lines: impl IntoIterator<Item = (Reason, String)>) -> Self {
        let (reasons, texts): (Vec<Reason>, Vec<String>) = lines.into_iter().unzip();
        Self {
            resolved,
            reason: reasons.first().copied().unwrap_or(Reason::Invalid),
            stalled: reasons.iter().any(|reason| reason.is_stalled()),
            message: texts.join("\n"),
            problems: Vec::new(),
        }
    }

    /// Creates the refusal for an obstacle outside of the workflow, whose requirements are all resolved.
    #[must_use]
    pub fn outside(refusal: &Refusal) -> Self {
        Self {
            resolved: true,
            reason: refusal.reason,
            stalled: false,
            message: refusal.explained(),
            problems: Vec::new(),
        }
    }
}
