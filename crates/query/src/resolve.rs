//! The question what the requirements of workflows resolve to.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_core::diagnostic::Failure;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_render::workflow::{Resolution, Resolved, ResolvedService, prepare};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::inventory::{Inventory, WorkflowEntry};
use crate::suggest::similar;
use crate::unread::may_be_unread;

/// Resolution of a requirement.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub namespace: String,
    pub workflow: String,
    pub step: String,
    pub requirement: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The chosen service, or the refusal.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// A service of a record was chosen.
    #[serde(rename_all = "camelCase")]
    Bound {
        kind: &'static str,
        record: String,
        service: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        credentials: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// No service was chosen.
    Refused {
        reason: String,
        message: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        hint: String,
    },
}

/// Resolutions of requirements, and other problems of the workflows.
#[derive(JsonSchema, Serialize)]
pub struct Answers {
    pub answers: Vec<Answer>,
    pub problems: Vec<Problem>,
}

/// A problem that prevents the pipeline although all requirements resolve.
#[derive(JsonSchema, Serialize)]
pub struct Problem {
    pub namespace: String,
    pub workflow: String,
    pub field: String,
    pub message: String,
}

/// Resolves the requirements of the named workflows, or of all: NAME or NAMESPACE/NAME.
///
/// # Errors
/// If there is no workflow with a name.
pub fn resolve(inventory: &Inventory, names: &[String]) -> Result<Answers> {
    let mut data = Answers {
        answers: Vec::new(),
        problems: Vec::new(),
    };
    for entry in selected(inventory, names)? {
        let resolved = inventory.resolved(entry);
        data.answers.extend(answers(&resolved));
        data.problems.extend(other_problems(inventory, &resolved));
    }
    Ok(data)
}

impl Answers {
    /// Returns whether every requirement resolves, and no other problem exists.
    #[must_use]
    pub fn are_fine(&self) -> bool {
        self.problems.is_empty() && self.answers.iter().all(Answer::is_bound)
    }
}

impl Answer {
    /// Returns whether a service was chosen.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        matches!(self.outcome, Outcome::Bound { .. })
    }
}

/// Returns the named workflows, or all.
pub(crate) fn selected<'w>(
    inventory: &'w Inventory,
    names: &[String],
) -> Result<Vec<&'w WorkflowEntry>> {
    if names.is_empty() {
        return Ok(inventory.workflows.iter().collect());
    }
    let mut selected = Vec::new();
    for name in names {
        let before = selected.len();
        selected.extend(inventory.workflows.iter().filter(|entry| {
            entry.key.to_string() == *name || (!name.contains('/') && *entry.key.name == **name)
        }));
        if selected.len() == before {
            let names = inventory.workflows.iter().map(|entry| &*entry.key.name);
            let failure = Failure::new(format!("workflow `{name}` not found"));
            return Err(failure.hint(similar(name, names).unwrap_or_default()));
        }
    }
    Ok(selected)
}

/// Returns the resolution of each requirement of a workflow.
pub(crate) fn answers(resolved: &Resolved) -> impl Iterator<Item = Answer> {
    resolved.resolutions.iter().map(|resolution| {
        let step = resolved.workflow.spec.steps.get(resolution.step);
        Answer {
            namespace: resolved.key.namespace.to_string(),
            workflow: resolved.key.name.to_string(),
            step: step.map(|step| step.name.clone()).unwrap_or_default(),
            requirement: requirement_name(resolution),
            outcome: outcome(resolution),
        }
    })
}

fn requirement_name(resolution: &Resolution<ResolvedService>) -> String {
    match &resolution.requirement {
        Ok(requirement) => requirement.name.to_string(),
        Err(_) => resolution.field.clone(),
    }
}

fn outcome(resolution: &Resolution<ResolvedService>) -> Outcome {
    let refused = |refusal: &Refusal| Outcome::Refused {
        reason: refusal.reason.as_str().to_owned(),
        message: refusal.message.clone(),
        hint: refusal.hint.clone(),
    };
    match (&resolution.requirement, &resolution.answer) {
        (Err(problems), _) => problems.first().map_or_else(
            || Outcome::Refused {
                reason: Reason::Invalid.as_str().to_owned(),
                message: String::new(),
                hint: String::new(),
            },
            |problem| refused(&problem.refusal),
        ),
        (_, Some(Ok(ResolvedService { choice, .. }))) => Outcome::Bound {
            kind: choice.record.key.kind().as_str(),
            record: choice.record.key.name.to_string(),
            service: choice.service().name.to_string(),
            endpoint: choice.endpoint().map(|endpoint| endpoint.name.to_string()),
            credentials: choice
                .credentials()
                .map(|credentials| credentials.name.to_string()),
            version: choice.record.version_text().map(str::to_owned),
        },
        (_, Some(Err(refusal))) => refused(refusal),
        (_, None) => Outcome::Refused {
            reason: Reason::Invalid.as_str().to_owned(),
            message: "invalid requirement".to_owned(),
            hint: String::new(),
        },
    }
}

/// Returns other problems of a workflow, except those that depend on unknown Secrets.
fn other_problems(inventory: &Inventory, resolved: &Resolved) -> Vec<Problem> {
    let Err(refusals) = prepare(resolved) else {
        return Vec::new();
    };
    let is_answer = |field: &str| {
        resolved.resolutions.iter().any(|resolution| {
            field.starts_with(&resolution.field) && !matches!(resolution.answer, Some(Ok(_)))
        })
    };
    let unknown = inventory.whole_secrets_unknown(resolved);
    refusals
        .problems
        .into_iter()
        .filter(|problem| !is_answer(&problem.field))
        .filter(|problem| !may_be_unread(problem.refusal.reason, &unknown))
        .map(|problem| Problem {
            namespace: resolved.key.namespace.to_string(),
            workflow: resolved.key.name.to_string(),
            field: problem.field,
            message: problem.text,
        })
        .collect()
}
