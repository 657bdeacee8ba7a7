//! Collects what a workflow refers to: records, by resolving its requirements, and the key names of
//! the source Secrets behind the chosen credentials.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::convert::{self, FieldProblem};
use extension_registry_core::refusal::Refusal;
use extension_registry_core::requirement::Requirement;
use extension_registry_core::resolve::{Choice, resolve};

use crate::context::Context;
use crate::error::Error;
use crate::identity::Person;
use crate::projection::secrets;
use crate::source::KeyView;
use crate::store::PipelineEntry;
use crate::task::ObjectKey;

/// A requirement with its answer.
pub(super) struct Resolution {
    /// Position of the step.
    pub(super) step: usize,
    /// What was asked; a problem when it cannot be read.
    pub(super) requirement: Result<Requirement, Vec<FieldProblem>>,
    /// What was found.
    pub(super) answer: Option<Result<Found, Refusal>>,
}

/// What was found.
pub(super) struct Found {
    /// The choice.
    pub(super) choice: Choice,
    /// Key names of its source Secrets.
    pub(super) keys: KeyView,
}

/// Everything that the next steps need.
pub(super) struct Dereferenced {
    /// The workflow.
    pub(super) workflow: Arc<Workflow>,
    /// Its namespace and name.
    pub(super) key: ObjectKey,
    /// On whose behalf it resolves; `None` where nobody signed for it.
    pub(super) person: Option<Person>,
    /// One entry a requirement, in their order.
    pub(super) resolutions: Vec<Resolution>,
    /// The pipeline of its name, where one carries the operator's label.
    pub(super) pipeline: Option<PipelineEntry>,
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
) -> Result<Option<Dereferenced>, Error> {
    let Some(workflow) = context.world.workflows.read().get(key).cloned() else {
        return Ok(None);
    };
    if workflow.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let person = Person::of(&context.digest_key, &workflow);
    let consumer = context.consumer(&key.namespace, person.as_ref());
    let mut pending = Vec::new();
    {
        let records = context.world.records.read();
        for (step, written) in workflow.spec.steps.iter().enumerate() {
            for (position, spec) in written.extensions.iter().enumerate() {
                let field = format!("spec.steps[{step}].extensions[{position}]");
                let requirement = convert::requirement(&field, spec);
                let answer = requirement
                    .as_ref()
                    .ok()
                    .map(|wanted| resolve(&records.index, wanted, &consumer));
                pending.push((step, requirement, answer));
            }
        }
    }
    let mut resolutions = Vec::with_capacity(pending.len());
    for (step, requirement, answer) in pending {
        let answer = match answer {
            Some(Ok(choice)) => Some(Ok(found(context, choice).await?)),
            Some(Err(refusal)) => Some(Err(refusal)),
            None => None,
        };
        resolutions.push(Resolution {
            step,
            requirement,
            answer,
        });
    }
    let pipeline = context.world.pipelines.read().get(key).cloned();
    Ok(Some(Dereferenced {
        workflow,
        key: key.clone(),
        person,
        resolutions,
        pipeline,
    }))
}

async fn found(context: &Arc<Context>, choice: Choice) -> Result<Found, Error> {
    let keys = KeyView::read(context, &choice.record.key, secrets(&choice)).await?;
    Ok(Found { choice, keys })
}
