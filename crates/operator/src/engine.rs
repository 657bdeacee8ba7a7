//! Types of Tekton, used nowhere else in the operator.

use std::borrow::Cow;
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_pipeline::engine;
use extension_registry_render::source::version_number;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};

use crate::store::PipelineEntry;

/// A Tekton `Pipeline` as watched. The operator writes JSON from the pipeline crate instead.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// Metadata; the spec is not read.
    pub metadata: ObjectMeta,
}

/// The fields of a Tekton `PipelineRun` that the operator reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PipelineRun {
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: PipelineRunSpec,
    #[serde(default)]
    pub status: PipelineRunStatus,
}

/// Spec of a `PipelineRun`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PipelineRunSpec {
    /// The referenced pipeline; `None` for an embedded one.
    pub pipeline_ref: Option<PipelineRef>,
}

/// Reference to a pipeline.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PipelineRef {
    /// The name; `None` for a resolver.
    pub name: Option<String>,
}

/// Status of a `PipelineRun`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PipelineRunStatus {
    /// Set once the run has finished.
    pub completion_time: Option<String>,
}

macro_rules! resource {
    ($object:ident, $resource:ident) => {
        impl Resource for $object {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                engine().$resource().kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                engine().$resource().group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                engine().$resource().version.into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                engine().$resource().plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(Pipeline, pipelines);
resource!(PipelineRun, runs);

/// Returns the resource for requests with untyped Pipelines.
pub(crate) fn api_resource() -> ApiResource {
    ApiResource::erase::<Pipeline>(&())
}

/// Creates the store entry of a pipeline.
pub(crate) fn pipeline_entry(metadata: &ObjectMeta) -> PipelineEntry {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    let controller = owners.iter().find(|owner| owner.controller == Some(true));
    PipelineEntry {
        uid: metadata.uid.clone().unwrap_or_default().into(),
        version: version_number(metadata.resource_version.as_deref()),
        generation: metadata.generation.unwrap_or_default(),
        controller: controller.map(|owner| Arc::from(owner.uid.as_str())),
        has_workflow_owner: controller.is_some_and(|owner| {
            owner.kind == Workflow::kind(&()) && owner.api_version == Workflow::api_version(&())
        }),
    }
}
