//! Watch of generated pipelines, metadata only, to detect modified and deleted ones.

use std::sync::Arc;

use extension_registry_render::ObjectKey;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

use crate::context::Context;
use crate::engine::{Pipeline, pipeline_entry};
use crate::queue::Priority;
use crate::task::Task;
use crate::watch::{EventHandler, object_key, scoped_api};

#[derive(Clone)]
pub(super) struct PipelineHandler {
    context: Arc<Context>,
}

impl PipelineHandler {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl EventHandler for PipelineHandler {
    const KIND: &'static str = "Pipeline";
    type Object = PartialObjectMeta<Pipeline>;
    type Key = ObjectKey;

    fn api(client: &Client, namespace: Option<&str>) -> Api<Self::Object> {
        scoped_api(client, namespace)
    }

    fn namespace(key: &ObjectKey) -> Option<&str> {
        Some(&key.namespace)
    }

    fn key(object: &Self::Object) -> ObjectKey {
        object_key(object)
    }

    fn cached_keys(&self) -> Vec<ObjectKey> {
        self.context
            .stores
            .pipelines
            .read()
            .keys()
            .cloned()
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let changed = self
            .context
            .stores
            .pipelines
            .write()
            .upsert(key.clone(), pipeline_entry(&object.metadata));
        if changed {
            self.context
                .enqueue(Task::Workflow(key), Priority::Dependent);
        }
    }

    fn remove(&self, key: &ObjectKey) {
        if self.context.stores.pipelines.write().remove(key) {
            self.context
                .enqueue(Task::Workflow(key.clone()), Priority::Dependent);
        }
    }
}
