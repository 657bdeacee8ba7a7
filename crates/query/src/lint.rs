//! The question what is wrong in files, before they are applied.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

pub(crate) mod binding;
mod injection;

use extension_registry_api::extension::CredentialsScope;
use extension_registry_core::lookalike;
use extension_registry_pipeline::lint as lint_workflow;
use extension_registry_render::workflow::prepare;
use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::{self, Finding, Level};
use crate::inventory::{Inventory, Note, RecordEntry, WorkflowEntry};
use crate::unread::{BASE_HINT, extend_hint, may_be_elsewhere, may_be_unread, unread_hint};

#[derive(JsonSchema, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

/// Returns notes on what was not checked.
#[must_use]
pub fn unchecked(inventory: &Inventory) -> Vec<Note> {
    let mut notes: Vec<Note> = inventory.encrypted_note().into_iter().collect();
    if inventory.records.is_empty()
        && inventory.has_no_consumers()
        && inventory.injections.is_empty()
        && inventory.findings.is_empty()
    {
        notes.push(Note::new("no records, workflows or bindings found"));
    }
    let has_requirements = |entry: &WorkflowEntry| {
        let mut steps = entry.workflow.spec.steps.iter();
        steps.any(|step| !step.extensions.is_empty())
    };
    let has_consumers =
        !inventory.bindings.is_empty() || inventory.workflows.iter().any(has_requirements);
    if !inventory.knows_records() && has_consumers {
        let note = Note::new("requirements were not checked, because the files contain no records");
        notes.push(note.hint(BASE_HINT));
    }
    notes
}

/// Checks converted objects. Their requirements are not resolved: they may match registered records, or those of
/// other files.
#[must_use]
pub fn lint_converted(inventory: &Inventory) -> Vec<Finding> {
    let mut findings = inventory.findings.clone();
    for record in &inventory.records {
        plain_credentials(record, &mut findings);
        admits_no_one(record, &mut findings);
    }
    for workflow in &inventory.workflows {
        check_workflow(inventory, workflow, false, &mut findings);
    }
    finding::sort(&mut findings);
    findings
}

/// Collects all findings of an inventory.
#[must_use]
pub fn lint(mut inventory: Inventory) -> Report {
    let mut findings = std::mem::take(&mut inventory.findings);
    for record in &inventory.records {
        inline_credentials(record, &mut findings);
        plain_credentials(record, &mut findings);
        admits_no_one(record, &mut findings);
    }
    let has_records = inventory.knows_records();
    for workflow in &inventory.workflows {
        check_workflow(&inventory, workflow, has_records, &mut findings);
        let lints = lint_workflow(&workflow.workflow.spec).into_iter();
        findings.extend(lints.map(|lint| workflow.origin.finding(lint)));
    }
    for entry in &inventory.bindings {
        findings.extend(
            binding::prepare(&inventory, entry)
                .err()
                .into_iter()
                .flatten(),
        );
    }
    for injection in &inventory.injections {
        injection::check(&inventory, injection, &mut findings);
    }
    finding::sort(&mut findings);
    Report { findings }
}

/// Warns of literal credentials: committed to Git, they are readable by everyone with access to the repository.
fn inline_credentials(record: &RecordEntry, findings: &mut Vec<Finding>) {
    for (field, name) in &record.inline {
        let entry = name
            .as_ref()
            .map_or_else(|| "an entry".to_owned(), |name| format!("`{name}`"));
        findings.push(record.origin.warning("inline-credential", field).message(
            format!("{entry} contains a literal credential"),
            "move it to a Secret, and reference it with `valueFrom.secretKeyRef`",
        ));
    }
}

/// Warns of credentials that are available to no one. They are valid, but rarely intended.
fn admits_no_one(entry: &RecordEntry, findings: &mut Vec<Finding>) {
    // The schema requires the list that a scope uses.
    let is_empty = |list: &Option<Vec<String>>| list.as_ref().is_some_and(Vec::is_empty);
    for (at, service) in entry.spec.services.iter().enumerate() {
        for (set, credentials) in service.credentials.iter().enumerate() {
            let scope = match credentials.scope {
                Some(CredentialsScope::Project) if is_empty(&credentials.project) => "project",
                Some(CredentialsScope::User) if is_empty(&credentials.user) => "user",
                None
                | Some(
                    CredentialsScope::Global | CredentialsScope::Project | CredentialsScope::User,
                ) => continue,
            };
            let field = format!("spec.services[{at}].credentials[{set}]");
            findings.push(entry.origin.warning("admits-nobody", &field).message(
                format!(
                    "credentials `{}` are not available to any {scope}",
                    credentials.name
                ),
                format!("add names to the `{scope}` list"),
            ));
        }
    }
}

/// Collects problems of a workflow, and if records are known, requirements that do not resolve.
fn check_workflow(
    inventory: &Inventory,
    entry: &WorkflowEntry,
    has_records: bool,
    findings: &mut Vec<Finding>,
) {
    let resolved = inventory.resolved(entry);
    let Err(refusals) = prepare(&resolved) else {
        return;
    };
    let unknown = inventory.whole_secrets_unknown(&resolved);
    for problem in refusals.problems {
        let reason = problem.refusal.reason;
        // Without records, no requirement resolves.
        if !has_records && !reason.is_stalled() {
            continue;
        }
        let mut finding = entry.origin.finding(problem.refusal.at(problem.field));
        if may_be_unread(reason, &unknown) {
            finding.level = Level::Warning;
            finding.hint = unread_hint(&unknown);
        }
        if may_be_elsewhere(inventory, &resolved, &finding) {
            if !inventory.knows_cluster() {
                finding.level = Level::Warning;
            }
            finding.hint = extend_hint(&finding.hint);
        }
        findings.push(finding);
    }
}

/// Warns of entries that look like credentials. It is not an error, because the minimal form of a record has no
/// other field for them.
fn plain_credentials(entry: &RecordEntry, findings: &mut Vec<Finding>) {
    for (path, entries) in entry.spec.configurations() {
        for (index, one) in entries.iter().enumerate() {
            if !lookalike::is_credential(&one.name, one.value.reveal()) {
                continue;
            }
            let field = format!("{path}.configuration[{index}].value");
            findings.push(entry.origin.warning("plain-credential", &field).message(
                format!(
                    "`{}` looks like a credential, and everyone who can read the record can read its value",
                    one.name
                ),
                "move it to a Secret, and reference it under `credentials` of a service",
            ));
        }
    }
}
