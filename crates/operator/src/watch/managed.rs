//! Watches of objects that only the operator writes, so a change by another client must be repaired.

use std::sync::Arc;

use extension_registry_api::{ExtensionProjection, RUN_GATE, RunGate};
use extension_registry_core::diagnostic::explained;
use extension_registry_pipeline::PIPELINES;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use extension_registry_runtime::queue::Priority;
use kube::ResourceExt;
use kube::core::{DeserializeGuard, PartialObjectMeta};

use crate::context::Context;
use crate::engine::{Pipeline, pipeline_entry};
use crate::impact;
use crate::task::Task;
use crate::watch::event_loop::EventHandler;

/// Handles projections.
pub(super) struct ProjectionHandler;

impl EventHandler for ProjectionHandler {
    const KIND: &'static str = "ExtensionProjection";
    type Object = DeserializeGuard<ExtensionProjection>;
    type Key = ObjectKey;

    fn cached_keys(&self, context: &Context) -> Vec<ObjectKey> {
        context.stores.projections.read().keys().cloned().collect()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        let Ok(projection) = object.0 else {
            let message = explained(
                "ExtensionProjection does not match its schema",
                &["delete it"],
            );
            tracing::warn!(projection = %key, "{message}");
            return;
        };
        let mut projections = context.stores.projections.write();
        let changed = projections.upsert(&key, &projection);
        drop(projections);
        if changed {
            // Mostly an echo of the operator's own write. An immediate reconcile would write a consumer count
            // that is still changing.
            context.enqueue_debounced(impact::projection_task(context, key));
        }
    }

    fn remove(&self, context: &Arc<Context>, key: &ObjectKey) {
        impact::projection_deleted(context, key);
    }
}

/// Handles run gates.
pub(super) struct RunGateHandler;

impl EventHandler for RunGateHandler {
    const KIND: &'static str = "RunGate";
    type Object = DeserializeGuard<RunGate>;
    type Key = ObjectKey;

    fn cached_keys(&self, context: &Context) -> Vec<ObjectKey> {
        let gates = context.stores.run_gates.read();
        gates
            .existing()
            .map(|namespace| ObjectKey::new(Arc::clone(namespace), RUN_GATE))
            .collect()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        let version = version_number(object.resource_version().as_deref());
        // An invalid one is written again.
        let spec = object.0.ok().map(|gate| gate.spec).unwrap_or_default();
        let mut gates = context.stores.run_gates.write();
        gates.set_existing(&key.namespace, version, spec);
        drop(gates);
        enqueue_pending(context, &key);
    }

    fn remove(&self, context: &Arc<Context>, key: &ObjectKey) {
        context.stores.run_gates.write().set_absent(&key.namespace);
        enqueue_pending(context, key);
    }
}

fn enqueue_pending(context: &Context, gate: &ObjectKey) {
    let pending = context.stores.run_gates.read().pending(&gate.namespace);
    if pending.is_some() {
        let namespace = Arc::clone(&gate.namespace);
        context.enqueue(Task::RunGate(namespace), Priority::Dependent);
    }
}

/// Handles generated pipelines, metadata only.
pub(super) struct PipelineHandler;

impl EventHandler for PipelineHandler {
    const KIND: &'static str = PIPELINES.kind;
    type Object = PartialObjectMeta<Pipeline>;
    type Key = ObjectKey;

    fn cached_keys(&self, context: &Context) -> Vec<ObjectKey> {
        context.stores.pipelines.read().keys().cloned().collect()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        let entry = pipeline_entry(&object.metadata);
        if context.stores.pipelines.write().upsert(key.clone(), entry) {
            context.enqueue(Task::Workflow(key), Priority::Dependent);
        }
    }

    fn remove(&self, context: &Arc<Context>, key: &ObjectKey) {
        if context.stores.pipelines.write().remove(key) {
            context.enqueue(Task::Workflow(key.clone()), Priority::Dependent);
        }
    }
}
