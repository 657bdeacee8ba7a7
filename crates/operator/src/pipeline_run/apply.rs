//! Restores the Secrets of a run, then annotates it with its bindings.

use std::sync::Arc;

use extension_registry_api::{FIELD_MANAGER, RUN_BINDINGS_ANNOTATION};
use extension_registry_render::ObjectKey;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::context::Context;
use crate::engine::PipelineRun;
use crate::error::{Error, code};
use crate::pipeline_run::build::Prepared;
use crate::projection;

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    prepared: Prepared,
) -> Result<(), Error> {
    let Prepared {
        uid,
        projections,
        annotation,
    } = prepared;
    for name in projections {
        // Forces a write, which restores a deleted Secret. It is a no-op for an unchanged one.
        let projection = ObjectKey::new(Arc::clone(&key.namespace), name);
        context.stores.projections.write().set_due(&projection);
        projection::reconcile(context, &projection).await?;
    }
    let api = Api::<PipelineRun>::namespaced(context.client.clone(), &key.namespace);
    let patch = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        // With the uid, an apply does not create a run that has just been deleted.
        "metadata": { "uid": uid, "annotations": { RUN_BINDINGS_ANNOTATION: annotation } },
    });
    context.metrics.count_write("PipelineRun", "apply");
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch(&key.name, &parameters, &Patch::Apply(patch))
        .await
    {
        Ok(_) => Ok(()),
        // It was deleted or replaced in the meantime.
        Err(error) if matches!(code(&error), 404 | 409) => Ok(()),
        Err(error) => Err(Error::api(format!("annotate PipelineRun {key}"), &error)),
    }
}
