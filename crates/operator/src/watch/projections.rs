//! Projections: normally changed by the operator alone, so news here means that somebody else did.

use std::collections::HashSet;
use std::sync::Arc;

use extension_registry_api::ExtensionProjection;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::impact;
use crate::task::{ObjectKey, Task};
use crate::watch::{Sink, spawn};

pub(super) fn all(
    context: &Arc<Context>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> oneshot::Receiver<()> {
    let api = Api::<DeserializeGuard<ExtensionProjection>>::all(context.client.clone());
    let sink = Projections {
        context: Arc::clone(context),
        seen: None,
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
    seen: Option<HashSet<ObjectKey>>,
}

impl Sink for Projections {
    const KIND: &'static str = "ExtensionProjection";
    type Object = DeserializeGuard<ExtensionProjection>;

    fn begin(&mut self) {
        self.seen = Some(HashSet::new());
    }

    fn apply(&mut self, object: Self::Object) {
        let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
        if let Some(seen) = &mut self.seen {
            seen.insert(key.clone());
        }
        let Ok(projection) = object.0 else {
            tracing::warn!(projection = %key, "unreadable ExtensionProjection; delete it");
            return;
        };
        if self.context.world.ledger.write().upsert(&key, &projection) {
            // Mostly an echo: a look at once would write a count that has not settled.
            self.context.want_settled(Task::Projection(key));
        }
    }

    fn delete(&mut self, object: Self::Object) {
        let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
        impact::projection_gone(&self.context, &key);
    }

    fn end(&mut self) {
        let Some(seen) = self.seen.take() else { return };
        let gone = self.context.world.ledger.read().keys_not_in(&seen);
        for key in gone {
            impact::projection_gone(&self.context, &key);
        }
    }
}
