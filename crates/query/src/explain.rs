//! The question why each candidate matched a requirement or was rejected.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use std::sync::Arc;

use extension_registry_api::requirement::ServiceRequirement;
use extension_registry_api::{ExtensionBinding, ExtensionBindingSpec, convert};
use extension_registry_core::access::Consumer;
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{Evaluation, Mismatch, Verdict, evaluate};
use extension_registry_render::ObjectKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::consumer::ConsumerName;
use crate::inventory::{BindingEntry, Inventory, Origin, WorkflowEntry};
use crate::resolve::{Answer, Selected, answers, binding_answer, selected};
use crate::suggest::similar;

/// Maximum number of mismatching candidates to show; only those with the fewest mismatches are.
const NEAREST: usize = 10;

#[derive(JsonSchema, Serialize)]
pub struct Explanation {
    #[serde(flatten)]
    pub answer: Answer,
    /// The service that a binding would select if it did not keep the one that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<String>,
    pub candidates: Vec<Candidate>,
    /// Number of visible services that are not listed in `candidates`.
    pub omitted: usize,
}

#[derive(JsonSchema, Serialize)]
pub struct Candidate {
    pub kind: &'static str,
    pub record: String,
    pub service: String,
    pub verdict: &'static str,
    /// Reason in the table; JSON has `failed`.
    #[serde(skip)]
    pub why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
}

#[derive(JsonSchema, Serialize)]
pub struct Failed {
    pub selector: &'static str,
    pub wanted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

#[derive(JsonSchema, Serialize)]
pub struct Explanations {
    pub requirements: Vec<Explanation>,
}

/// Explains a binding, the requirements of a workflow, or one of a step: BINDING or WORKFLOW[/STEP[/REQUIREMENT]]. The path
/// may start with a namespace. With `all`, all candidates are listed, not only the closest.
///
/// # Errors
/// If there is no such workflow, binding, step or requirement, or the name exists in several namespaces.
pub fn explain(inventory: &Inventory, path: &str, all: bool) -> Result<Explanations> {
    let (found, rest) = named(inventory, path)?;
    let mut requirements = Vec::new();
    for entry in &found.workflows {
        requirements.extend(explanations(inventory, entry, &rest, all));
    }
    if let Some(entry) = found.workflows.first()
        && requirements.is_empty()
        && !rest.is_empty()
    {
        return Err(unknown_part(entry, &rest));
    }
    match found.bindings.first() {
        Some(entry) if rest.is_empty() => {
            requirements.push(binding_explanation(inventory, entry, all));
        }
        Some(entry) if found.workflows.is_empty() => {
            let failure = Failure::new(format!("binding {} has no steps", entry.key));
            return Err(failure.hint(format!("use `{}`", entry.key)));
        }
        _ => {}
    }
    Ok(Explanations { requirements })
}

/// Explains the requirements of a workflow. None if it does not exist.
#[must_use]
pub fn explain_workflow(inventory: &Inventory, key: &ObjectKey, all: bool) -> Option<Explanations> {
    let mut workflows = inventory.workflows.iter();
    let entry = workflows.find(|entry| entry.key == *key)?;
    let requirements = explanations(inventory, entry, &[], all);
    Some(Explanations { requirements })
}

/// Explains the requirement of a binding. None if it does not exist.
#[must_use]
pub fn explain_binding(inventory: &Inventory, key: &ObjectKey, all: bool) -> Option<Explanations> {
    let entry = inventory.binding(key)?;
    let requirements = vec![binding_explanation(inventory, entry, all)];
    Some(Explanations { requirements })
}

/// Explains a requirement that no object has, as a binding of a project with this name would resolve.
#[must_use]
pub fn explain_requirement(
    inventory: &Inventory,
    namespace: &str,
    name: &str,
    requirement: ServiceRequirement,
    all: bool,
) -> Explanation {
    let spec = ExtensionBindingSpec {
        requirement,
        ..ExtensionBindingSpec::default()
    };
    let mut binding = ExtensionBinding::new(name, spec);
    binding.metadata.namespace = Some(namespace.to_owned());
    let entry = BindingEntry {
        origin: Origin::default(),
        key: ObjectKey::new(namespace, name),
        binding: Arc::new(binding),
        current: None,
    };
    binding_explanation(inventory, &entry, all)
}

impl Explanations {
    /// Returns whether every requirement resolves.
    #[must_use]
    pub fn are_fine(&self) -> bool {
        self.requirements.iter().all(|one| one.answer.is_bound())
    }
}

/// Splits a path into its workflow or binding and the rest. The path may start with a namespace.
fn named<'i>(inventory: &'i Inventory, path: &str) -> Result<(Selected<'i>, Vec<String>)> {
    let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts.len() > 1 {
        let whole = format!("{}/{}", parts[0], parts[1]);
        if let Ok(found) = selected(inventory, &[whole]) {
            return Ok((found, parts[2..].to_vec()));
        }
    }
    let found = selected(inventory, &parts[..1])?;
    for (kind, keys) in [
        ("workflow", keys(found.workflows.iter().map(|one| &one.key))),
        ("binding", keys(found.bindings.iter().map(|one| &one.key))),
    ] {
        if let [first, _, ..] = keys.as_slice() {
            let message = format!("{kind} `{}` exists in several namespaces", parts[0]);
            let failure = Failure::new(message);
            return Err(failure.hint(format!("use NAMESPACE/NAME, such as `{first}`")));
        }
    }
    Ok((found, parts[1..].to_vec()))
}

fn keys<'k>(keys: impl Iterator<Item = &'k ObjectKey>) -> Vec<String> {
    keys.map(ToString::to_string).collect()
}

/// Creates the error for an unknown part of a path.
fn unknown_part(entry: &WorkflowEntry, path: &[String]) -> Failure {
    let workflow = &entry.key;
    let mut steps = entry.workflow.spec.steps.iter();
    let names = steps.clone().map(|step| step.name.as_str());
    let Some(step) = steps.find(|step| step.name == path[0]) else {
        let failure = Failure::new(format!("workflow {workflow} has no step `{}`", path[0]));
        return failure.hint(similar(&path[0], names).unwrap_or_default());
    };
    let names = || {
        step.extensions
            .iter()
            .map(|requirement| requirement.name.as_str())
    };
    let requirement = path[1..].join("/");
    if requirement.is_empty() || names().next().is_none() {
        return Failure::new(format!(
            "step `{}` of workflow {workflow} has no requirements",
            step.name
        ));
    }
    let failure = Failure::new(format!(
        "step `{}` of workflow {workflow} has no requirement `{requirement}`",
        step.name
    ));
    failure.hint(similar(&requirement, names()).unwrap_or_default())
}

fn explanations(
    inventory: &Inventory,
    entry: &WorkflowEntry,
    path: &[String],
    all: bool,
) -> Vec<Explanation> {
    let resolved = inventory.resolved(entry);
    let consumer = inventory.consumer(&resolved.key, resolved.person.as_ref());
    answers(&resolved)
        .zip(&resolved.resolutions)
        .filter(|(answer, _)| match &answer.consumer {
            ConsumerName::Step {
                step, requirement, ..
            } => {
                path.first().is_none_or(|wanted| wanted == step)
                    && path.get(1).is_none_or(|wanted| wanted == requirement)
            }
            ConsumerName::Binding { .. } => true,
        })
        .map(|(answer, resolution)| {
            let requirement = resolution.requirement.as_ref().ok();
            explanation(inventory, answer, requirement, &consumer, all)
        })
        .collect()
}

fn binding_explanation(inventory: &Inventory, entry: &BindingEntry, all: bool) -> Explanation {
    let answer = binding_answer(inventory, entry);
    let requirement = convert::binding(&entry.key.name, &entry.binding.spec).ok();
    let requirement = requirement.as_ref().map(|binding| &binding.requirement);
    let consumer = inventory.consumer(&entry.key, None);
    let selected = inventory.selected(entry).ok();
    Explanation {
        superseded: selected.and_then(|(_, selection)| selection.superseded(&selection.choice)),
        ..explanation(inventory, answer, requirement, &consumer, all)
    }
}

fn explanation(
    inventory: &Inventory,
    answer: Answer,
    requirement: Option<&Requirement>,
    consumer: &Consumer,
    all: bool,
) -> Explanation {
    let examined = requirement
        .map(|requirement| evaluate(&inventory.index, requirement, consumer))
        .unwrap_or_default();
    let shown = if all {
        examined.len()
    } else {
        interesting(&examined)
    };
    Explanation {
        answer,
        superseded: None,
        omitted: examined.len() - shown,
        candidates: examined.iter().take(shown).map(candidate).collect(),
    }
}

/// Returns the number of candidates to show: all that match, and of the others those with the fewest mismatches.
fn interesting(examined: &[Evaluation]) -> usize {
    let misses = |one: &Evaluation| match &one.verdict {
        Verdict::Mismatch(misses) => misses.len(),
        _ => 0,
    };
    let matching = examined.iter().filter(|one| misses(one) == 0).count();
    let fewest = examined.get(matching).map_or(0, misses);
    let near = examined
        .iter()
        .skip(matching)
        .take_while(|one| misses(one) == fewest)
        .count();
    matching + near.min(NEAREST)
}

fn candidate(examined: &Evaluation) -> Candidate {
    let (verdict, why) = match &examined.verdict {
        Verdict::Chosen => ("Chosen", "chosen"),
        Verdict::OneOfSeveral => ("OneOfSeveral", "matches (ambiguous)"),
        Verdict::NotDefault => (
            "NotDefault",
            "matches, but another record has `default: true`",
        ),
        Verdict::NoCredentials => ("NoCredentials", "no credentials available to this project"),
        Verdict::Shadowed => ("Shadowed", "shadowed by a matching record of the project"),
        Verdict::Mismatch(_) => ("Mismatch", ""),
    };
    let failed: Vec<Failed> = match &examined.verdict {
        Verdict::Mismatch(misses) => misses.iter().map(failed).collect(),
        _ => Vec::new(),
    };
    let mismatches: Vec<String> = failed.iter().map(Failed::text).collect();
    Candidate {
        kind: examined.record.key.kind().as_str(),
        record: examined.record.key.name.to_string(),
        service: examined.service().name.to_string(),
        verdict,
        why: if failed.is_empty() {
            why.to_owned()
        } else {
            mismatches.join("; ")
        },
        failed,
    }
}

fn failed(miss: &Mismatch) -> Failed {
    Failed {
        selector: miss.selector,
        wanted: miss.expected.clone(),
        found: miss.actual.clone(),
    }
}

impl Failed {
    fn text(&self) -> String {
        let (selector, wanted) = (self.selector, &self.wanted);
        match &self.found {
            Some(found) => format!("{selector} is `{found}` (requested `{wanted}`)"),
            None => format!("{selector} is not set (requested `{wanted}`)"),
        }
    }
}
