//! The controller of runs. It restores deleted Secrets before the Pods of a new run need them, and
//! annotates the run with its bindings.
//!
//! dereference (the run, its workflow) → build (its bindings) → apply (restore Secrets, then annotate). The
//! status of a run belongs to the engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use extension_registry_api::{FIELD_MANAGER, RUN_BINDINGS_ANNOTATION, Workflow};
use extension_registry_pipeline::{RUNS, engine};
use extension_registry_render::ObjectKey;
use extension_registry_runtime::error::{Error, code};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::context::Context;
use crate::engine::Run;
use crate::projection;

/// Reconciles a new run.
///
/// # Errors
/// If a request to the API server fails.
pub(crate) async fn reconcile(context: &Arc<Context>, key: &ObjectKey) -> Result<(), Error> {
    let Some(dereferenced) = dereference(context, key).await? else {
        return Ok(());
    };
    let prepared = build(&dereferenced);
    apply(context, key, prepared).await
}

/// A run of a generated pipeline.
struct Dereferenced {
    /// uid of the run.
    uid: String,
    workflow: Arc<Workflow>,
}

/// Returns `None` if the run does not belong to a workflow, has finished or is already annotated.
async fn dereference(context: &Context, key: &ObjectKey) -> Result<Option<Dereferenced>, Error> {
    let api = Api::<Run>::namespaced(context.client.clone(), &key.namespace);
    let run = api
        .get_opt(&key.name)
        .await
        .map_err(|error| Error::api(format!("get {} {key}", RUNS.kind), &error))?;
    let Some(run) = run else {
        return Ok(None);
    };
    let annotations = run.metadata.annotations.unwrap_or_default();
    let is_over = run.metadata.deletion_timestamp.is_some() || engine().has_ended(&run.data);
    let pipeline = engine().pipeline_of(&run.data).map(str::to_owned);
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

/// Maximum size of the bindings in the annotation, in bytes. All annotations of an object share 256 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// What to apply for a run.
struct Prepared {
    /// uid of the run.
    uid: String,
    /// Names of the projections whose Secrets its Pods use.
    projections: BTreeSet<Arc<str>>,
    /// The annotation, with names and generations but no values.
    annotation: String,
}

/// Builds the annotation. Uses no client.
fn build(dereferenced: &Dereferenced) -> Prepared {
    let Dereferenced { uid, workflow } = dereferenced;
    let bindings = workflow
        .status
        .as_ref()
        .map_or(&[][..], |status| status.bindings.as_slice());
    let mut written: Vec<Value> = Vec::with_capacity(bindings.len());
    let mut size = 0;
    for binding in bindings {
        let binding = json!(binding);
        size += binding.to_string().len();
        if size > MAX_BYTES {
            break;
        }
        written.push(binding);
    }
    let mut annotation = json!({ "workflowGeneration": workflow.metadata.generation });
    if written.len() < bindings.len() {
        annotation["omitted"] = json!(bindings.len() - written.len());
    }
    annotation["bindings"] = Value::Array(written);
    Prepared {
        uid: uid.clone(),
        projections: bindings
            .iter()
            .map(|binding| binding.secret.as_str().into())
            .collect(),
        annotation: annotation.to_string(),
    }
}

/// Restores the Secrets, then annotates the run.
async fn apply(context: &Arc<Context>, key: &ObjectKey, prepared: Prepared) -> Result<(), Error> {
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
    let api = Api::<Run>::namespaced(context.client.clone(), &key.namespace);
    let patch = json!({
        "apiVersion": RUNS.api_version(),
        "kind": RUNS.kind,
        // With the uid, an apply does not create a run that has just been deleted.
        "metadata": { "uid": uid, "annotations": { RUN_BINDINGS_ANNOTATION: annotation } },
    });
    context.metrics.count_write(RUNS.kind, "apply");
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch(&key.name, &parameters, &Patch::Apply(patch))
        .await
    {
        Ok(_) => Ok(()),
        // It was deleted or replaced in the meantime.
        Err(error) if matches!(code(&error), 404 | 409) => Ok(()),
        Err(error) => Err(Error::api(format!("annotate {} {key}", RUNS.kind), &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{Dereferenced, Prepared, build};

    fn binding(requirement: &str) -> Value {
        json!({
            "step": "train", "requirement": requirement, "kind": "Extension", "record": "own",
            "recordGeneration": 3, "service": "s3", "secret": "ext-own-0",
        })
    }

    fn prepared(bindings: &[Value]) -> Prepared {
        let workflow = json!({
            "apiVersion": "registry.fuseml.io/v1alpha1", "kind": "Workflow",
            "metadata": {"name": "w", "generation": 5},
            "spec": {"steps": [{"name": "train", "image": "i"}]},
            "status": {"bindings": bindings},
        });
        build(&Dereferenced {
            uid: "u".to_owned(),
            workflow: Arc::new(serde_json::from_value(workflow).unwrap()),
        })
    }

    #[test]
    fn annotation_omits_bindings_beyond_size_limit() {
        let many: Vec<Value> = (0..2_000)
            .map(|number| binding(&format!("r{number}")))
            .collect();
        let prepared = prepared(&many);
        assert!(prepared.annotation.len() < 100 * 1024);
        let annotation: Value = serde_json::from_str(&prepared.annotation).unwrap();
        let named = annotation["bindings"].as_array().unwrap().len();
        assert_eq!(annotation["bindings"][0], many[0]);
        assert_eq!(annotation["omitted"], 2_000 - named);
    }

    #[test]
    fn annotation_lists_bindings_and_workflow_generation() {
        let prepared = prepared(&[binding("a"), binding("b")]);
        let annotation: Value = serde_json::from_str(&prepared.annotation).unwrap();
        assert_eq!(annotation["workflowGeneration"], 5);
        assert_eq!(annotation["bindings"], json!([binding("a"), binding("b")]));
        let projections: Vec<_> = prepared.projections.iter().map(|name| &**name).collect();
        assert_eq!(projections, ["ext-own-0"]);
    }
}
