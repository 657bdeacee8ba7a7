//! Watch of projections. Only the operator writes them, so a change by another client must be repaired.

use std::sync::Arc;

use extension_registry_api::ExtensionProjection;
use extension_registry_render::ObjectKey;
use kube::core::DeserializeGuard;
use kube::{Api, Client};

use crate::context::Context;
use crate::impact;
use crate::task::Task;
use crate::watch::{EventHandler, object_key, scoped_api};

#[derive(Clone)]
pub(super) struct ProjectionHandler {
    context: Arc<Context>,
}

impl ProjectionHandler {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl EventHandler for ProjectionHandler {
    const KIND: &'static str = "ExtensionProjection";
    type Object = DeserializeGuard<ExtensionProjection>;
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
            .projections
            .read()
            .keys()
            .cloned()
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let Ok(projection) = object.0 else {
            tracing::warn!(projection = %key, "ExtensionProjection does not match its schema; hint: delete it");
            return;
        };
        if self
            .context
            .stores
            .projections
            .write()
            .upsert(&key, &projection)
        {
            // Mostly an echo of the operator's own write. An immediate reconcile would write a consumer count
            // that is still changing.
            self.context.enqueue_debounced(Task::Projection(key));
        }
    }

    fn remove(&self, key: &ObjectKey) {
        impact::projection_deleted(&self.context, key);
    }
}
