//! Pipelines and their runs in the cluster: the one place of the operator that knows their kinds.

use std::borrow::Cow;
use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_binding::source::version_number;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};

use crate::store::PipelineEntry;

/// A Tekton Pipeline, as far as watches need it. What is written is JSON from the pipeline crate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// Metadata; the spec is never read.
    pub metadata: ObjectMeta,
}

/// A Tekton `PipelineRun`, as far as it is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PipelineRun {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// What is run.
    #[serde(default)]
    pub spec: PipelineRunSpec,
    /// How far it is.
    #[serde(default)]
    pub status: PipelineRunStatus,
}

/// What is run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PipelineRunSpec {
    /// The pipeline, where it is not written into the run.
    pub pipeline_ref: Option<PipelineRef>,
}

/// A pipeline by its name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PipelineRef {
    /// The name; a resolver has none.
    pub name: Option<String>,
}

/// How far a run is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PipelineRunStatus {
    /// Set once it is over.
    pub completion_time: Option<String>,
}

macro_rules! tekton {
    ($object:ident, $kind:literal, $plural:literal) => {
        impl Resource for $object {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                "tekton.dev".into()
            }

            fn version((): &()) -> Cow<'_, str> {
                "v1".into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
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

tekton!(Pipeline, "Pipeline", "pipelines");
tekton!(PipelineRun, "PipelineRun", "pipelineruns");

/// For requests with objects of any shape.
pub(crate) fn api_resource() -> ApiResource {
    ApiResource::erase::<Pipeline>(&())
}

/// What the store keeps of a pipeline.
pub(crate) fn entry_of(metadata: &ObjectMeta) -> PipelineEntry {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    let controller = owners.iter().find(|owner| owner.controller == Some(true));
    PipelineEntry {
        uid: metadata.uid.clone().unwrap_or_default().into(),
        version: version_number(metadata.resource_version.as_deref()),
        generation: metadata.generation.unwrap_or_default(),
        controller: controller.map(|owner| Arc::from(owner.uid.as_str())),
        is_of_workflow: controller.is_some_and(|owner| {
            owner.kind == Workflow::kind(&()) && owner.api_version == Workflow::api_version(&())
        }),
    }
}
