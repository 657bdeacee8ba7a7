//! Objects of the engine that runs pipelines, as Kubernetes resources.

use std::borrow::Cow;
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_pipeline::{PIPELINES, RUNS};
use extension_registry_render::source::version_number;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::PipelineEntry;

/// A pipeline as watched. The operator writes JSON from the pipeline crate instead.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// Metadata; the spec is not read.
    pub metadata: ObjectMeta,
}

/// A run. Only the engine reads its spec and status.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    pub metadata: ObjectMeta,
    #[serde(flatten)]
    pub data: Value,
}

macro_rules! resource {
    ($object:ident, $resource:expr) => {
        impl Resource for $object {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                $resource.kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                $resource.group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                $resource.version.into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $resource.plural.into()
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

resource!(Pipeline, PIPELINES);
resource!(Run, RUNS);

/// Returns the resource for requests with untyped pipelines.
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
