//! Watch of runs, metadata only. Only new runs matter, so none is cached.

use std::sync::Arc;
use std::time::Duration;

use extension_registry_api::RUN_BINDINGS_ANNOTATION;
use extension_registry_pipeline::RUNS;
use extension_registry_render::ObjectKey;
use extension_registry_runtime::queue::Priority;
use k8s_openapi::jiff::Timestamp;
use kube::core::PartialObjectMeta;

use crate::context::Context;
use crate::engine::Run;
use crate::task::Task;
use crate::watch::event_loop::EventHandler;

/// Maximum age of a run to reconcile after a start. Older runs already have their Pods.
const MAX_AGE: Duration = Duration::from_mins(10);

/// Handles runs.
pub(super) struct RunHandler;

impl EventHandler for RunHandler {
    const KIND: &'static str = RUNS.kind;
    type Object = PartialObjectMeta<Run>;
    type Key = ObjectKey;

    fn cached_keys(&self, _: &Context) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        let metadata = &object.metadata;
        let annotations = metadata.annotations.as_ref();
        let is_done = annotations.is_some_and(|all| all.contains_key(RUN_BINDINGS_ANNOTATION));
        let is_new = metadata.creation_timestamp.as_ref().is_some_and(|created| {
            let age = Timestamp::now().duration_since(created.0);
            Duration::try_from(age).is_ok_and(|age| age < MAX_AGE) || age.is_negative()
        });
        if is_new && !is_done {
            context.enqueue(Task::Run(key), Priority::Direct);
        }
    }

    fn remove(&self, _: &Arc<Context>, _: &ObjectKey) {}
}
