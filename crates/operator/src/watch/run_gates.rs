//! Run gates: changed by the operator alone, so news here means that one was deleted or restored.

use std::sync::Arc;

use extension_registry_api::{RUN_GATE, RunGate};
use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::version_number;
use kube::core::DeserializeGuard;
use kube::{Api, Client, ResourceExt};

use crate::context::Context;
use crate::queue::Urgency;
use crate::task::Task;
use crate::watch::{Sink, api_of, object_key};

#[derive(Clone)]
pub(super) struct RunGates {
    context: Arc<Context>,
}

impl RunGates {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }

    fn changed(&self, key: &ObjectKey) {
        let pending = self.context.world.gates.read().pending(&key.namespace);
        if pending.is_some() {
            let namespace = Arc::clone(&key.namespace);
            self.context
                .want(Task::RunGate(namespace), Urgency::Dependent);
        }
    }
}

impl Sink for RunGates {
    const KIND: &'static str = "RunGate";
    type Object = DeserializeGuard<RunGate>;
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
        let gates = self.context.world.gates.read();
        gates
            .written()
            .map(|namespace| ObjectKey::new(Arc::clone(namespace), RUN_GATE))
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let version = version_number(object.resource_version().as_deref());
        // One that cannot be read is written again.
        let spec = object.0.ok().map(|gate| gate.spec).unwrap_or_default();
        let mut gates = self.context.world.gates.write();
        gates.set_written(&key.namespace, version, spec);
        drop(gates);
        self.changed(&key);
    }

    fn remove(&self, key: &ObjectKey) {
        self.context.world.gates.write().set_absent(&key.namespace);
        self.changed(key);
    }
}
