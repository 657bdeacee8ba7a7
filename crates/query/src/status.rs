//! The question which status the operator reports of workflows and bindings.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_api::Workflow;
use extension_registry_api::status::{READY, Reason, SUPERSEDED};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::inventory::{BindingEntry, Inventory, WorkflowEntry};
use crate::resolve::selected;

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub namespace: String,
    pub workflow: String,
    pub ready: String,
    pub reason: String,
    pub message: String,
    pub extensions: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingRow {
    pub namespace: String,
    pub binding: String,
    pub ready: String,
    pub reason: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Secret with the files; the variables are in the Secret of this name with the suffix `.env`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The service that the binding would select if it did not keep the one that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded: Option<String>,
}

#[derive(JsonSchema, Serialize)]
pub struct Statuses {
    pub workflows: Vec<Row>,
    pub bindings: Vec<BindingRow>,
}

/// Returns the status of the named workflows and bindings, or of all: NAME or NAMESPACE/NAME.
///
/// # Errors
/// If there is no workflow or binding with a name.
pub fn status(inventory: &Inventory, names: &[String]) -> Result<Statuses> {
    let selected = selected(inventory, names)?;
    Ok(Statuses {
        workflows: selected.workflows.into_iter().map(row).collect(),
        bindings: selected.bindings.into_iter().map(binding_row).collect(),
    })
}

impl Statuses {
    /// Returns whether the Pipelines and Secrets are ready.
    #[must_use]
    pub fn are_ready(&self) -> bool {
        let workflows = self.workflows.iter().map(|row| &row.ready);
        let mut all = workflows.chain(self.bindings.iter().map(|row| &row.ready));
        all.all(|ready| ready == READY_STATUS)
    }
}

/// Value of a condition that applies.
const READY_STATUS: &str = "True";

impl Row {
    /// Returns whether the Pipeline of the workflow is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready == READY_STATUS
    }
}

impl BindingRow {
    /// Returns whether the Secrets of the binding are ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready == READY_STATUS
    }
}

/// Returns status, reason and message of a `Ready` condition. One of an older generation does not count.
fn ready(
    conditions: &[Condition],
    observed: Option<i64>,
    generation: Option<i64>,
) -> (String, String, String) {
    let mut conditions = conditions.iter();
    let ready = conditions.find(|condition| condition.type_ == READY);
    match ready.filter(|_| observed == generation) {
        None => {
            let why = "waiting for the operator to reconcile this object";
            let reason = Reason::Pending.as_str();
            ("Unknown".to_owned(), reason.to_owned(), why.to_owned())
        }
        Some(condition) => (
            condition.status.clone(),
            condition.reason.clone(),
            condition.message.clone(),
        ),
    }
}

fn binding_row(entry: &BindingEntry) -> BindingRow {
    let status = entry.binding.status.clone().unwrap_or_default();
    let generation = entry.binding.metadata.generation;
    let (ready, reason, message) =
        ready(&status.conditions, status.observed_generation, generation);
    let mut conditions = status.conditions.into_iter();
    let superseded = conditions
        .find(|condition| condition.type_ == SUPERSEDED && condition.status == READY_STATUS);
    let choice = status.choice.map(|choice| (choice.record, choice.service));
    let (record, service) = choice.unzip();
    BindingRow {
        namespace: entry.key.namespace.to_string(),
        binding: entry.key.name.to_string(),
        ready,
        reason,
        message,
        record,
        service,
        secret: status.binding.map(|secret| secret.name),
        superseded: superseded.map(|condition| condition.message),
    }
}

fn row(entry: &WorkflowEntry) -> Row {
    let workflow: &Workflow = &entry.workflow;
    let status = workflow.status.clone().unwrap_or_default();
    let (ready, reason, message) = ready(
        &status.conditions,
        status.observed_generation,
        workflow.metadata.generation,
    );
    Row {
        namespace: entry.key.namespace.to_string(),
        workflow: entry.key.name.to_string(),
        ready,
        reason,
        message,
        extensions: status
            .summary
            .map(|summary| summary.extensions)
            .unwrap_or_default(),
        run_as: status.run_as.map(|run_as| run_as.user),
    }
}
