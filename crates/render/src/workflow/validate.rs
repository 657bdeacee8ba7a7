//! Validates that every requirement is resolved and every source exists.

use extension_registry_api::ON_BEHALF_OF_ANNOTATION;
use extension_registry_core::diagnostic::{Explain, explained};
use extension_registry_core::projection::{Identity, Layout};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::Choice;

use crate::person::Person;
use crate::projection::missing_sources;
use crate::workflow::refusals::{Problem, Refusals};
use crate::workflow::resolution::{Resolved, ResolvedService};

/// A requirement that is bound to a service.
pub(super) struct BoundRequirement<'a> {
    /// Position of the step.
    pub(super) step: usize,
    /// The requirement.
    pub(super) requirement: &'a Requirement,
    /// The selected service.
    pub(super) choice: &'a Choice,
    /// Identity of the projection.
    pub(super) identity: Identity,
    /// Name of the projection and the Secret.
    pub(super) secret: String,
    /// Keys of the Secret.
    pub(super) layout: Layout,
}

/// A workflow whose requirements are all bound.
pub(super) struct Validated<'a> {
    /// Bound requirements in order.
    pub(super) bound: Vec<BoundRequirement<'a>>,
}

pub(super) fn run(resolved: &Resolved) -> Result<Validated<'_>, Refusals> {
    let spec = &resolved.workflow.spec;
    let person = resolved.person.as_ref();
    // Problems of the workflow itself come first, because only an edit can fix them.
    let mut problems: Vec<Problem> = extension_registry_pipeline::check(spec)
        .into_iter()
        .map(Problem::from)
        .collect();
    let mut unresolved = false;
    let mut bound = Vec::with_capacity(resolved.resolutions.len());
    for resolution in &resolved.resolutions {
        let step = spec
            .steps
            .get(resolution.step)
            .map_or("", |step| &step.name);
        let mut refuse = |field: &str, refusal: &Refusal, text: String| {
            problems.push(Problem {
                field: field.to_owned(),
                step: Some(step.to_owned()),
                refusal: refusal.clone(),
                text: format!("step `{step}`: {text}"),
            });
        };
        let requirement = match &resolution.requirement {
            Ok(requirement) => requirement,
            Err(errors) => {
                unresolved = true;
                for error in errors {
                    refuse(&error.field, &error.refusal, error.explained());
                }
                continue;
            }
        };
        match &resolution.answer {
            Some(Ok(found)) => match bind(resolution.step, requirement, found, person) {
                Ok(one) => bound.push(one),
                Err(refusal) => refuse(&resolution.field, &refusal, refusal.explained()),
            },
            Some(Err(refusal)) => {
                unresolved = true;
                let text = with_person(refusal, person);
                refuse(&resolution.field, refusal, text);
            }
            None => unresolved = true,
        }
    }
    if problems.is_empty() {
        return Ok(Validated { bound });
    }
    problems.sort_by_key(|problem| !problem.refusal.reason.is_stalled());
    Err(Refusals::new(!unresolved, problems))
}

/// Adds the user on whose behalf the workflow resolves, because a tool that applies it may be a different
/// user. The text is the same whether or not another user has access, so it reveals nothing.
fn with_person(refusal: &Refusal, person: Option<&Person>) -> String {
    let (note, hint) = match (refusal.reason, person) {
        (Reason::NoAccess, Some(person)) => (
            format!(
                "the workflow resolves on behalf of its author `{}`",
                person.user
            ),
            format!(
                "if another user has access, ask that user to apply the workflow, or set the annotation `{ON_BEHALF_OF_ANNOTATION}` to the name of that user"
            ),
        ),
        // Without an author, records with user lists are not visible.
        (Reason::NoAccess | Reason::NotFound, None) => (
            "the workflow has no author, so credentials of scope `user` are not available"
                .to_owned(),
            format!(
                "change its spec and apply it again, or set its author with `kubectl annotate fwf NAME {ON_BEHALF_OF_ANNOTATION}=USER`; credentials of scope `project` require no author"
            ),
        ),
        _ => return refusal.explained(),
    };
    format!("{}; {}", refusal.explained(), explained(&note, &[hint]))
}

fn bind<'a>(
    step: usize,
    requirement: &'a Requirement,
    found: &'a ResolvedService,
    person: Option<&Person>,
) -> Result<BoundRequirement<'a>, Refusal> {
    let layout = Layout::new(&found.choice, &found.keys)
        .map_err(|missing| missing_sources(&missing, &found.keys))?;
    let identity = found.choice.identity(person.map(|person| &person.user));
    Ok(BoundRequirement {
        step,
        requirement,
        choice: &found.choice,
        secret: identity.name(),
        identity,
        layout,
    })
}
