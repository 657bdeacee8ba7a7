//! Watch of workflows.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::kinds::strip;
use extension_registry_render::ObjectKey;
use extension_registry_render::person::Person;
use extension_registry_runtime::queue::Priority;
use kube::core::DeserializeGuard;
use kube::{Resource, ResourceExt};

use crate::context::Context;
use crate::impact;
use crate::task::Task;
use crate::watch::event_loop::EventHandler;

/// Handles workflows.
pub(super) struct WorkflowHandler;

impl EventHandler for WorkflowHandler {
    const KIND: &'static str = "Workflow";
    type Object = DeserializeGuard<Workflow>;
    type Key = ObjectKey;

    fn cached_keys(&self, context: &Context) -> Vec<ObjectKey> {
        context.stores.workflows.read().keys().cloned().collect()
    }

    fn apply(&self, context: &Arc<Context>, key: ObjectKey, object: Self::Object) {
        let stores = &context.stores;
        let generation = |workflow: &Workflow| (workflow.uid(), workflow.metadata.generation);
        let known = stores
            .workflows
            .read()
            .get(&key)
            .map(|known| generation(known));
        let mut priority = Priority::Direct;
        let changed = match object.0 {
            Ok(mut workflow) => {
                strip(workflow.meta_mut());
                impact::restore_workflow(context, &key, &workflow);
                // The spec is unchanged: a label, or an echo that arrived before the response to the write.
                if known == Some(generation(&workflow)) {
                    priority = Priority::Dependent;
                }
                let before = stores.workflows.read().get(&key).cloned();
                let is_new = before.is_none_or(|before| !has_same_author(&before, &workflow));
                if is_new {
                    impact::retain_groups(context, &key);
                }
                let changed = stores.workflows.write().upsert(&key, workflow);
                if changed && is_new {
                    impact::identity_changed(context, &key);
                }
                changed
            }
            Err(_) => stores.workflows.write().upsert_invalid(&key),
        };
        if changed {
            context.enqueue(Task::Workflow(key), priority);
        }
    }

    fn remove(&self, context: &Arc<Context>, key: &ObjectKey) {
        impact::workflow_deleted(context, key);
    }
}

fn has_same_author(left: &Workflow, right: &Workflow) -> bool {
    Person::author(&left.metadata) == Person::author(&right.metadata)
}
