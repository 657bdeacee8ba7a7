//! Pipelines in the cluster: the one place of the operator that knows their kind.

use std::borrow::Cow;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};

use crate::store::{PipelineEntry, version_number};

/// A Tekton Pipeline, as far as watches need it. What is written is JSON from the pipeline crate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    /// Metadata; the spec is never read.
    pub metadata: ObjectMeta,
}

impl Resource for Pipeline {
    type DynamicType = ();
    type Scope = k8s_openapi::NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Pipeline".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "tekton.dev".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "pipelines".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// For requests with objects of any shape.
pub(crate) fn api_resource() -> ApiResource {
    ApiResource::erase::<Pipeline>(&())
}

/// What the store keeps of a pipeline.
pub(crate) fn entry_of(metadata: &ObjectMeta) -> PipelineEntry {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    PipelineEntry {
        uid: metadata.uid.clone().unwrap_or_default().into(),
        version: version_number(metadata.resource_version.as_deref()),
        generation: metadata.generation.unwrap_or_default(),
        controller: owners
            .iter()
            .find(|owner| owner.controller == Some(true))
            .map(|owner| Arc::from(owner.uid.as_str())),
    }
}
