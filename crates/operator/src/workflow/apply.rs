//! Writes the projections, then the pipeline that refers to them.
//!
//! A new pipeline is created, not applied, so that an existing pipeline of that name which the operator
//! does not manage stays unchanged. A managed pipeline is applied server-side with its uid, so that the
//! apply fails if the pipeline was replaced.

use std::sync::Arc;

use extension_registry_api::FIELD_MANAGER;
use extension_registry_api::workflow::{Binding, PipelineReference, RunAs};
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::refusal::{Reason, Refusal};
use extension_registry_pipeline::{PIPELINES, engine};
use extension_registry_render::ObjectKey;
use extension_registry_render::workflow::{Prepared, Refusals};
use extension_registry_runtime::error::{Error, code, is_namespace_terminating};
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Resource};
use serde_json::Value;

use crate::context::Context;
use crate::engine::{api_resource, pipeline_entry};
use crate::impact;
use crate::projection;
use crate::store::{BoundRequirement, Consumer};
use crate::workflow::dereference::Dereferenced;

/// The applied objects.
pub(super) struct Applied {
    pub(super) pipeline: PipelineReference,
    /// How each requirement was resolved.
    pub(super) bindings: Vec<Binding>,
    /// Users that may start a run.
    pub(super) run_as: Option<RunAs>,
    /// Notes for the status.
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
    // The existing pipeline may use other projections, which stay in use until it is replaced.
    let desired = BoundRequirement::from_status(key, &bindings);
    let consumer = Consumer::Workflow(key.clone());
    let mut both = desired.clone();
    both.extend(
        context
            .stores
            .consumers
            .read()
            .get(&consumer)
            .iter()
            .filter(|bound| !desired.contains(bound))
            .cloned(),
    );
    impact::set_bound(context, &consumer, both);
    let mut problems: Vec<(Reason, String)> = Vec::new();
    for needed in projections {
        match projection::ensure(context, &needed.key, &needed.identity, &needed.choice).await? {
            Ok(()) => {}
            Err(refusal) => problems.push((refusal.reason, refusal.explained())),
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
    impact::set_bound(context, &consumer, desired);
    Ok(Ok(Applied {
        pipeline: written,
        bindings,
        run_as,
        notes,
    }))
}

/// Returns the existing pipeline if it is up to date: it has this digest and was not modified since the
/// operator wrote it.
fn current(dereferenced: &Dereferenced, digest: &str) -> Option<PipelineReference> {
    let reference = dereferenced
        .resolved
        .workflow
        .status
        .as_ref()?
        .pipeline
        .as_ref()?;
    let entry = dereferenced.pipeline.as_ref()?;
    let is_unmodified = *entry.uid == *reference.uid && entry.generation == reference.generation;
    (is_unmodified && reference.digest == digest).then(|| reference.clone())
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
    let is_owned = |controller: Option<&str>| controller.is_some() && controller == owner;
    let known = dereferenced
        .pipeline
        .as_ref()
        .filter(|entry| is_owned(entry.controller.as_deref()));
    let result = match known {
        Some(entry) => apply(context, &api, key, pipeline.clone(), &entry.uid).await,
        None => create(context, &api, key, &pipeline).await,
    };
    let result = match result {
        // It is not cached: either its label was removed, or the operator does not manage it.
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let metadata = api
                .get_metadata_opt(&key.name)
                .await
                .map_err(|error| Error::api(format!("get {} {key}", PIPELINES.kind), &error))?
                .map(|object| object.metadata);
            let entry = metadata.as_ref().map(pipeline_entry);
            match entry.filter(|entry| is_owned(entry.controller.as_deref())) {
                Some(entry) => apply(context, &api, key, pipeline, &entry.uid).await,
                None => return Ok(Err(conflict(key))),
            }
        }
        other => other,
    };
    match result {
        Ok(object) => {
            let entry = pipeline_entry(object.meta());
            let reference = PipelineReference {
                name: key.name.to_string(),
                uid: entry.uid.to_string(),
                generation: entry.generation,
                digest,
            };
            context.stores.pipelines.write().upsert(key.clone(), entry);
            Ok(Ok(reference))
        }
        Err(error) if code(&error) == 404 && known.is_none() => {
            Ok(Err(Refusals::outside(&engine().missing())))
        }
        Err(error) if is_namespace_terminating(&error) => Ok(Err(Refusals::of(true, []))),
        Err(error) if matches!(code(&error), 400 | 422) => {
            Ok(Err(Refusals::outside(&Refusal::new(
                Reason::PipelineRejected,
                format!("the API server rejected {} {key}: {error}", PIPELINES.kind),
                "",
            ))))
        }
        Err(error) => {
            if matches!(code(&error), 404 | 409) {
                // The cache is stale. Drop the entry, so that the retry does not use it.
                context.stores.pipelines.write().remove(key);
            }
            Err(Error::api(
                format!("write {} {key}", PIPELINES.kind),
                &error,
            ))
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
    context.metrics.count_write(PIPELINES.kind, "create");
    tracing::debug!(pipeline = %key, "creating {}", PIPELINES.kind);
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
    context.metrics.count_write(PIPELINES.kind, "apply");
    tracing::debug!(pipeline = %key, "applying {}", PIPELINES.kind);
    api.patch(
        &key.name,
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(pipeline),
    )
    .await
}

fn conflict(key: &ObjectKey) -> Refusals {
    Refusals::outside(&Refusal::new(
        Reason::PipelineConflict,
        format!(
            "{} {key} exists and is not managed by this operator",
            PIPELINES.kind
        ),
        format!(
            "rename the workflow, or delete the {}: kubectl delete {} -n {} {}",
            PIPELINES.kind,
            PIPELINES.singular(),
            key.namespace,
            key.name
        ),
    ))
}
