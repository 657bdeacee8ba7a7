//! Watch of run gates. Only the operator writes them, so a change by another client must be repaired.

use std::sync::Arc;

use extension_registry_api::{RUN_GATE, RunGate};
use extension_registry_render::ObjectKey;
use extension_registry_render::source::version_number;
use kube::core::DeserializeGuard;
use kube::{Api, Client, ResourceExt};

use crate::context::Context;
use crate::queue::Priority;
use crate::task::Task;
use crate::watch::{EventHandler, object_key, scoped_api};

#[derive(Clone)]
pub(super) struct RunGateHandler {
    context: Arc<Context>,
}

impl RunGateHandler {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }

    fn changed(&self, key: &ObjectKey) {
        let pending = self.context.stores.run_gates.read().pending(&key.namespace);
        if pending.is_some() {
            let namespace = Arc::clone(&key.namespace);
            self.context
                .enqueue(Task::RunGate(namespace), Priority::Dependent);
        }
    }
}

impl EventHandler for RunGateHandler {
    const KIND: &'static str = "RunGate";
    type Object = DeserializeGuard<RunGate>;
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
        let gates = self.context.stores.run_gates.read();
        gates
            .existing()
            .map(|namespace| ObjectKey::new(Arc::clone(namespace), RUN_GATE))
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let version = version_number(object.resource_version().as_deref());
        // An invalid one is written again.
        let spec = object.0.ok().map(|gate| gate.spec).unwrap_or_default();
        let mut gates = self.context.stores.run_gates.write();
        gates.set_existing(&key.namespace, version, spec);
        drop(gates);
        self.changed(&key);
    }

    fn remove(&self, key: &ObjectKey) {
        self.context
            .stores
            .run_gates
            .write()
            .set_absent(&key.namespace);
        self.changed(key);
    }
}
