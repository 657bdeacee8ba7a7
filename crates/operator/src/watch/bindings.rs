//! Watch of bindings.

use std::sync::Arc;

use extension_registry_api::ExtensionBinding;
use extension_registry_api::kinds::strip;
use extension_registry_render::ObjectKey;
use extension_registry_runtime::queue::Priority;
use kube::core::DeserializeGuard;
use kube::{Resource, ResourceExt};

use crate::context::Context;
use crate::impact;
use crate::task::Task;
use crate::watch::event_loop::EventHandler;

/// Handles bindings.
pub(super) struct BindingHandler;

impl EventHandler for BindingHandler {
    const KIND: &'static str = "ExtensionBinding";
    type Object = DeserializeGuard<ExtensionBinding>;
    type Key = ObjectKey;

    fn cached_keys(&self, context: &Context) -> Vec<ObjectKey> {
        context.stores.bindings.read().keys().cloned().collect()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        // Its Secrets are deleted immediately, however long a finalizer keeps it.
        if object.meta().deletion_timestamp.is_some() {
            return self.remove(context, &key);
        }
        let stores = &context.stores;
        let generation = |binding: &ExtensionBinding| (binding.uid(), binding.metadata.generation);
        let known = stores
            .bindings
            .read()
            .get(&key)
            .map(|known| generation(known));
        let mut priority = Priority::Direct;
        let changed = match object.0 {
            Ok(mut binding) => {
                strip(binding.meta_mut());
                impact::restore_binding(context, &key, &binding);
                if known == Some(generation(&binding)) {
                    priority = Priority::Dependent;
                }
                stores.bindings.write().upsert(&key, binding)
            }
            Err(_) => stores.bindings.write().upsert_invalid(&key),
        };
        if changed {
            context.enqueue(Task::Binding(key), priority);
        }
    }

    fn remove(&self, context: &Arc<Context>, key: &ObjectKey) {
        impact::binding_deleted(context, key);
    }
}
