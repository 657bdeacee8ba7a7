//! Runs, metadata only, and nothing is kept of them: only the coming of one matters.

use std::sync::Arc;
use std::time::Duration;

use extension_registry_api::RUN_BINDINGS_ANNOTATION;
use extension_registry_binding::ObjectKey;
use k8s_openapi::jiff::Timestamp;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

use crate::context::Context;
use crate::engine::PipelineRun;
use crate::queue::Urgency;
use crate::task::Task;
use crate::watch::{Sink, api_of, object_key};

/// Older ones have their Pods: after a start nobody looks at them again.
const YOUNG: Duration = Duration::from_mins(10);

#[derive(Clone)]
pub(super) struct Runs {
    context: Arc<Context>,
}

impl Runs {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl Sink for Runs {
    const KIND: &'static str = "PipelineRun";
    type Object = PartialObjectMeta<PipelineRun>;
    type Key = ObjectKey;

    fn api(client: &Client, namespace: Option<&str>) -> Api<Self::Object> {
        api_of(client, namespace)
    }

    fn namespace(key: &ObjectKey) -> Option<&str> {
        Some(&key.namespace)
    }

    fn key(object: &Self::Object) -> ObjectKey {
        object_key(object)
    }

    fn known(&self) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let metadata = &object.metadata;
        let annotations = metadata.annotations.as_ref();
        let is_done = annotations.is_some_and(|all| all.contains_key(RUN_BINDINGS_ANNOTATION));
        let is_young = metadata.creation_timestamp.as_ref().is_some_and(|made| {
            let age = Timestamp::now().duration_since(made.0);
            Duration::try_from(age).is_ok_and(|age| age < YOUNG) || age.is_negative()
        });
        if is_young && !is_done {
            self.context.want(Task::Run(key), Urgency::Direct);
        }
    }

    fn remove(&self, _: &ObjectKey) {}
}
