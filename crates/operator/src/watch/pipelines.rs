//! Generated pipelines, metadata only: enough to see that somebody changed or deleted one.

use std::sync::Arc;

use extension_registry_api::{MANAGED_BY, MANAGED_BY_LABEL};
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::engine::{Pipeline, entry_of};
use crate::queue::Urgency;
use crate::task::{ObjectKey, Task};
use crate::watch::{Sink, object_key, spawn};

pub(super) fn all(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    let api = Api::<PartialObjectMeta<Pipeline>>::all(context.client.clone());
    let config = watcher::Config::default()
        .any_semantic()
        .labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    spawn(
        api,
        config,
        Pipelines {
            context: Arc::clone(context),
        },
        tasks,
        stop,
    )
}

struct Pipelines {
    context: Arc<Context>,
}

impl Sink for Pipelines {
    const KIND: &'static str = "Pipeline";
    type Object = PartialObjectMeta<Pipeline>;
    type Key = ObjectKey;

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
