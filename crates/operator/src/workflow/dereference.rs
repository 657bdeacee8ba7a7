//! Resolves the requirements of a workflow to records and collects the key names of the source Secrets of
//! the chosen credentials.

use std::sync::Arc;

use extension_registry_render::ObjectKey;
use extension_registry_render::person::consumer;
use extension_registry_render::source::secrets;
use extension_registry_render::workflow::{Resolved, resolve};
use extension_registry_runtime::error::Error;

use crate::context::Context;
use crate::impact;
use crate::source;
use crate::store::PipelineEntry;

/// Input of the following steps.
pub(super) struct Dereferenced {
    /// The workflow with its resolutions.
    pub(super) resolved: Resolved,
    /// The pipeline of its name, if it has the operator's label.
    pub(super) pipeline: Option<PipelineEntry>,
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
) -> Result<Option<Dereferenced>, Error> {
    let Some(workflow) = context.stores.workflows.read().get(key).cloned() else {
        return Ok(None);
    };
    if workflow.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let person = context.settings.author(&workflow);
    let zone = context.settings.zone.as_ref();
    let consumer = consumer(&key.namespace, zone, person.as_ref());
    let resolved = resolve(&context.stores.records.read().index, &workflow, &consumer);
    let mut resolutions = Vec::with_capacity(resolved.len());
    for resolution in resolved {
        let resolution = match resolution.choice() {
            Some(choice) => {
                let read = source::keys(context, &choice.record.key, secrets(choice)).await;
                let keys = impact::sources_read(context, read)?;
                resolution.with_keys(keys)
            }
            None => resolution.without_keys(),
        };
        resolutions.push(resolution);
    }
    let pipeline = context.stores.pipelines.read().get(key).cloned();
    Ok(Some(Dereferenced {
        resolved: Resolved {
            workflow,
            key: key.clone(),
            person,
            resolutions,
        },
        pipeline,
    }))
}
