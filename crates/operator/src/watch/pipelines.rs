//! Generated pipelines, metadata only: enough to see that somebody changed or deleted one.

use std::collections::HashSet;
use std::sync::Arc;

use extension_registry_api::{MANAGED_BY, MANAGED_BY_LABEL};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::engine::{Pipeline, entry_of};
use crate::queue::Urgency;
use crate::task::{ObjectKey, Task};
use crate::watch::{Sink, spawn};

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
            seen: None,
        },
        tasks,
        stop,
    )
}

struct Pipelines {
    context: Arc<Context>,
    seen: Option<HashSet<ObjectKey>>,
}

impl Sink for Pipelines {
    const KIND: &'static str = "Pipeline";
    type Object = PartialObjectMeta<Pipeline>;

    fn begin(&mut self) {
        self.seen = Some(HashSet::new());
    }

    fn apply(&mut self, object: Self::Object) {
        let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
        if let Some(seen) = &mut self.seen {
            seen.insert(key.clone());
        }
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

    fn delete(&mut self, object: Self::Object) {
        self.remove(ObjectKey::new(
            object.namespace().unwrap_or_default(),
            object.name_any(),
        ));
    }

    fn end(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        let gone = self.context.world.pipelines.read().keys_not_in(&seen);
        for key in gone {
            self.remove(key);
        }
    }
}

impl Pipelines {
    fn remove(&self, key: ObjectKey) {
        if self.context.world.pipelines.write().remove(&key) {
            self.context.want(Task::Workflow(key), Urgency::Dependent);
        }
    }
}
