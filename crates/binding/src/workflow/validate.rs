//! Every requirement resolved, every source there.

use extension_registry_api::ON_BEHALF_OF_ANNOTATION;
use extension_registry_core::projection::{Identity, Layout};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::Choice;

use crate::person::Person;
use crate::projection::missing_sources;
use crate::workflow::{Found, Problem, Refusals, Resolved};

/// A requirement with all that its step will see of it.
pub(super) struct Bound<'a> {
    /// Position of the step.
    pub(super) step: usize,
    /// The requirement.
    pub(super) requirement: &'a Requirement,
    /// What it resolved to.
    pub(super) choice: &'a Choice,
    /// What the projection stands for.
    pub(super) identity: Identity,
    /// Name of projection and Secret.
    pub(super) secret: String,
    /// The keys.
    pub(super) layout: Layout,
}

/// All requirements, resolved.
pub(super) struct Validated<'a> {
    /// In their order.
    pub(super) bound: Vec<Bound<'a>>,
}

pub(super) fn run(resolved: &Resolved) -> Result<Validated<'_>, Refusals> {
    let spec = &resolved.workflow.spec;
    let person = resolved.person.as_ref();
    // What the workflow gets wrong by itself comes first: no other object can heal it.
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
            Err(unread) => {
                unresolved = true;
                for problem in unread {
                    refuse(&problem.field, &problem.refusal, problem.to_string());
                }
                continue;
            }
        };
        match &resolution.answer {
            Some(Ok(found)) => match bind(resolution.step, requirement, found, person) {
                Ok(one) => bound.push(one),
                Err(refusal) => refuse(&resolution.field, &refusal, refusal.to_string()),
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

/// The refusal, with the user whom the workflow resolves for: a tool that applies for others is
/// another user. The text is the same whether or not another user has access, so it reveals nothing.
fn with_person(refusal: &Refusal, person: Option<&Person>) -> String {
    match (refusal.reason, person) {
        (Reason::NoAccess, Some(person)) => format!(
            "{refusal}; the workflow resolves for its author `{}`; hint: where another user has access, let that user apply it, or set annotation `{ON_BEHALF_OF_ANNOTATION}`",
            person.user
        ),
        // Without an author, records that admit users by name are not visible.
        (Reason::NoAccess | Reason::NotFound, None) => format!(
            "{refusal}; the workflow has no author, so credentials of scope user are not available to it; hint: apply it with a changed spec, or annotate it: kubectl annotate fwf NAME {ON_BEHALF_OF_ANNOTATION}=USER; credentials of scope project need no author"
        ),
        _ => refusal.to_string(),
    }
}

fn bind<'a>(
    step: usize,
    requirement: &'a Requirement,
    found: &'a Found,
    person: Option<&Person>,
) -> Result<Bound<'a>, Refusal> {
    let layout = Layout::new(&found.choice, &found.keys)
        .map_err(|missing| missing_sources(&missing, &found.keys))?;
    let identity = Identity::of(&found.choice, person.map(|person| &person.user));
    Ok(Bound {
        step,
        requirement,
        choice: &found.choice,
        secret: identity.name(),
        identity,
        layout,
    })
}
