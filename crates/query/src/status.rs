//! The question which status the operator reports of workflows.
#![expect(
    missing_docs,
    reason = "a comment would become part of the published schema"
)]

use extension_registry_api::Workflow;
use extension_registry_api::status::{READY, Reason};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Result;
use crate::inventory::{Inventory, WorkflowEntry};
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
pub struct Workflows {
    pub workflows: Vec<Row>,
}

/// Returns the status of the named workflows, or of all: NAME or NAMESPACE/NAME.
///
/// # Errors
/// If there is no workflow with a name.
pub fn status(inventory: &Inventory, names: &[String]) -> Result<Workflows> {
    let entries = selected(inventory, names)?.into_iter();
    Ok(Workflows {
        workflows: entries.map(row).collect(),
    })
}

impl Row {
    /// Returns whether the Pipeline of the workflow is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready == "True"
    }
}

fn row(entry: &WorkflowEntry) -> Row {
    let workflow: &Workflow = &entry.workflow;
    let status = workflow.status.clone().unwrap_or_default();
    let is_current = status.observed_generation == workflow.metadata.generation;
    let ready = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == READY)
        .filter(|_| is_current);
    let (ready, reason, message) = ready.map_or_else(
        || {
            let why = "waiting for the operator to reconcile this object";
            let reason = Reason::Pending.as_str();
            ("Unknown".to_owned(), reason.to_owned(), why.to_owned())
        },
        |condition| {
            (
                condition.status.clone(),
                condition.reason.clone(),
                condition.message.clone(),
            )
        },
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
