//! Watch of workflows.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::kinds::strip;
use extension_registry_render::ObjectKey;
use extension_registry_render::person::Person;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource, ResourceExt};

use crate::context::Context;
use crate::impact;
use crate::queue::Priority;
use crate::task::Task;
use crate::watch::{EventHandler, object_key, scoped_api};

#[derive(Clone)]
pub(super) struct WorkflowHandler {
    context: Arc<Context>,
}

impl WorkflowHandler {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl EventHandler for WorkflowHandler {
    const KIND: &'static str = "Workflow";
    type Object = DeserializeGuard<Workflow>;
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
            .workflows
            .read()
            .keys()
            .cloned()
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let stores = &self.context.stores;
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
                impact::restore_bindings(&self.context, &key, &workflow);
                // The spec is unchanged: a label, or an echo that arrived before the response to the write.
                if known == Some(generation(&workflow)) {
                    priority = Priority::Dependent;
                }
                let before = stores.workflows.read().get(&key).cloned();
                let is_new = before.is_none_or(|before| !has_same_author(&before, &workflow));
                if is_new {
                    impact::retain_groups(&self.context, &key);
                }
                let changed = stores.workflows.write().upsert(&key, workflow);
                if changed && is_new {
                    impact::identity_changed(&self.context, &key);
                }
                changed
            }
            Err(_) => stores.workflows.write().upsert_invalid(&key),
        };
        if changed {
            self.context.enqueue(Task::Workflow(key), priority);
        }
    }

    fn remove(&self, key: &ObjectKey) {
        impact::workflow_deleted(&self.context, key);
    }
}

fn has_same_author(left: &Workflow, right: &Workflow) -> bool {
    Person::author(&left.metadata) == Person::author(&right.metadata)
}
