//! Desired state of a workflow: its requirements are resolved, then its pipeline is built.
//!
//! [`resolve`] → load the keys of the selected source Secrets → [`prepare`].

mod build;
mod validate;

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::convert::{self, FieldError};
use extension_registry_core::access::Consumer;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{self as resolution, Choice, Index};

pub use build::{Prepared, RequiredProjection};

use crate::ObjectKey;
use crate::person::Person;
use crate::source::KeyView;

/// Resolution of one requirement.
pub struct Resolution<T> {
    /// Position of the step.
    pub step: usize,
    /// Field of the requirement: `spec.steps[0].extensions[1]`.
    pub field: String,
    /// The requirement, or its errors.
    pub requirement: Result<Requirement, Vec<FieldError>>,
    /// The result; `None` if the requirement is invalid.
    pub answer: Option<Result<T, Refusal>>,
}

/// A resolved service with the keys of its source Secrets.
pub struct ResolvedService {
    /// The selected service.
    pub choice: Choice,
    /// Keys of its source Secrets.
    pub keys: KeyView,
}

/// A workflow with the resolutions of its requirements.
pub struct Resolved {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// Namespace and name of the workflow.
    pub key: ObjectKey,
    /// The user on whose behalf it resolves; `None` if it has no author.
    pub person: Option<Person>,
    /// Resolutions in the order of the requirements.
    pub resolutions: Vec<Resolution<ResolvedService>>,
}

impl Resolution<Choice> {
    /// Returns the selected service.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        self.answer.as_ref()?.as_ref().ok()
    }

    /// Adds the keys of the source Secrets of the choice.
    #[must_use]
    pub fn with_keys(self, keys: KeyView) -> Resolution<ResolvedService> {
        Resolution {
            step: self.step,
            field: self.field,
            requirement: self.requirement,
            answer: self
                .answer
                .map(|answer| answer.map(|choice| ResolvedService { choice, keys })),
        }
    }

    /// Converts a resolution that selected nothing.
    #[must_use]
    pub fn without_keys(self) -> Resolution<ResolvedService> {
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
                .map(|requirement| resolution::resolve(index, requirement, consumer));
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

/// Builds the pipeline, projections and bindings of a workflow.
///
/// # Errors
/// Returns all refusals if a requirement is unresolved, a source is missing, or variables or mounts conflict.
pub fn prepare(resolved: &Resolved) -> Result<Prepared, Refusals> {
    build::run(resolved, validate::run(resolved)?)
}

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
            message: refusal.to_string(),
            problems: Vec::new(),
        }
    }
}
