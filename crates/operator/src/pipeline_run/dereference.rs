//! Reads a run and the workflow whose pipeline it references.

use std::sync::Arc;

use extension_registry_api::{RUN_BINDINGS_ANNOTATION, Workflow};
use extension_registry_render::ObjectKey;
use kube::Api;

use crate::context::Context;
use crate::engine::PipelineRun;
use crate::error::Error;

/// A run of a generated pipeline.
pub(super) struct Dereferenced {
    /// uid of the run.
    pub(super) uid: String,
    pub(super) workflow: Arc<Workflow>,
}

/// Returns `None` if the run does not belong to a workflow, has finished or is already annotated.
pub(super) async fn run(context: &Context, key: &ObjectKey) -> Result<Option<Dereferenced>, Error> {
    let api = Api::<PipelineRun>::namespaced(context.client.clone(), &key.namespace);
    let run = api
        .get_opt(&key.name)
        .await
        .map_err(|error| Error::api(format!("get PipelineRun {key}"), &error))?;
    let Some(run) = run else {
        return Ok(None);
    };
    let annotations = run.metadata.annotations.unwrap_or_default();
    let is_over = run.metadata.deletion_timestamp.is_some() || run.status.completion_time.is_some();
    let pipeline = run.spec.pipeline_ref.and_then(|reference| reference.name);
    let (Some(pipeline), Some(uid)) = (pipeline, run.metadata.uid) else {
        return Ok(None);
    };
    if is_over || annotations.contains_key(RUN_BINDINGS_ANNOTATION) {
        return Ok(None);
    }
    let workflow = ObjectKey::new(Arc::clone(&key.namespace), pipeline);
    let workflow = context.stores.workflows.read().get(&workflow).cloned();
    Ok(workflow.map(|workflow| Dereferenced { uid, workflow }))
}
