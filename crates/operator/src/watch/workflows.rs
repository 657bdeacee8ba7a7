//! Workflows.

use std::sync::Arc;

use extension_registry_api::Workflow;
use extension_registry_api::kinds::strip;
use extension_registry_binding::ObjectKey;
use extension_registry_binding::person::Person;
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource, ResourceExt};

use crate::context::Context;
use crate::impact;
use crate::queue::Urgency;
use crate::task::Task;
use crate::watch::{Sink, api_of, object_key};

#[derive(Clone)]
pub(super) struct Workflows {
    context: Arc<Context>,
}

impl Workflows {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
        }
    }
}

impl Sink for Workflows {
    const KIND: &'static str = "Workflow";
    type Object = DeserializeGuard<Workflow>;
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
        self.context
            .world
            .workflows
            .read()
            .keys()
            .cloned()
            .collect()
    }

    fn apply(&self, key: ObjectKey, object: Self::Object) {
        let world = &self.context.world;
        let generation = |workflow: &Workflow| (workflow.uid(), workflow.metadata.generation);
        let known = world
            .workflows
            .read()
            .get(&key)
            .map(|known| generation(known));
        let mut urgency = Urgency::Direct;
        let news = match object.0 {
            Ok(mut workflow) => {
                strip(workflow.meta_mut());
                impact::remember_bindings(&self.context, &key, &workflow);
                // Nobody asked for anything else: an echo that came before its answer, a label.
                if known == Some(generation(&workflow)) {
                    urgency = Urgency::Dependent;
                }
                let before = world.workflows.read().get(&key).cloned();
                let is_new = before.is_none_or(|before| !has_same_author(&before, &workflow));
                if is_new {
                    impact::remember_person(&self.context, &key);
                }
                let news = world.workflows.write().upsert(&key, workflow);
                if news && is_new {
                    impact::identity_changed(&self.context, &key);
                }
                news
            }
            Err(_) => world.workflows.write().upsert_broken(&key),
        };
        if news {
            self.context.want(Task::Workflow(key), urgency);
        }
    }

    fn remove(&self, key: &ObjectKey) {
        impact::workflow_gone(&self.context, key);
    }
}

fn has_same_author(left: &Workflow, right: &Workflow) -> bool {
    Person::author(&left.metadata) == Person::author(&right.metadata)
}
