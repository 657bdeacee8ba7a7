//! A workflow: its requirements are resolved, then comes its pipeline with all that it refers to.
//!
//! [`resolve`] → the key names of the chosen source Secrets, from wherever they are kept → [`prepare`].

mod build;
mod validate;

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::convert::{self, FieldProblem};
use extension_registry_core::access::Consumer;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{self as resolution, Choice, Index};

pub use build::{Needed, Prepared};

use crate::ObjectKey;
use crate::person::Person;
use crate::source::KeyView;

/// A requirement with its answer.
pub struct Resolution<T> {
    /// Position of the step.
    pub step: usize,
    /// The field that asks: `spec.steps[0].extensions[1]`.
    pub field: String,
    /// What was asked; a problem when it cannot be read.
    pub requirement: Result<Requirement, Vec<FieldProblem>>,
    /// What was found; `None` where nothing could be asked.
    pub answer: Option<Result<T, Refusal>>,
}

/// What was found.
pub struct Found {
    /// The choice.
    pub choice: Choice,
    /// Key names of its source Secrets.
    pub keys: KeyView,
}

/// A workflow with the answers to its requirements.
pub struct Resolved {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// Its namespace and name.
    pub key: ObjectKey,
    /// The user on whose behalf it resolves; `None` where it has no author.
    pub person: Option<Person>,
    /// One entry a requirement, in their order.
    pub resolutions: Vec<Resolution<Found>>,
}

impl Resolution<Choice> {
    /// What was chosen.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        self.answer.as_ref()?.as_ref().ok()
    }

    /// The same with the key names of the source Secrets of the choice.
    #[must_use]
    pub fn with_keys(self, keys: KeyView) -> Resolution<Found> {
        Resolution {
            step: self.step,
            field: self.field,
            requirement: self.requirement,
            answer: self
                .answer
                .map(|answer| answer.map(|choice| Found { choice, keys })),
        }
    }

    /// The same, where nothing was chosen.
    #[must_use]
    pub fn without_keys(self) -> Resolution<Found> {
        self.with_keys(KeyView::default())
    }
}

/// Resolves every requirement of a workflow.
#[must_use]
pub fn resolve(index: &Index, workflow: &Workflow, consumer: &Consumer) -> Vec<Resolution<Choice>> {
    let mut resolutions = Vec::new();
    for (step, written) in workflow.spec.steps.iter().enumerate() {
        for (position, spec) in written.extensions.iter().enumerate() {
            let field = format!("spec.steps[{step}].extensions[{position}]");
            let requirement = convert::requirement(&field, spec);
            let answer = requirement
                .as_ref()
                .ok()
                .map(|wanted| resolution::resolve(index, wanted, consumer));
            resolutions.push(Resolution {
                step,
                field,
                requirement,
                answer,
            });
        }
    }
    resolutions
}

/// Pipeline, projections and bindings of a workflow.
///
/// # Errors
/// When a requirement is not resolved, a source is missing, or variables and files are in conflict.
pub fn prepare(resolved: &Resolved) -> Result<Prepared, Refusals> {
    build::run(resolved, validate::run(resolved)?)
}

/// One thing that is wrong in a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field: `spec.steps[0].extensions[1]`.
    pub field: String,
    /// The step, where the field belongs to one.
    pub step: Option<String>,
    /// What is wrong, and the way out.
    pub refusal: Refusal,
    /// All of it for people, in one line.
    pub text: String,
}

impl From<extension_registry_pipeline::Problem> for Problem {
    fn from(problem: extension_registry_pipeline::Problem) -> Self {
        let text = problem.to_string();
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

/// Why a workflow cannot be brought to where it should be.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// Whether every requirement was resolved all the same.
    pub resolved: bool,
    /// The reason for the conditions: that of the first problem.
    pub reason: &'static str,
    /// Only an edit of the workflow can help.
    pub stalled: bool,
    /// For people, one line a problem.
    pub message: String,
    /// What is wrong in the workflow, each with its field.
    pub problems: Vec<Problem>,
}

impl Refusals {
    /// From problems of a workflow in their order: the first gives the reason.
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

    /// From reasons and texts in their order: the first gives the reason.
    #[must_use]
    pub fn of(resolved: bool, lines: impl IntoIterator<Item = (Reason, String)>) -> Self {
        let (reasons, texts): (Vec<Reason>, Vec<String>) = lines.into_iter().unzip();
        Self {
            resolved,
            reason: reasons.first().unwrap_or(&Reason::Invalid).as_str(),
            stalled: reasons.iter().any(|reason| reason.is_stalled()),
            message: texts.join("\n"),
            problems: Vec::new(),
        }
    }

    /// Something outside of the workflow, whose requirements are all resolved, is in the way.
    #[must_use]
    pub fn outside(reason: &'static str, message: String) -> Self {
        Self {
            resolved: true,
            reason,
            stalled: false,
            message,
            problems: Vec::new(),
        }
    }
}
