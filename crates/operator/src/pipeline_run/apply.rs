//! Renders what the run needs once more, then writes down what it is bound to.

use std::sync::Arc;

use extension_registry_api::{FIELD_MANAGER, RUN_BINDINGS_ANNOTATION};
use extension_registry_binding::ObjectKey;
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
        // A write that changes nothing costs nothing; one that was deleted is there again.
        let projection = ObjectKey::new(Arc::clone(&key.namespace), name);
        context.world.ledger.write().set_due(&projection);
        projection::reconcile(context, &projection).await?;
    }
    let api = Api::<PipelineRun>::namespaced(context.client.clone(), &key.namespace);
    let patch = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        // Of that uid only: an apply must not make a run that has just been deleted.
        "metadata": { "uid": uid, "annotations": { RUN_BINDINGS_ANNOTATION: annotation } },
    });
    context.metrics.wrote("PipelineRun", "apply");
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch(&key.name, &parameters, &Patch::Apply(patch))
        .await
    {
        Ok(_) => Ok(()),
        // It went away meanwhile, or another of its name came.
        Err(error) if matches!(code(&error), 404 | 409) => Ok(()),
        Err(error) => Err(Error::api(format!("annotate PipelineRun {key}"), &error)),
    }
}
