//! Resolution of the requirements of a workflow.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::convert::{self, FieldError};
use extension_registry_core::access::Consumer;
use extension_registry_core::refusal::Refusal;
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{self as resolution, Choice, Index};

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
