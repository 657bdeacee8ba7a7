//! Projections: normally changed by the operator alone, so news here means that somebody else did.

use std::sync::Arc;

use extension_registry_api::ExtensionProjection;
use extension_registry_binding::ObjectKey;
use kube::core::DeserializeGuard;
use kube::{Api, Client};

use crate::context::Context;
use crate::impact;
use crate::task::Task;
use crate::watch::{Sink, api_of, object_key};

#[derive(Clone)]
pub(super) struct Projections {
    context: Arc<Context>,
}

impl Projections {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl Sink for Projections {
    const KIND: &'static str = "ExtensionProjection";
    type Object = DeserializeGuard<ExtensionProjection>;
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
