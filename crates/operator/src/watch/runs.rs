//! Watch of runs, metadata only. Only new runs matter, so none is cached.

use std::sync::Arc;
use std::time::Duration;

use extension_registry_api::RUN_BINDINGS_ANNOTATION;
use extension_registry_render::ObjectKey;
use k8s_openapi::jiff::Timestamp;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

use crate::context::Context;
use crate::engine::PipelineRun;
use crate::queue::Priority;
use crate::task::Task;
use crate::watch::{EventHandler, object_key, scoped_api};

/// Maximum age of a run to reconcile after a start. Older runs already have their Pods.
const MAX_AGE: Duration = Duration::from_mins(10);

#[derive(Clone)]
pub(super) struct RunHandler {
    context: Arc<Context>,
}

impl RunHandler {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl EventHandler for RunHandler {
    const KIND: &'static str = "PipelineRun";
    type Object = PartialObjectMeta<PipelineRun>;
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
        Vec::new()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let metadata = &object.metadata;
        let annotations = metadata.annotations.as_ref();
        let is_done = annotations.is_some_and(|all| all.contains_key(RUN_BINDINGS_ANNOTATION));
        let is_new = metadata.creation_timestamp.as_ref().is_some_and(|created| {
            let age = Timestamp::now().duration_since(created.0);
            Duration::try_from(age).is_ok_and(|age| age < MAX_AGE) || age.is_negative()
        });
        if is_new && !is_done {
            self.context.enqueue(Task::Run(key), Priority::Direct);
        }
    }

    fn remove(&self, _: &ObjectKey) {}
}
