//! Generated pipelines, metadata only: enough to see that somebody changed or deleted one.

use std::sync::Arc;

use extension_registry_binding::ObjectKey;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

use crate::context::Context;
use crate::engine::{Pipeline, entry_of};
use crate::queue::Urgency;
use crate::task::Task;
use crate::watch::{Sink, api_of, object_key};

#[derive(Clone)]
pub(super) struct Pipelines {
    context: Arc<Context>,
}

impl Pipelines {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl Sink for Pipelines {
    const KIND: &'static str = "Pipeline";
    type Object = PartialObjectMeta<Pipeline>;
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
        self.context
            .world
            .pipelines
            .read()
            .keys()
            .cloned()
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let news = self
            .context
            .world
            .pipelines
            .write()
            .upsert(key.clone(), entry_of(&object.metadata));
        if news {
            self.context.want(Task::Workflow(key), Urgency::Dependent);
        }
    }

    fn remove(&self, key: &ObjectKey) {
        if self.context.world.pipelines.write().remove(key) {
            self.context
                .want(Task::Workflow(key.clone()), Urgency::Dependent);
        }
    }
}
