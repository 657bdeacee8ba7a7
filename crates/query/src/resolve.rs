//! The question what the requirements of workflows and bindings resolve to.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_api::convert::{BindingRequirement, FieldError};
use extension_registry_core::diagnostic::{Explain, Failure};
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_core::resolve::Choice;
use extension_registry_render::ObjectKey;
use extension_registry_render::binding::{Selection, refusal};
use extension_registry_render::workflow::{Resolution, Resolved, ResolvedService, prepare};
use schemars::JsonSchema;
use serde::Serialize;

use crate::consumer::{ConsumerName, ObjectName};
use crate::inventory::{BindingEntry, Inventory, WorkflowEntry};
use crate::suggest::similar;
use crate::unread::may_be_unread;

/// Resolution of a requirement.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub namespace: String,
    #[serde(flatten)]
    pub consumer: ConsumerName,
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

/// Resolutions of requirements, and other problems of the workflows and bindings.
#[derive(JsonSchema, Serialize)]
pub struct Answers {
    pub answers: Vec<Answer>,
    pub problems: Vec<Problem>,
}

/// A problem that prevents the pipeline or the Secrets although all requirements resolve.
#[derive(Clone, JsonSchema, Serialize)]
pub struct Problem {
    pub namespace: String,
    #[serde(flatten)]
    pub object: ObjectName,
    pub field: String,
    pub message: String,
}

/// Resolves the requirements of the named workflows and bindings, or of all: NAME or NAMESPACE/NAME.
///
/// # Errors
/// If there is no workflow or binding with a name.
pub fn resolve(inventory: &Inventory, names: &[String]) -> crate::Result<Answers> {
    let mut data = Answers {
        answers: Vec::new(),
        problems: Vec::new(),
    };
    let selected = selected(inventory, names)?;
    for entry in selected.workflows {
        let resolved = inventory.resolved(entry);
        data.answers.extend(answers(&resolved));
        data.problems.extend(other_problems(inventory, &resolved));
    }
    for entry in selected.bindings {
        data.answers.push(binding_answer(inventory, entry));
        data.problems.extend(binding_problems(inventory, entry));
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

/// Workflows and bindings.
pub(crate) struct Selected<'i> {
    pub(crate) workflows: Vec<&'i WorkflowEntry>,
    pub(crate) bindings: Vec<&'i BindingEntry>,
}

/// Returns the named workflows and bindings, or all.
pub(crate) fn selected<'i>(
    inventory: &'i Inventory,
    names: &[String],
) -> crate::Result<Selected<'i>> {
    if names.is_empty() {
        return Ok(Selected {
            workflows: inventory.workflows.iter().collect(),
            bindings: inventory.bindings.iter().collect(),
        });
    }
    let mut selected = Selected {
        workflows: Vec::new(),
        bindings: Vec::new(),
    };
    for name in names {
        let has_name = |key: &ObjectKey| {
            key.to_string() == *name || (!name.contains('/') && *key.name == **name)
        };
        let (workflows, bindings) = (inventory.workflows.iter(), inventory.bindings.iter());
        let keys = workflows.clone().map(|entry| &entry.key);
        let mut keys = keys.chain(bindings.clone().map(|entry| &entry.key));
        if !keys.clone().any(has_name) {
            let names = keys.by_ref().map(|key| &*key.name);
            let failure = Failure::new(format!("workflow or binding `{name}` not found"));
            return Err(failure.hint(similar(name, names).unwrap_or_default()));
        }
        let workflows = workflows.filter(|entry| has_name(&entry.key));
        selected.workflows.extend(workflows);
        let bindings = bindings.filter(|entry| has_name(&entry.key));
        selected.bindings.extend(bindings);
    }
    Ok(selected)
}

/// Returns the answers of all workflows and bindings.
pub(crate) fn all_answers(inventory: &Inventory) -> impl Iterator<Item = Answer> {
    let workflows = inventory.workflows.iter();
    let steps = workflows.flat_map(|entry| answers(&inventory.resolved(entry)).collect::<Vec<_>>());
    let bindings = inventory.bindings.iter();
    steps.chain(bindings.map(|entry| binding_answer(inventory, entry)))
}

/// Returns the service of a binding.
pub(crate) fn binding_answer(inventory: &Inventory, entry: &BindingEntry) -> Answer {
    Answer {
        namespace: entry.key.namespace.to_string(),
        consumer: ConsumerName::Binding {
            binding: entry.key.name.to_string(),
        },
        outcome: selection_outcome(inventory.selected(entry)),
    }
}

/// Converts the selection of a binding.
pub(crate) fn selection_outcome(
    selected: Result<(BindingRequirement, Selection), Vec<FieldError>>,
) -> Outcome {
    match selected {
        Ok((_, selection)) => bound(&selection.choice),
        Err(errors) => refused(&refusal(&errors)),
    }
}

/// Returns why the Secrets of a binding cannot be rendered, except for reasons that depend on unknown Secrets.
fn binding_problems(inventory: &Inventory, entry: &BindingEntry) -> Vec<Problem> {
    let Ok((requirement, Selection { choice, .. })) = inventory.selected(entry) else {
        return Vec::new();
    };
    let errors = inventory.prepared(entry, &requirement, &choice).err();
    let unknown = inventory.whole_secrets_of(&choice);
    let errors = errors.into_iter().flatten();
    errors
        .filter(|error| !may_be_unread(error.refusal.reason, &unknown))
        .map(|error| Problem {
            namespace: entry.key.namespace.to_string(),
            object: ObjectName::Binding {
                binding: entry.key.name.to_string(),
            },
            message: error.explained(),
            field: error.field,
        })
        .collect()
}

/// Returns the resolution of each requirement of a workflow.
pub(crate) fn answers(resolved: &Resolved) -> impl Iterator<Item = Answer> {
    resolved.resolutions.iter().map(|resolution| {
        let step = resolved.workflow.spec.steps.get(resolution.step);
        Answer {
            namespace: resolved.key.namespace.to_string(),
            consumer: ConsumerName::Step {
                workflow: resolved.key.name.to_string(),
                step: step.map(|step| step.name.clone()).unwrap_or_default(),
                requirement: requirement_name(resolution),
            },
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
    match (&resolution.requirement, &resolution.answer) {
        (Err(problems), _) => problems.first().map_or_else(
            || Outcome::Refused {
                reason: Reason::Invalid.as_str().to_owned(),
                message: String::new(),
                hint: String::new(),
            },
            |problem| refused(&problem.refusal),
        ),
        (_, Some(Ok(ResolvedService { choice, .. }))) => bound(choice),
        (_, Some(Err(refusal))) => refused(refusal),
        (_, None) => Outcome::Refused {
            reason: Reason::Invalid.as_str().to_owned(),
            message: "invalid requirement".to_owned(),
            hint: String::new(),
        },
    }
}

fn refused(refusal: &Refusal) -> Outcome {
    Outcome::Refused {
        reason: refusal.reason.as_str().to_owned(),
        message: refusal.message.clone(),
        hint: refusal.hint.clone(),
    }
}

fn bound(choice: &Choice) -> Outcome {
    let credentials = choice.credentials();
    Outcome::Bound {
        kind: choice.record.key.kind().as_str(),
        record: choice.record.key.name.to_string(),
        service: choice.service().name.to_string(),
        endpoint: choice.endpoint().map(|endpoint| endpoint.name.to_string()),
        credentials: credentials.map(|credentials| credentials.name.to_string()),
        version: choice.record.version_text().map(str::to_owned),
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
            object: ObjectName::Workflow {
                workflow: resolved.key.name.to_string(),
            },
            field: problem.field,
            message: problem.text,
        })
        .collect()
}
