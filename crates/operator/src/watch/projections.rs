//! Projections: normally changed by the operator alone, so news here means that somebody else did.

use std::sync::Arc;

use extension_registry_api::ExtensionProjection;
use kube::Api;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::impact;
use crate::task::{ObjectKey, Task};
use crate::watch::{Sink, object_key, spawn};

pub(super) fn all(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    let api = Api::<DeserializeGuard<ExtensionProjection>>::all(context.client.clone());
    let sink = Projections {
        context: Arc::clone(context),
    };
    spawn(
        api,
        watcher::Config::default().any_semantic(),
        sink,
        tasks,
        stop,
    )
}

struct Projections {
    context: Arc<Context>,
}

impl Sink for Projections {
    const KIND: &'static str = "ExtensionProjection";
    type Object = DeserializeGuard<ExtensionProjection>;
    type Key = ObjectKey;

    fn key(object: &Self::Object) -> ObjectKey {
        object_key(object)
    }

    fn known(&self) -> Vec<ObjectKey> {
        self.context.world.ledger.read().keys().cloned().collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let Ok(projection) = object.0 else {
            tracing::warn!(projection = %key, "unreadable ExtensionProjection; delete it");
            return;
        };
        if self.context.world.ledger.write().upsert(&key, &projection) {
            // Mostly an echo: a look at once would write a count that has not settled.
            self.context.want_settled(Task::Projection(key));
        }
    }

    fn remove(&self, key: &ObjectKey) {
        impact::projection_gone(&self.context, key);
    }
}
