//! Writes the projections, then the pipeline that refers to them.
//!
//! A pipeline is created first, never forced: one of that name that somebody else made stays
//! untouched. Our own is applied server-side, named by its uid, so that an apply can never land on
//! another's.

use std::sync::Arc;

use extension_registry_api::FIELD_MANAGER;
use extension_registry_api::workflow::{Binding, PipelineReference, RunAs};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::workflow::{Prepared, Refusals};
use extension_registry_core::refusal::Reason;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Resource};
use serde_json::Value;

use crate::context::Context;
use crate::engine::{api_resource, entry_of};
use crate::error::{Error, code, is_namespace_terminating};
use crate::impact;
use crate::projection;
use crate::store::Bound;
use crate::workflow::dereference::Dereferenced;

/// What stands in the cluster now.
pub(super) struct Applied {
    /// The pipeline.
    pub(super) pipeline: PipelineReference,
    /// How each requirement was resolved.
    pub(super) bindings: Vec<Binding>,
    /// Who may start a run.
    pub(super) run_as: Option<RunAs>,
    /// Remarks.
    pub(super) notes: Vec<String>,
}

pub(super) async fn run(
    context: &Arc<Context>,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    prepared: Prepared,
) -> Result<Result<Applied, Refusals>, Error> {
    let Prepared {
        pipeline,
        digest,
        projections,
        bindings,
        run_as,
        notes,
    } = prepared;
    // The pipeline that stands may use other projections: until it is replaced, both are in use.
    let wanted = Bound::all(key, &bindings);
    let mut both = wanted.clone();
    both.extend(
        context
            .world
            .bindings
            .read()
            .of(key)
            .iter()
            .filter(|bound| !wanted.contains(bound))
            .cloned(),
    );
    impact::bind(context, key, both);
    let mut problems: Vec<(Reason, String)> = Vec::new();
    for needed in projections {
        match projection::ensure(context, &needed.key, &needed.identity, &needed.choice).await? {
            Ok(()) => {}
            Err(refusal) => problems.push((refusal.reason, refusal.to_string())),
        }
    }
    if !problems.is_empty() {
        return Ok(Err(Refusals::of(true, problems)));
    }
    let written = match current(dereferenced, &digest) {
        Some(reference) => reference,
        None => match write(context, key, dereferenced, pipeline, digest).await? {
            Ok(reference) => reference,
            Err(refusals) => return Ok(Err(refusals)),
        },
    };
    impact::bind(context, key, wanted);
    Ok(Ok(Applied {
        pipeline: written,
        bindings,
        run_as,
        notes,
    }))
}

/// The pipeline that stands, if it is what should stand: written by us, with this content, and
/// touched by nobody since.
fn current(dereferenced: &Dereferenced, digest: &str) -> Option<PipelineReference> {
    let reference = dereferenced
        .resolved
        .workflow
        .status
        .as_ref()?
        .pipeline
        .as_ref()?;
    let entry = dereferenced.pipeline.as_ref()?;
    let untouched = *entry.uid == *reference.uid && entry.generation == reference.generation;
    (untouched && reference.digest == digest).then(|| reference.clone())
}

async fn write(
    context: &Context,
    key: &ObjectKey,
    dereferenced: &Dereferenced,
    pipeline: Value,
    digest: String,
) -> Result<Result<PipelineReference, Refusals>, Error> {
    let api = Api::<DynamicObject>::namespaced_with(
        context.client.clone(),
        &key.namespace,
        &api_resource(),
    );
    let owner = dereferenced.resolved.workflow.metadata.uid.as_deref();
    let ours = |controller: Option<&str>| controller.is_some() && controller == owner;
    let known = dereferenced
        .pipeline
        .as_ref()
        .filter(|entry| ours(entry.controller.as_deref()));
    let result = match known {
        Some(entry) => apply(context, &api, key, pipeline.clone(), &entry.uid).await,
        None => create(context, &api, key, &pipeline).await,
    };
    let result = match result {
        // There is one that the store does not know: ours without its label, or somebody else's.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let metadata = api
                .get_metadata_opt(&key.name)
                .await
                .map_err(|error| Error::api(format!("look at Pipeline {key}"), &error))?
                .map(|object| object.metadata);
            let entry = metadata.as_ref().map(entry_of);
            match entry.filter(|entry| ours(entry.controller.as_deref())) {
                Some(entry) => apply(context, &api, key, pipeline, &entry.uid).await,
                None => return Ok(Err(conflict(key))),
            }
        }
        other => other,
    };
    match result {
        Ok(object) => {
            let entry = entry_of(object.meta());
            let reference = PipelineReference {
                name: key.name.to_string(),
                uid: entry.uid.to_string(),
                generation: entry.generation,
                digest,
            };
            context.world.pipelines.write().upsert(key.clone(), entry);
            Ok(Ok(reference))
        }
        Err(error) if code(&error) == 404 && known.is_none() => Ok(Err(no_engine())),
        Err(error) if is_namespace_terminating(&error) => Ok(Err(Refusals::of(true, []))),
        Err(error) if matches!(code(&error), 400 | 422) => Ok(Err(Refusals::outside(
            "PipelineRejected",
            format!("the engine refuses Pipeline {key}: {error}"),
        ))),
        Err(error) => {
            if matches!(code(&error), 404 | 409) {
                // It is not what the store says; its watch will, and then the next try finds out.
                context.world.pipelines.write().remove(key);
            }
            Err(Error::api(format!("write Pipeline {key}"), &error))
        }
    }
}

async fn create(
    context: &Context,
    api: &Api<DynamicObject>,
    key: &ObjectKey,
    pipeline: &Value,
) -> Result<DynamicObject, kube::Error> {
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let object: DynamicObject =
        serde_json::from_value(pipeline.clone()).map_err(kube::Error::SerdeError)?;
    context.metrics.wrote("Pipeline", "create");
    tracing::debug!(pipeline = %key, "creating");
    api.create(&parameters, &object).await
}

async fn apply(
    context: &Context,
    api: &Api<DynamicObject>,
    key: &ObjectKey,
    mut pipeline: Value,
    uid: &str,
) -> Result<DynamicObject, kube::Error> {
    pipeline["metadata"]["uid"] = Value::String(uid.to_owned());
    context.metrics.wrote("Pipeline", "apply");
    tracing::debug!(pipeline = %key, "applying");
    api.patch(
        &key.name,
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(pipeline),
    )
    .await
}

fn conflict(key: &ObjectKey) -> Refusals {
    Refusals::outside(
        Reason::PipelineConflict.as_str(),
        format!(
            "Pipeline {key} was made by somebody else and stays untouched; hint: rename the workflow, or kubectl delete pipeline -n {} {}",
            key.namespace, key.name
        ),
    )
}

fn no_engine() -> Refusals {
    Refusals::outside(
        "EngineMissing",
        "the cluster knows no pipelines.tekton.dev; hint: install Tekton Pipelines".to_owned(),
    )
}
